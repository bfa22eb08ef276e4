package dev.smldist.replay

import dev.smldist.inference.Kernels
import dev.smldist.inference.ModelException
import dev.smldist.sensing.Event
import dev.smldist.sensing.ModelFile
import org.junit.jupiter.api.Assertions.assertEquals
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

    private val build = ReplayedBuild()

    @ParameterizedTest
    @EnumSource
    fun `logits and labels are Python's`(host: HostRuntime) =
        eachModel(host) { model ->
            val found = build.replayed(host, model)
            println("replay in ${host.title}, ${model.path}: $found")
            assertTrue(found.sameLogits && found.sameLabels, "${host.title}, ${model.path}: $found")
        }

    @ParameterizedTest
    @EnumSource
    fun `logits of the golden pack are Python's`(host: HostRuntime) =
        eachModel(host, build.obstacle(host)) { model ->
            val found = build.golden(host, model)
            println("golden pack in ${host.title}, ${model.path}: $found")
            assertTrue(found.sameLogits && found.sameLabels, "${host.title}, ${model.path}: $found")
        }

    @ParameterizedTest
    @EnumSource
    fun `the self-test finds the kernels that Python ran`(host: HostRuntime) =
        eachModel(host, build.obstacle(host)) { model ->
            val found = build.selfTest(host, model)
            println("self-test in ${host.title}, ${model.path}: $found")
            val told = host.target == "tflite" && model.precision == "int8_static"
            assertEquals(if (told) Kernels.XNNPACK else null, found.kernels, "${host.title}, ${model.path}")
        }

    @ParameterizedTest
    @EnumSource
    fun `swapped axes fail`(host: HostRuntime) =
        eachModel(host) { model ->
            val found = build.replayed(host, model, events = build.events.map(::swapped))
            assertFalse(found.sameLogits, "${host.title}, ${model.path}: $found")
        }

    @ParameterizedTest
    @EnumSource
    fun `a shuffled label list fails`(host: HostRuntime) =
        eachModel(host) { model ->
            val found = build.replayed(host, model, labels = build.labels.drop(1) + build.labels[0])
            assertFalse(found.sameLabels, "${host.title}, ${model.path}: $found")
        }

    @ParameterizedTest
    @EnumSource
    fun `a model with a changed byte is refused`(host: HostRuntime) =
        eachModel(host) { model ->
            val content = build.file(model).readBytes().also { it[it.size / 2]++ }
            val changed = File(folder, "changed").apply { writeBytes(content) }
            val error = assertThrows(ModelException::class.java) { build.open(host, model, changed).close() }
            assertTrue("SHA-256" in error.message!!, error.message)
        }

    private fun eachModel(
        host: HostRuntime,
        obstacle: String? = build.obstacle(host) ?: build.replayObstacle(),
        check: (ModelFile) -> Unit,
    ) {
        if (obstacle != null) println("${host.title}: skipped, $obstacle")
        assumeTrue(obstacle == null, obstacle)
        assertAll(build.models(host).map { model -> { check(model) } })
    }

    private fun swapped(event: Event): Event {
        val (x, y, z) = event.values
        return Event(event.quantity, event.timeNs, floatArrayOf(y, x, z))
    }
}
