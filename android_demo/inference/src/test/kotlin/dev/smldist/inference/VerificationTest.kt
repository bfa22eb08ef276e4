package dev.smldist.inference

import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.double
import kotlinx.serialization.json.int
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Test

/** Expected figures are those of factory.verification.parity.compare and factory.verification.accuracy.measure on the same rows. */
class VerificationTest {
    private val reference =
        listOf(
            floatArrayOf(2f, 0f, -1f),
            floatArrayOf(0f, 1.5f, 0.25f),
            floatArrayOf(0.5f, 0f, 3f),
            floatArrayOf(1f, 1.25f, 0f),
            floatArrayOf(0f, 0.5f, 0.75f),
        )
    private val errors =
        listOf(
            floatArrayOf(0.01f, 0f, 0f),
            floatArrayOf(0f, -0.02f, 0.001f),
            floatArrayOf(0f, 0f, 0f),
            floatArrayOf(0.5f, 0f, 0f),
            floatArrayOf(0f, 0f, 0.0001f),
        )
    private val logits = reference.zip(errors) { row, error -> FloatArray(row.size) { row[it] + error[it] } }

    @Test
    fun `parity has the figures that Python computes`() {
        val found = parity(logits, reference)
        assertEquals(0.5, found.number("max_abs"), 1e-9)
        assertEquals(0.03540666500727336, found.number("mean_abs"), 1e-9)
        assertEquals(19.008612208461848, found.number("sqnr_db"), 1e-6)
        assertEquals(0.9959596037780829, found.number("cosine"), 1e-9)
        assertEquals(0.8, found.number("top1_agreement"), 1e-12)
        assertEquals(1, found.getValue("flips").jsonPrimitive.int)
        assertEquals(0.37553462976252533, found.number("agreement_low"), 1e-12)
        assertEquals(0.9637758913675698, found.number("agreement_high"), 1e-12)
        val counts = found.getValue("histogram_counts").jsonArray.map { it.jsonPrimitive.int }
        assertEquals(listOf(10, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 1, 1, 0, 0, 1, 0, 0, 0, 0), counts)
    }

    @Test
    fun `accuracy has the figures that Python computes`() {
        val found = accuracy(logits, labelled())
        assertEquals(0.6, found.number("accuracy"), 1e-12)
        assertEquals(0.611111111111111, found.number("macro_f1"), 1e-12)
        assertEquals(0.5, found.getValue("per_class_f1").jsonObject.number("y"), 1e-12)
        assertEquals(1.0 / 3, found.getValue("per_subject_f1").jsonObject.number("b"), 1e-12)
        assertEquals("b", found.getValue("worst_subject").jsonPrimitive.content)
        assertEquals(0.3114715410309013, found.number("ece"), 1e-6)
        assertEquals("[[1,0,0],[1,1,1],[0,0,1]]", found.getValue("confusion").toString())
    }

    @Test
    fun `a logit that is not a number has no figures`() {
        val broken = logits.map { it.copyOf() }.also { it[2][1] = Float.NaN }
        assertThrows(ModelException::class.java) { parity(broken, reference) }
        assertThrows(ModelException::class.java) { parity(logits.dropLast(1), reference) }
    }

    @Test
    fun `percentiles are of the latest durations`() {
        val meter = LatencyMeter(4)
        assertEquals(null, meter.percentileUs(0.5))
        for (duration in listOf(9000L, 9000L, 1000L, 2000L, 3000L, 4000L)) meter.add(duration)
        assertEquals(2.0, meter.percentileUs(0.5))
        assertEquals(4.0, meter.percentileUs(0.95))
    }

    private fun labelled(): GoldenWindows {
        val meta = """{"format": "smldist-golden", "version": 1, "labels": ["x", "y", "z"]}"""
        val subjects = "b\u0000a\u0000a\u0000b\u0000a\u0000"
        return GoldenWindows.read(archive(5, meta, listOf(0, 1, 2, 1, 1), subjects, width = 3))
    }

    private fun JsonObject.number(key: String) = getValue(key).jsonPrimitive.double
}
