package dev.smldist.replay

import dev.smldist.inference.ModelException
import dev.smldist.sensing.Event
import dev.smldist.sensing.ModelFile
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Assumptions.assumeTrue
import org.junit.jupiter.api.assertAll
import org.junit.jupiter.api.io.TempDir
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.EnumSource
import java.io.File

/** Raw sensor events through `sensing` and every packed model in three real runtimes: Python's logits and labels. */
class RuntimesTest {
    @TempDir
    lateinit var folder: File

    private val bench = Bench()

    @ParameterizedTest
    @EnumSource
    fun `logits and labels are Python's`(host: HostRuntime) =
        eachModel(host) { model ->
            val found = bench.replayed(host, model)
            println("replay in ${host.title}, ${model.path}: $found")
            assertTrue(found.sameLogits && found.sameLabels, "${host.title}, ${model.path}: $found")
        }

    @ParameterizedTest
    @EnumSource
    fun `logits of the golden pack are Python's`(host: HostRuntime) =
        eachModel(host, bench.obstacle(host)) { model ->
            val found = bench.golden(host, model)
            println("golden pack in ${host.title}, ${model.path}: $found")
            assertTrue(found.sameLogits && found.sameLabels, "${host.title}, ${model.path}: $found")
        }

    @ParameterizedTest
    @EnumSource
    fun `swapped axes fail`(host: HostRuntime) =
        eachModel(host) { model ->
            val found = bench.replayed(host, model, events = bench.events.map(::swapped))
            assertFalse(found.sameLogits, "${host.title}, ${model.path}: $found")
        }

    @ParameterizedTest
    @EnumSource
    fun `a shuffled label list fails`(host: HostRuntime) =
        eachModel(host) { model ->
            val found = bench.replayed(host, model, labels = bench.labels.drop(1) + bench.labels[0])
            assertFalse(found.sameLabels, "${host.title}, ${model.path}: $found")
        }

    @ParameterizedTest
    @EnumSource
    fun `a model with a changed byte is refused`(host: HostRuntime) =
        eachModel(host) { model ->
            val content = bench.file(model).readBytes().also { it[it.size / 2]++ }
            val changed = File(folder, "changed").apply { writeBytes(content) }
            val error = assertThrows(ModelException::class.java) { bench.open(host, model, changed).close() }
            assertTrue("SHA-256" in error.message!!, error.message)
        }

    private fun eachModel(
        host: HostRuntime,
        obstacle: String? = bench.obstacle(host) ?: bench.replayObstacle(),
        check: (ModelFile) -> Unit,
    ) {
        if (obstacle != null) println("${host.title}: skipped, $obstacle")
        assumeTrue(obstacle == null, obstacle)
        assertAll(bench.models(host).map { model -> { check(model) } })
    }

    private fun swapped(event: Event): Event {
        val (x, y, z) = event.values
        return Event(event.quantity, event.timeNs, floatArrayOf(y, x, z))
    }
}
