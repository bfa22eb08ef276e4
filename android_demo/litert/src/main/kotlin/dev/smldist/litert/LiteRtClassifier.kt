package dev.smldist.litert

import dev.smldist.inference.Classifier
import dev.smldist.inference.INPUT
import dev.smldist.inference.ModelException
import dev.smldist.inference.OUTPUT
import dev.smldist.inference.requireContent
import dev.smldist.inference.requireRuntime
import dev.smldist.inference.requireSizes
import dev.smldist.inference.requireTensors
import dev.smldist.sensing.ModelFile
import dev.smldist.sensing.SensorContract
import org.tensorflow.lite.Interpreter
import org.tensorflow.lite.InterpreterApi
import org.tensorflow.lite.TensorFlowLite
import java.nio.Buffer
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.nio.FloatBuffer

/**
 * Runs a `.tflite` file on one thread of the CPU, as it was verified.
 *
 * Input `[1, 1, T, C]`, time before channels. TensorFlow Lite, LiteRT and Play services have the same interface,
 * `org.tensorflow.lite.InterpreterApi`.
 *
 * @param content the model file
 * @throws ModelException not the manifest's file, an older runtime, or other tensors than the contract's
 */
public class LiteRtClassifier
    @JvmOverloads
    constructor(
        override val model: ModelFile,
        contract: SensorContract,
        content: ByteArray,
        interpreters: InterpreterFactory = InterpreterFactory.BUNDLED,
    ) : Classifier {
        override val runtime: String

        private val shape = intArrayOf(1, 1, contract.length, contract.channels.size)
        private val interpreter: InterpreterApi
        private val samples: ByteBuffer
        private val scores: ByteBuffer
        private val input: FloatBuffer
        private val output: FloatBuffer

        init {
            // Before the interpreter sees them: it trusts the bytes that it is given.
            model.requireContent(content)
            model.requireTensors(contract, shape.toList())
            val bundled = interpreters === InterpreterFactory.BUNDLED
            if (bundled) model.requireRuntime("TensorFlow Lite", TensorFlowLite.runtimeVersion())
            // Another library than the app's tells no version before it is loaded; the self-test judges what it computes.
            runtime = if (bundled) "TensorFlow Lite ${TensorFlowLite.runtimeVersion()}" else "TensorFlow Lite"
            interpreter = open(content, interpreters)
            samples = direct(contract.length * contract.channels.size)
            scores = direct(contract.labels.size)
            input = samples.asFloatBuffer()
            output = scores.asFloatBuffer()
        }

        override fun classify(
            window: FloatArray,
            logits: FloatArray,
        ) {
            requireSizes(window, logits)
            input.restart()
            input.put(window)
            // The interpreter writes from this buffer's position on, and moves it.
            samples.restart()
            scores.restart()
            try {
                interpreter.run(samples, scores)
            } catch (error: RuntimeException) {
                throw ModelException("${model.path} fails in $runtime (${error.message}): run another precision", error)
            }
            output.restart()
            output.get(logits)
        }

        override fun close() {
            interpreter.close()
        }

        private fun open(
            content: ByteArray,
            interpreters: InterpreterFactory,
        ): InterpreterApi {
            val buffer = ByteBuffer.allocateDirect(content.size).order(ByteOrder.nativeOrder()).put(content)
            buffer.restart()
            val opened =
                try {
                    interpreters.create(buffer)
                } catch (error: RuntimeException) {
                    throw ModelException(
                        "${model.path} does not load in $runtime (${error.message}): rebuild it",
                        error,
                    )
                }
            try {
                if (opened is Interpreter) requireSignature(opened)
                requireShapes(opened)
            } catch (error: ModelException) {
                opened.close()
                throw error
            }
            return opened
        }

        /** The file itself must say what its manifest says of it. */
        private fun requireSignature(opened: Interpreter) {
            if (SIGNATURE !in opened.signatureKeys) {
                throw ModelException(
                    "${model.path} has signatures ${opened.signatureKeys.toList()}, expected $SIGNATURE",
                )
            }
            val names = opened.getSignatureInputs(SIGNATURE).toList() to opened.getSignatureOutputs(SIGNATURE).toList()
            if (names != listOf(INPUT) to listOf(OUTPUT)) {
                throw ModelException("${model.path} maps ${names.first} to ${names.second}, expected $INPUT to $OUTPUT")
            }
        }

        private fun requireShapes(opened: InterpreterApi) {
            if (opened.inputTensorCount != 1 || opened.outputTensorCount != 1) {
                val found = "${opened.inputTensorCount} inputs and ${opened.outputTensorCount} outputs"
                throw ModelException("${model.path} has $found, expected one of each: build the target again")
            }
            val found = opened.getInputTensor(0).shape()
            val scores = opened.getOutputTensor(0).shape()
            val classes = model.outputs.single().shape
            if (!found.contentEquals(shape) || scores.toList() != classes) {
                throw ModelException(
                    "${model.path} takes ${found.toList()} and gives ${scores.toList()}, " +
                        "the contract needs ${shape.toList()} and $classes: build the target again",
                )
            }
        }

        private companion object {
            const val SIGNATURE = "serving_default"
            const val FLOAT_BYTES = 4

            /** Buffer's own rewind: the one that newer JDKs gave its subclasses is missing on Android 8. */
            fun Buffer.restart() {
                rewind()
            }

            fun direct(floats: Int): ByteBuffer =
                ByteBuffer.allocateDirect(FLOAT_BYTES * floats).order(ByteOrder.nativeOrder())
        }
    }
