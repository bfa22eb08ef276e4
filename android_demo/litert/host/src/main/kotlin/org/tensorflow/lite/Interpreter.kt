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
import org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteInterpreterGetSignatureCount
import org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteInterpreterGetSignatureKey
import org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteInterpreterGetSignatureRunner
import org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteInterpreterOptionsCreate
import org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteInterpreterOptionsDelete
import org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteInterpreterOptionsSetNumThreads
import org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteModelCreate
import org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteModelDelete
import org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteSignatureRunnerAllocateTensors
import org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteSignatureRunnerDelete
import org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteSignatureRunnerGetInputCount
import org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteSignatureRunnerGetInputName
import org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteSignatureRunnerGetInputTensor
import org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteSignatureRunnerGetOutputCount
import org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteSignatureRunnerGetOutputName
import org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteSignatureRunnerGetOutputTensor
import org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteSignatureRunnerInvoke
import org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteTensorByteSize
import org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteTensorCopyFromBuffer
import org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteTensorData
import org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteTensorDim
import org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteTensorNumDims
import org.bytedeco.tensorflowlite.global.tensorflowlite.kTfLiteOk
import java.nio.ByteBuffer
import java.nio.ByteOrder

/** Android's interpreter as far as the classifier uses it. Buffers must be direct, in native order, of exact size. */
public class Interpreter(
    model: ByteBuffer,
    options: Options,
) : AutoCloseable {
    /** How to run. */
    public class Options {
        internal var threads = 1

        public fun setNumThreads(count: Int): Options = apply { threads = count }
    }

    // TFLite reads the weights where they are: the pointer must live as long as the model.
    private val bytes = BytePointer(model)
    private val loaded: TfLiteModel =
        TfLiteModelCreate(bytes, model.remaining().toLong()) ?: throw IllegalArgumentException("not a TFLite model")
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

    public fun getInputTensorFromSignature(
        name: String,
        signature: String,
    ): Tensor = with(signature) { shaped(TfLiteSignatureRunnerGetInputTensor(it, name)) }

    public fun getOutputTensorFromSignature(
        name: String,
        signature: String,
    ): Tensor = with(signature) { shaped(TfLiteSignatureRunnerGetOutputTensor(it, name)) }

    public fun runSignature(
        inputs: Map<String, Any>,
        outputs: Map<String, Any>,
        signature: String,
    ): Unit =
        with(signature) { runner ->
            for ((name, value) in inputs) fill(TfLiteSignatureRunnerGetInputTensor(runner, name), value as ByteBuffer)
            check(TfLiteSignatureRunnerInvoke(runner) == kTfLiteOk) { "the model does not run" }
            for ((name, value) in outputs) {
                (value as ByteBuffer).put(data(TfLiteSignatureRunnerGetOutputTensor(runner, name)))
            }
        }

    override fun close() {
        TfLiteInterpreterDelete(interpreter)
        TfLiteModelDelete(loaded)
        bytes.close()
    }

    private fun create(options: Options): TfLiteInterpreter {
        val how = TfLiteInterpreterOptionsCreate()
        TfLiteInterpreterOptionsSetNumThreads(how, options.threads)
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
            check(TfLiteSignatureRunnerAllocateTensors(runner) == kTfLiteOk) { "no memory for tensors" }
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

    private fun shaped(tensor: TfLiteTensor): Tensor {
        val sizes = IntArray(TfLiteTensorNumDims(tensor)) { TfLiteTensorDim(tensor, it) }
        return object : Tensor {
            override fun shape(): IntArray = sizes
        }
    }
}
