package dev.smldist.executorch

import dev.smldist.inference.Classifier
import dev.smldist.inference.ModelException
import dev.smldist.inference.requireContent
import dev.smldist.inference.requireRuntime
import dev.smldist.inference.requireSizes
import dev.smldist.inference.requireTensors
import dev.smldist.sensing.ModelFile
import dev.smldist.sensing.SensorContract
import org.pytorch.executorch.EValue
import org.pytorch.executorch.Module
import org.pytorch.executorch.Tensor
import java.io.File
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.nio.FloatBuffer

/**
 * Runs a `.pte` file. Input `[1, C, 1, T]`, channels before time.
 *
 * A file runs on the ExecuTorch that exported it and on the next minor release, never on an older one. The runtime does
 * not tell its own version, so whoever builds the app names it.
 *
 * @param file the model on disk, which the runtime maps; its content is checked first
 * @param runtimeVersion of the `executorch-android` in this app
 * @throws ModelException not the manifest's file, an older runtime, or other tensors than the contract's
 */
public class ExecuTorchClassifier(
    override val model: ModelFile,
    contract: SensorContract,
    file: File,
    runtimeVersion: String,
) : Classifier {
    override val runtime: String = "ExecuTorch $runtimeVersion"

    private val channels = contract.channels.size
    private val length = contract.length
    private val module: Module
    private val input: FloatBuffer
    private val value: EValue

    init {
        val shape = listOf(1, channels, 1, length)
        model.requireContent(file.readBytes())
        model.requireTensors(contract, shape)
        model.requireRuntime("ExecuTorch", runtimeVersion)
        module = failing("does not load") { Module.load(file.path) }
        val bytes = ByteBuffer.allocateDirect(FLOAT_BYTES * channels * length).order(ByteOrder.nativeOrder())
        input = bytes.asFloatBuffer()
        // The tensor reads this buffer at each forward: it is made once.
        value = EValue.from(Tensor.fromBlob(input, LongArray(shape.size) { shape[it].toLong() }))
    }

    override fun classify(
        window: FloatArray,
        logits: FloatArray,
    ) {
        requireSizes(window, logits)
        for (channel in 0 until channels) {
            for (time in 0 until length) input.put(channel * length + time, window[time * channels + channel])
        }
        // Never forward() without an input: it would run on the file's sample.
        val scores = failing("does not run") { module.forward(value)[0].toTensor().dataAsFloatArray }
        if (scores.size != logits.size) {
            throw ModelException("${model.path} gives ${scores.size} scores, the contract has ${logits.size} labels")
        }
        scores.copyInto(logits)
    }

    override fun close() {
        module.destroy()
    }

    private fun <T> failing(
        what: String,
        call: () -> T,
    ): T =
        try {
            call()
        } catch (error: RuntimeException) {
            throw ModelException("${model.path} $what in $runtime (${error.message}): build it again", error)
        }

    private companion object {
        const val FLOAT_BYTES = 4
    }
}
