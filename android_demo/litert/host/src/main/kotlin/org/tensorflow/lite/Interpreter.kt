package org.tensorflow.lite

import org.bytedeco.javacpp.BytePointer
import org.bytedeco.javacpp.Pointer
import org.bytedeco.tensorflowlite.TfLiteInterpreter
import org.bytedeco.tensorflowlite.TfLiteModel
import org.bytedeco.tensorflowlite.TfLiteSignatureRunner
import org.bytedeco.tensorflowlite.TfLiteTensor
import org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteInterpreterAllocateTensors
import org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteInterpreterCreate
import org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteInterpreterDelete
import org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteInterpreterGetInputTensor
import org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteInterpreterGetInputTensorCount
import org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteInterpreterGetOutputTensor
import org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteInterpreterGetOutputTensorCount
import org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteInterpreterGetSignatureCount
import org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteInterpreterGetSignatureKey
import org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteInterpreterGetSignatureRunner
import org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteInterpreterInvoke
import org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteInterpreterOptionsAddDelegate
import org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteInterpreterOptionsCreate
import org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteInterpreterOptionsDelete
import org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteInterpreterOptionsSetNumThreads
import org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteModelCreate
import org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteModelDelete
import org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteSignatureRunnerDelete
import org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteSignatureRunnerGetInputCount
import org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteSignatureRunnerGetInputName
import org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteSignatureRunnerGetOutputCount
import org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteSignatureRunnerGetOutputName
import org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteTensorByteSize
import org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteTensorCopyFromBuffer
import org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteTensorData
import org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteTensorDim
import org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteTensorNumDims
import org.bytedeco.tensorflowlite.global.tensorflowlite.kTfLiteOk
import java.lang.reflect.Proxy
import java.nio.ByteBuffer
import java.nio.ByteOrder

/** Android's interpreter as far as the classifier uses it. Buffers must be direct, in native order, of exact size. */
public class Interpreter(
    model: ByteBuffer,
    options: Options,
) : InterpreterApi {
    /** How to run. */
    public class Options {
        internal var threads = 1
        internal var xnnpack = true

        public fun setNumThreads(count: Int): Options = apply { threads = count }

        public fun setUseXNNPACK(use: Boolean): Options = apply { xnnpack = use }
    }

    // TFLite reads the weights where they are: the pointer must live as long as the model.
    private val bytes = BytePointer(model)
    private val loaded: TfLiteModel =
        TfLiteModelCreate(bytes, model.remaining().toLong()) ?: throw IllegalArgumentException("not a TFLite model")
    private val delegate: XnnPack? = if (options.xnnpack) XnnPack() else null
    private val interpreter: TfLiteInterpreter = create(options)

    public val signatureKeys: Array<String>
        get() =
            Array(TfLiteInterpreterGetSignatureCount(interpreter)) {
                TfLiteInterpreterGetSignatureKey(interpreter, it).string
            }

    public fun getSignatureInputs(signature: String): Array<String> =
        with(signature) { runner ->
            Array(TfLiteSignatureRunnerGetInputCount(runner).toInt()) {
                TfLiteSignatureRunnerGetInputName(runner, it).string
            }
        }

    public fun getSignatureOutputs(signature: String): Array<String> =
        with(signature) { runner ->
            Array(TfLiteSignatureRunnerGetOutputCount(runner).toInt()) {
                TfLiteSignatureRunnerGetOutputName(runner, it).string
            }
        }

    override fun getInputTensorCount(): Int = TfLiteInterpreterGetInputTensorCount(interpreter)

    override fun getOutputTensorCount(): Int = TfLiteInterpreterGetOutputTensorCount(interpreter)

    override fun getInputTensor(index: Int): Tensor = shaped(TfLiteInterpreterGetInputTensor(interpreter, index))

    override fun getOutputTensor(index: Int): Tensor = shaped(TfLiteInterpreterGetOutputTensor(interpreter, index))

    override fun run(
        input: Any,
        output: Any,
    ) {
        fill(TfLiteInterpreterGetInputTensor(interpreter, 0), input as ByteBuffer)
        check(TfLiteInterpreterInvoke(interpreter) == kTfLiteOk) { "the model does not run" }
        (output as ByteBuffer).put(data(TfLiteInterpreterGetOutputTensor(interpreter, 0)))
    }

    override fun close() {
        TfLiteInterpreterDelete(interpreter)
        delegate?.close()
        TfLiteModelDelete(loaded)
        bytes.close()
    }

    override fun runForMultipleInputsOutputs(
        inputs: Array<Any>,
        outputs: Map<Int, Any>,
    ): Unit = unused()

    override fun allocateTensors(): Unit = unused()

    override fun resizeInput(
        index: Int,
        sizes: IntArray,
    ): Unit = unused()

    override fun resizeInput(
        index: Int,
        sizes: IntArray,
        strict: Boolean,
    ): Unit = unused()

    override fun getInputIndex(name: String): Int = unused()

    override fun getOutputIndex(name: String): Int = unused()

    override fun getLastNativeInferenceDurationNanoseconds(): Long = unused()

    private fun unused(): Nothing = throw UnsupportedOperationException("no classifier calls it")

    private fun create(options: Options): TfLiteInterpreter {
        val how = TfLiteInterpreterOptionsCreate()
        TfLiteInterpreterOptionsSetNumThreads(how, options.threads)
        delegate?.let { TfLiteInterpreterOptionsAddDelegate(how, it.struct) }
        val created = TfLiteInterpreterCreate(loaded, how)
        TfLiteInterpreterOptionsDelete(how)
        require(created != null && TfLiteInterpreterAllocateTensors(created) == kTfLiteOk) { "the model is not usable" }
        return created
    }

    private fun <T> with(
        signature: String,
        use: (TfLiteSignatureRunner) -> T,
    ): T {
        val runner =
            TfLiteInterpreterGetSignatureRunner(interpreter, signature)
                ?: throw IllegalArgumentException("no signature $signature")
        try {
            return use(runner)
        } finally {
            TfLiteSignatureRunnerDelete(runner)
        }
    }

    private fun fill(
        tensor: TfLiteTensor,
        value: ByteBuffer,
    ) {
        require(value.isDirect && value.order() == ByteOrder.nativeOrder()) { "needs a direct buffer in native order" }
        val size = TfLiteTensorByteSize(tensor)
        require(value.capacity().toLong() == size) { "input has ${value.capacity()} bytes, the tensor $size" }
        check(TfLiteTensorCopyFromBuffer(tensor, Pointer(value), size) == kTfLiteOk) { "the input cannot be copied" }
    }

    private fun data(tensor: TfLiteTensor): ByteBuffer =
        BytePointer(TfLiteTensorData(tensor)).capacity(TfLiteTensorByteSize(tensor)).asByteBuffer()

    /** Of a tensor the classifier asks for the shape alone. */
    private fun shaped(tensor: TfLiteTensor): Tensor {
        val sizes = IntArray(TfLiteTensorNumDims(tensor)) { TfLiteTensorDim(tensor, it) }
        return Proxy.newProxyInstance(Tensor::class.java.classLoader, arrayOf(Tensor::class.java)) { _, method, _ ->
            check(method.name == "shape") { "no classifier calls ${method.name}" }
            sizes
        } as Tensor
    }
}
