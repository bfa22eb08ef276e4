package dev.smldist.inference

import dev.smldist.sensing.ModelFile
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import java.io.FileNotFoundException

class PackTest {
    private val hash = "0".repeat(64)
    private val runtime = "LiteRT 2.3.0 (operators since TensorFlow Lite 2.4.0)"
    private val model = ModelFile("tflite", "fp32", "", "m", hash, 1, emptyList(), emptyList(), "", runtime)

    @Test
    fun `an index that is damaged, newer or missing is refused by name`() {
        val index = """{"schema_version": 1, "files": [{"path": "manifest.json", "sha256": "$hash"}], "models": []}"""
        val broken = listOf("{", "[]", "{}", index.replace("1,", "2,"), index.replace("\"files\"", "\"file\""))
        for (text in broken) assertTrue("pack.json" in refused { text }, text)
        assertTrue("pack.json" in refused { throw FileNotFoundException(it) })
        val foreign = refused { if (it == "pack.json") index else "{}" }
        assertTrue("manifest.json has SHA-256" in foreign, foreign)
    }

    @Test
    fun `an index is refused in words that name the place, what stands there and what belongs there`() {
        val model = """{"path": "m", "max_abs": 0.1, "logits": [[1, 2.5]], "later": 1}"""
        val index = """{"schema_version": 1, "files": [{"path": "m", "sha256": "$hash"}], "models": [$model]}"""
        assertTrue("pack.json does not list manifest.json" in refused { index })
        val broken =
            mapOf(
                index.replace("2.5", "\"2.5\"") to "pack.json.models[0].logits[0][1] is \"2.5\", expected a number",
                index.replace("2.5", "1e99") to "pack.json.models[0].logits[0][1] is 1e99, expected a number",
                index.replace("0.1", "null") to "pack.json.models[0].max_abs is null, expected a number",
                index.replace("\"$hash\"", "7") to "pack.json.files[0].sha256 is 7, expected a text",
                index.replace("max_abs", "max") to "pack.json.models[0].max_abs is missing",
                index.replace("[[1, 2.5]]", "{}") to "pack.json.models[0].logits is {}, expected a list",
                index.replaceFirst(": 1,", ": \"1\",") to "schema_version is \"1\", expected a whole number",
                index.dropLast(1) to "pack.json is not JSON",
            )
        for ((text, words) in broken) {
            val message = refused { text }
            assertTrue(words in message && "install it again" in message, message)
        }
    }

    @Test
    fun `the runtime is compared with the version since which the operators exist`() {
        assertEquals("2.4.0", model.oldestRuntime().toString())
        model.requireRuntime("TensorFlow Lite", "2.16.1")
        model.requireRuntime("TensorFlow Lite", "2.4")
        for (version in listOf("2.3.9", "1.15.0", "unknown")) {
            assertThrows(ModelException::class.java) { model.requireRuntime("TensorFlow Lite", version) }
        }
        assertEquals("1.5.1", model.copy(runtime = "ExecuTorch 1.5.1").oldestRuntime().toString())
        assertThrows(ModelException::class.java) { model.copy(runtime = "any").oldestRuntime() }
    }

    @Test
    fun `a self-test fails for a wrong and for a missing number`() {
        val window = floatArrayOf(1f)
        val test = SelfTest(listOf(window), listOf(floatArrayOf(1f, 2f)), 0.1f)
        assertTrue(test.run(answering(1.05f, 2f)).passed)
        assertFalse(test.run(answering(1.2f, 2f)).passed)
        assertFalse(test.run(answering(Float.NaN, 2f)).passed)
        assertFalse(test.run(answering(1f, Float.POSITIVE_INFINITY)).passed)
    }

    @Test
    fun `the mean error tells XNNPACK's kernels from the runtime's own`() {
        val windows = List(2) { floatArrayOf(1f) }
        val expected = listOf(floatArrayOf(1f, 2f), floatArrayOf(1f, 2.5f))
        val test = SelfTest(windows, expected, allowed = 1f, xnnpackMean = 0.2f)
        // 0, 0.25, 0, 0.25: their mean is 0.125.
        assertEquals(Kernels.XNNPACK, test.run(answering(1f, 2.25f)).kernels)
        // 0.25, 0.25, 0.25, 0.25.
        val other = test.run(answering(1.25f, 2.25f))
        assertEquals(Kernels.BUILT_IN, other.kernels)
        assertTrue(other.passed)
        assertNull(SelfTest(windows, expected, 1f).run(answering(1.25f, 2.25f)).kernels)
        assertNull(test.run(answering(Float.NaN, 2f)).kernels)
    }

    private fun answering(vararg scores: Float) =
        object : Classifier {
            override val model = this@PackTest.model
            override val runtime = "none"

            override fun classify(
                window: FloatArray,
                logits: FloatArray,
            ) {
                scores.copyInto(logits)
            }

            override fun close() = Unit
        }

    private fun refused(open: (String) -> String): String =
        assertThrows(ModelException::class.java) { Pack.read { open(it).toByteArray() } }.message.orEmpty()
}
