package dev.smldist.litert

import dev.smldist.inference.GoldenWindows
import dev.smldist.inference.Pack
import dev.smldist.litert.docs.PhoneModel
import dev.smldist.sensing.eventValues
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import java.io.File

class DocsTest {
    private val assets = File(checkNotNull(System.getProperty("smldist.assets")))
    private val open = { path: String -> File(assets, path).readBytes() }

    @Test
    fun `the documented snippet is the compiled one`() {
        val page = File("../../docs/targets/tflite.md").readText()
        val source = File("src/test/kotlin/dev/smldist/litert/docs/PhoneModel.kt").readText()
        val shown = page.substringAfter("```kotlin\n").substringBefore("```")
        assertEquals(source.substring(source.indexOf("import ")), shown)
    }

    @Test
    fun `the documented snippet gives a known window the reference's label`() {
        val contract = Pack.read(open).manifest.contract
        val golden = GoldenWindows.read(Pack.read(open).file("selftest.npz"))
        val scores = checkNotNull(golden.logits)
        val sure = scores.indices.maxBy { scores[it].max() }
        val labels = mutableListOf<String?>()
        PhoneModel(open) { labels += it }.use { model ->
            assertTrue(model.passesSelfTest())
            val stepNs = Math.round(1e9 / contract.rateHz)
            // The last row comes again much later: it closes the window, and opens none.
            for (row in 0..contract.length) {
                val at = minOf(row, contract.length - 1)
                val timeNs = at * stepNs + if (row == at) 0L else 2_000_000_000L
                for (quantity in contract.quantities) {
                    model.onEvent(quantity.androidType, timeNs, contract.eventValues(quantity, golden.x[sure], at))
                }
            }
        }
        assertEquals(listOf(contract.labels[scores[sure].indices.maxBy { scores[sure][it] }]), labels)
    }
}
