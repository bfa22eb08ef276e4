package dev.smldist.litert

import dev.smldist.inference.GoldenWindows
import dev.smldist.inference.Pack
import dev.smldist.litert.docs.PulledJavaModel
import dev.smldist.litert.docs.PulledModel
import dev.smldist.sensing.eventValues
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Test
import java.io.File

/** The Kotlin and the Java of docs/use-a-model.md, on the files that a pull brings. */
class UseAModelTest {
    private val assets = File(checkNotNull(System.getProperty("smldist.assets")))
    private val open = { path: String -> File(assets, path).readBytes() }
    private val contract = Pack.read(open).manifest.contract
    private val golden = GoldenWindows.read(Pack.read(open).file("selftest.npz"))
    private val scores = checkNotNull(golden.logits)
    private val sure = scores.indices.maxBy { scores[it].max() }
    private val expected = contract.labels[scores[sure].indices.maxBy { scores[sure][it] }]

    @Test
    fun `the documented snippets are the compiled ones`() {
        val page = File("../../docs/use-a-model.md").readText()
        for ((language, name) in listOf("kotlin" to "PulledModel.kt", "java" to "PulledJavaModel.java")) {
            val source = File("src/test/kotlin/dev/smldist/litert/docs/$name").readText()
            val shown = page.substringAfter("```$language\n").substringBefore("```")
            assertEquals(source.substring(source.indexOf("import ")), shown)
        }
    }

    @Test
    fun `the Kotlin gives a known window the reference's label`() {
        val labels = mutableListOf<String?>()
        PulledModel(open) { labels += it }.use { model ->
            assertEquals(contract.quantities.map { it.androidType }, model.sensorTypes)
            replay(model::onEvent)
        }
        assertEquals(listOf(expected), labels)
    }

    @Test
    fun `the Java gives a known window the reference's label`() {
        val labels = mutableListOf<String?>()
        PulledJavaModel(open) { labels += it }.use { replay(it::onEvent) }
        assertEquals(listOf(expected), labels)
    }

    /** The surest golden window as events; the last row comes again much later and closes the window. */
    private fun replay(onEvent: (Int, Long, FloatArray) -> Unit) {
        val stepNs = Math.round(1e9 / contract.rateHz)
        for (row in 0..contract.length) {
            val at = minOf(row, contract.length - 1)
            val timeNs = at * stepNs + if (row == at) 0L else 2_000_000_000L
            for (quantity in contract.quantities) {
                onEvent(quantity.androidType, timeNs, contract.eventValues(quantity, golden.x[sure], at))
            }
        }
    }
}
