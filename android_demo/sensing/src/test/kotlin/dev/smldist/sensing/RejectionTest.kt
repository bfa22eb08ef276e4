package dev.smldist.sensing

import kotlinx.serialization.Serializable
import kotlinx.serialization.json.Json
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.CsvSource
import java.io.File
import kotlin.math.ln

class RejectionTest {
    @Serializable
    private class Case(
        val rejection: Rejection,
        val logits: List<FloatArray>,
        val probabilities: List<FloatArray>,
        val answers: List<Int?>,
    )

    @Test
    fun `probabilities and unknown answers are Python's`() {
        val text = File("src/test/resources/answers.json").readText()
        val cases = Json.decodeFromString<List<Case>>(text)
        assertTrue(cases.size > 3)
        for (case in cases) {
            for (row in case.logits.indices) {
                val found = FloatArray(case.logits[row].size)
                softmax(case.logits[row], found, case.rejection.temperature)
                assertArrayEquals(case.probabilities[row], found, 1e-6f)
                val best = found.indices.maxBy { found[it] }
                assertEquals(case.answers[row], best.takeUnless { case.rejection.rejects(found[best]) })
            }
        }
    }

    @Test
    fun `a label does not hold where its share is rejected`() {
        val stable = StableLabel(listOf("sit", "walk"), smoothing = 0f, rejection = Rejection(threshold = 0.8f))
        stable.update(floatArrayOf(ln(0.7f), ln(0.3f)))
        assertNull(stable.label)
        stable.update(floatArrayOf(ln(0.9f), ln(0.1f)))
        assertEquals("sit", stable.label)
        stable.update(floatArrayOf(ln(0.7f), ln(0.3f)))
        assertNull(stable.label)
    }

    @Test
    fun `a temperature makes a label less sure`() {
        val logits = floatArrayOf(ln(0.9f), ln(0.1f))
        val warm = StableLabel(listOf("sit", "walk"), rejection = Rejection(temperature = 10f))
        warm.update(logits)
        assertNull(warm.label)
    }

    @ParameterizedTest
    @CsvSource(
        delimiter = '|',
        value = [
            "{\"temperature\": 0} | rejection.temperature is 0.0, expected above 0 and up to 100",
            "{\"temperature\": \"1\"} | rejection.temperature is \"1\", expected a number",
            "{\"threshold\": 1.0} | rejection.threshold is 1.0, expected from 0 to below 1",
            "{\"threshold\": -0.5} | rejection.threshold is -0.5, expected from 0 to below 1",
        ],
    )
    fun `numbers without meaning are refused in words`(
        rejection: String,
        message: String,
    ) {
        val json = Replay("watch").contractJson
        for (read in listOf(
            { SensorContract.fromContract(with(json, rejection), 0.1) },
            { SensorContract.fromManifest(with(manifestOf(Replay("watch")), rejection)) },
        )) {
            val error = assertThrows(ContractException::class.java) { read() }
            assertTrue(message in error.message!!) { "said: ${error.message}" }
        }
    }

    @Test
    fun `what the contract says of unknown answers is read, and its absence rejects nothing`() {
        val json = Replay("watch").contractJson
        val said = with(json, """{"temperature": 1.5, "threshold": 0.25}""")
        assertEquals(Rejection(1.5f, 0.25f), SensorContract.fromContract(said, 0.1).rejection)
        val manifest = with(manifestOf(Replay("watch")), """{"temperature": 1.5, "threshold": 0.25}""")
        assertEquals(Rejection(1.5f, 0.25f), SensorContract.fromManifest(manifest).rejection)
        assertEquals(Rejection(), SensorContract.fromContract(json, 0.1).rejection)
    }

    /** [json], an object, with what it says of unknown answers. */
    private fun with(
        json: String,
        rejection: String,
    ) = json.replaceFirst("{", "{\"rejection\": $rejection, ")
}
