package dev.smldist.executorch

import dev.smldist.executorch.docs.PulledExecuTorchModel
import dev.smldist.inference.GoldenWindows
import dev.smldist.inference.Pack
import dev.smldist.sensing.eventValues
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assumptions.assumeTrue
import org.junit.jupiter.api.Test
import java.io.File

/** The ExecuTorch snippet of docs/use-a-model.md, on the files that a pull brings. */
class UseAModelTest {
    private val assets = File(checkNotNull(System.getProperty("smldist.assets")))
    private val pack = Pack.read { File(assets, it).readBytes() }

    @Test
    fun `the documented snippet is the compiled one`() {
        val page = File("../../docs/use-a-model.md").readText()
        val source = File("src/test/kotlin/dev/smldist/executorch/docs/PulledExecuTorchModel.kt").readText()
        val shown = page.substringAfterLast("```kotlin\n").substringBefore("```")
        assertEquals(source.substring(source.indexOf("import ")), shown)
    }

    @Test
    fun `it gives a known window the reference's label`() {
        assumeTrue(pack.models.any { it.target == "executorch" }, "the build holds no .pte: export it, too")
        val contract = pack.manifest.contract
        val golden = GoldenWindows.read(pack.file("selftest.npz"))
        val scores = checkNotNull(golden.logits)
        val sure = scores.indices.maxBy { scores[it].max() }
        val labels = mutableListOf<String?>()
        PulledExecuTorchModel(assets, "1.5.1") { labels += it }.use { model ->
            val stepNs = Math.round(1e9 / contract.rateHz)
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
