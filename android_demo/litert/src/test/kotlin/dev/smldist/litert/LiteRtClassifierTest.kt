package dev.smldist.litert

import dev.smldist.inference.GoldenWindows
import dev.smldist.inference.Kernels
import dev.smldist.inference.ModelException
import dev.smldist.inference.Pack
import dev.smldist.inference.SelfTest
import dev.smldist.sensing.ModelFile
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.tensorflow.lite.Interpreter
import java.io.File

/** The shipped models through the app's own classifier, run by the real TFLite library. */
class LiteRtClassifierTest {
    private val assets = File(checkNotNull(System.getProperty("smldist.assets")))
    private val pack = Pack.read { File(assets, it).readBytes() }
    private val contract = pack.manifest.contract
    private val models = pack.models.filter { it.target == "tflite" }
    private val single = pack.manifest.model("tflite", "fp32")
    private val golden = GoldenWindows.read(pack.file("selftest.npz"))

    private fun open(
        model: ModelFile,
        content: ByteArray = pack.file(model.path),
        interpreters: InterpreterFactory = InterpreterFactory.BUNDLED,
    ) = LiteRtClassifier(model, contract, content, interpreters)

    @Test
    fun `every model passes its self-test`() {
        assertTrue(models.size > 1)
        for (model in models) {
            val result = open(model).use { pack.selfTest(model).run(it) }
            assertTrue(result.passed, "${model.path}: $result")
            assertEquals(golden.size, result.windows)
        }
    }

    @Test
    fun `the self-test tells XNNPACK from TensorFlow Lite's own kernels, of int8_static models alone`() {
        val bare = InterpreterFactory { Interpreter(it, Interpreter.Options().setUseXNNPACK(false)) }
        for (model in models) {
            val (fast, slow) =
                listOf(InterpreterFactory.BUNDLED, bare).map { kernels ->
                    open(model, interpreters = kernels).use { pack.selfTest(model).run(it) }
                }
            println("${model.path}: with XNNPACK $fast, without $slow")
            val told = model.precision == "int8_static"
            assertEquals(if (told) Kernels.XNNPACK else null, fast.kernels, model.path)
            assertEquals(if (told) Kernels.BUILT_IN else null, slow.kernels, model.path)
            assertTrue(slow.passed, "${model.path}: $slow")
        }
    }

    @Test
    fun `fp32 gives the reference logits`() {
        val expected = checkNotNull(golden.logits)
        val logits = FloatArray(contract.labels.size)
        open(single).use {
            for (index in 0 until golden.size) {
                it.classify(golden.x[index], logits)
                assertArrayEquals(expected[index], logits, 1e-4f)
            }
        }
    }

    @Test
    fun `swapped channels, g for metres and another order of labels fail the self-test`() {
        val width = contract.channels.size
        val swapped = { x: FloatArray -> FloatArray(x.size) { x[if (it % width < 2) it xor 1 else it] } }
        val inG = { x: FloatArray -> FloatArray(x.size) { if (it % width < 3) x[it] / 9.80665f else x[it] } }
        val expected = checkNotNull(golden.logits)
        open(single).use { classifier ->
            for (wrong in listOf(swapped, inG)) {
                val test = SelfTest(golden.x.map(wrong), expected, 1e-4f)
                assertFalse(test.run(classifier).passed)
            }
            val shuffled = expected.map { it.reversedArray() }
            assertFalse(SelfTest(golden.x, shuffled, 1e-4f).run(classifier).passed)
        }
    }

    @Test
    fun `a changed byte is refused before it is loaded`() {
        val content = pack.file(single.path)
        content[content.size / 2] = (content[content.size / 2] + 1).toByte()
        val error = assertThrows(ModelException::class.java) { open(single, content) }
        assertTrue("SHA-256" in error.message!!, error.message)
    }

    @Test
    fun `a truncated file is refused`() {
        val content = pack.file(single.path)
        val error = assertThrows(ModelException::class.java) { open(single, content.copyOf(content.size / 2)) }
        assertTrue("bytes" in error.message!!, error.message)
    }

    @Test
    fun `an older runtime than the operators' is refused`() {
        val newer = single.copy(runtime = "LiteRT 9.9.9 (operators since TensorFlow Lite 99.0.0)")
        val error = assertThrows(ModelException::class.java) { open(newer) }
        assertTrue("99.0.0" in error.message!!, error.message)
    }

    @Test
    fun `a contract of another window is refused`() {
        val other = contract.copy(length = contract.length / 2)
        assertThrows(ModelException::class.java) { LiteRtClassifier(single, other, pack.file(single.path)) }
        val fewer = contract.copy(labels = contract.labels.dropLast(1))
        assertThrows(ModelException::class.java) { LiteRtClassifier(single, fewer, pack.file(single.path)) }
    }

    @Test
    fun `a manifest that describes another file's tensors is refused`() {
        val other = contract.copy(length = contract.length / 2)
        val inputs = single.inputs.map { it.copy(shape = listOf(1, 1, other.length, other.channels.size)) }
        val error =
            assertThrows(ModelException::class.java) {
                LiteRtClassifier(single.copy(inputs = inputs), other, pack.file(single.path))
            }
        assertTrue("the contract needs" in error.message!!, error.message)
    }

    @Test
    fun `buffers of another size are refused`() {
        open(single).use {
            assertThrows(ModelException::class.java) { it.classify(FloatArray(3), FloatArray(contract.labels.size)) }
            assertThrows(ModelException::class.java) { it.classify(golden.x[0], FloatArray(contract.labels.size + 1)) }
        }
    }
}
