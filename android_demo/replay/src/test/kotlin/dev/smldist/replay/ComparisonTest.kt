package dev.smldist.replay

import dev.smldist.sensing.ModelFile
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import java.io.File

/** What is told apart from Python's answers. */
class ComparisonTest {
    private val logits = listOf(floatArrayOf(1f, 0f), floatArrayOf(0f, 2f))
    private val labels = listOf("walk", "run")
    private val expected = ExpectedModel("m.tflite", "0a", "LiteRT 2.3.0", null, logits, labels)

    private fun of(
        logits: List<FloatArray> = this.logits,
        labels: List<String> = this.labels,
        ties: Boolean = false,
    ) = compare(Answers(logits, labels), expected, Limits(0.5f, null, ties))

    @Test
    fun `equal answers pass and the largest error is told`() {
        assertTrue(of().sameLogits)
        assertTrue(of().sameLabels)
        assertEquals(0.25f, of(listOf(floatArrayOf(1f, 0.25f), floatArrayOf(0.125f, 2f))).maxAbs)
    }

    @Test
    fun `an error above the limit or no number fails`() {
        assertFalse(of(listOf(logits[0], floatArrayOf(0.75f, 2f))).sameLogits)
        assertFalse(of(listOf(floatArrayOf(Float.NaN, 0f), logits[1])).sameLogits)
        assertFalse(of(listOf(logits[0], floatArrayOf(0f, Float.POSITIVE_INFINITY))).sameLogits)
    }

    @Test
    fun `another number of windows or scores fails`() {
        assertFalse(of(logits.take(1), labels.take(1)).sameLogits)
        assertFalse(of(logits + logits, labels + labels).sameLogits)
        assertFalse(of(logits.map { it + 0f }).sameLogits)
        val none = expected.copy(logits = listOf(), labels = listOf())
        assertFalse(compare(Answers(listOf(), listOf()), none, Limits(0.5f, null, ties = false)).sameLogits)
    }

    @Test
    fun `another label fails, unless it is a near tie and ties are allowed`() {
        val second = listOf("walk", "walk")
        assertFalse(of(labels = second).sameLabels)
        assertFalse(of(labels = second, ties = true).sameLabels)
        val first = listOf("run", "run")
        assertFalse(of(labels = first).sameLabels)
        assertTrue(of(labels = first, ties = true).sameLabels)
    }

    @Test
    fun `answers of another file are an error that names the command`() {
        val model = ModelFile("tflite", "fp32", "", "m.tflite", "0a", 1, listOf(), listOf(), "onnx2tf", "LiteRT 2.3.0")
        val answers = Expected("watch", mapOf(expected.path to expected), mapOf(expected.path to expected))
        for (answer in listOf(answers::of, answers::ofGolden)) {
            assertEquals(expected, answer(model))
            for (other in listOf(model.copy(sha256 = "0b"), model.copy(path = "n.tflite"))) {
                val error = assertThrows(IllegalStateException::class.java) { answer(other) }
                assertTrue("tests.replay.logits" in error.message!!, error.message)
            }
        }
    }

    @Test
    fun `missing answers are an error that names the command`() {
        val error = assertThrows(IllegalStateException::class.java) { Expected.read(File("no such file")) }
        assertTrue("tests.replay.logits" in error.message!!, error.message)
    }
}
