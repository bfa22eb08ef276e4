package dev.smldist.replay

import com.sun.jna.Memory
import com.sun.jna.Native
import com.sun.jna.NativeLong
import com.sun.jna.Pointer
import com.sun.jna.ptr.NativeLongByReference
import com.sun.jna.ptr.PointerByReference
import dev.smldist.inference.Classifier
import dev.smldist.inference.ModelException
import dev.smldist.inference.requireContent
import dev.smldist.inference.requireSizes
import dev.smldist.inference.requireTensors
import dev.smldist.sensing.ModelFile
import dev.smldist.sensing.SensorContract
import java.io.File

/**
 * Runs a `.tflite` file as a CompiledModel of LiteRT 2 on the CPU. Input `[1, 1, T, C]`, time before channels.
 *
 * No app holds this class: it shows that the windows of `sensing` give Python's logits in LiteRT itself, too.
 *
 * @param file the model on disk; its content is checked first
 * @param library path of `libLiteRt.so`
 * @throws ModelException not the manifest's file, other tensors than the contract's, or LiteRT refused
 */
class CompiledModelClassifier(
    override val model: ModelFile,
    contract: SensorContract,
    file: File,
    library: String,
) : Classifier {
    override val runtime: String = "LiteRT"

    private val litert: LiteRt
    private val closing = ArrayDeque<() -> Unit>()
    private val compiled: Pointer
    private val input: Pointer
    private val output: Pointer

    init {
        // Before the library sees them: it trusts the bytes that it is given.
        model.requireContent(file.readBytes())
        model.requireTensors(contract, listOf(1, 1, contract.length, contract.channels.size))
        litert = Native.load(library, LiteRt::class.java)
        val environment =
            made(litert::LiteRtDestroyEnvironment) { litert.LiteRtCreateEnvironment(1, LiteRt.quiet(), it) }
        val loaded =
            made(litert::LiteRtDestroyModel) { litert.LiteRtCreateModelFromFile(environment, file.path, it) }
        compiled = compile(environment, loaded)
        val signature = got { litert.LiteRtGetModelSignature(loaded, FIRST, it) }
        input =
            buffer(
                environment,
                got { litert.LiteRtGetSignatureInputTensorByIndex(signature, FIRST, it) },
                got { litert.LiteRtGetCompiledModelInputBufferRequirements(compiled, FIRST, FIRST, it) },
                contract.length * contract.channels.size,
            )
        output =
            buffer(
                environment,
                got { litert.LiteRtGetSignatureOutputTensorByIndex(signature, FIRST, it) },
                got { litert.LiteRtGetCompiledModelOutputBufferRequirements(compiled, FIRST, FIRST, it) },
                contract.labels.size,
            )
    }

    override fun classify(
        window: FloatArray,
        logits: FloatArray,
    ) {
        requireSizes(window, logits)
        locked(input, LiteRt.WRITE) { it.write(0, window, 0, window.size) }
        val (given, scores) = PointerByReference(input) to PointerByReference(output)
        succeed(litert.LiteRtRunCompiledModel(compiled, FIRST, ONE, given, ONE, scores))
        locked(output, LiteRt.READ) { it.read(0, logits, 0, logits.size) }
    }

    override fun close() {
        while (closing.isNotEmpty()) closing.removeLast()()
    }

    private fun compile(
        environment: Pointer,
        loaded: Pointer,
    ): Pointer {
        val options = made(litert::LiteRtDestroyOptions) { litert.LiteRtCreateOptions(it) }
        succeed(litert.LiteRtSetOptionsHardwareAccelerators(options, LiteRt.CPU))
        return made(litert::LiteRtDestroyCompiledModel) {
            litert.LiteRtCreateCompiledModel(environment, loaded, options, it)
        }
    }

    /** A buffer for [tensor], as the compiled model wants it. */
    private fun buffer(
        environment: Pointer,
        tensor: Pointer,
        requirements: Pointer,
        floats: Int,
    ): Pointer {
        val type = Memory(LiteRt.TYPE_BYTES)
        succeed(litert.LiteRtGetRankedTensorType(tensor, type))
        val buffer =
            made(litert::LiteRtDestroyTensorBuffer) {
                litert.LiteRtCreateManagedTensorBufferFromRequirements(environment, type, requirements, it)
            }
        val bytes = NativeLongByReference()
        succeed(litert.LiteRtGetTensorBufferPackedSize(buffer, bytes))
        val size = bytes.value.toLong()
        if (size != Float.SIZE_BYTES.toLong() * floats) {
            throw ModelException("${model.path} has a buffer of $size bytes, expected $floats floats: $REBUILD")
        }
        return buffer
    }

    private fun locked(
        buffer: Pointer,
        mode: Int,
        use: (Pointer) -> Unit,
    ) {
        use(got { litert.LiteRtLockTensorBuffer(buffer, it, mode) })
        succeed(litert.LiteRtUnlockTensorBuffer(buffer))
    }

    /** What [create] makes; destroyed when this classifier is closed, the newest first. */
    private fun made(
        destroy: (Pointer) -> Unit,
        create: (PointerByReference) -> Int,
    ): Pointer = got(create).also { closing += { destroy(it) } }

    private fun got(call: (PointerByReference) -> Int): Pointer {
        val result = PointerByReference()
        succeed(call(result))
        return result.value
    }

    private fun succeed(status: Int) {
        if (status != 0) throw ModelException("${model.path} fails in LiteRT with status $status, expected 0: $REBUILD")
    }

    private companion object {
        const val REBUILD = "build the target again"
        val FIRST = NativeLong(0)
        val ONE = NativeLong(1)
    }
}
