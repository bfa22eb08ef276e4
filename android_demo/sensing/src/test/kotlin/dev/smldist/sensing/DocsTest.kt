package dev.smldist.sensing

import dev.smldist.sensing.docs.ActivityRecognition
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Test
import java.nio.file.Files
import java.nio.file.Path

class DocsTest {
    private val page = Files.readString(Path.of("../../docs/targets/android.md"))
    private val source = Files.readString(Path.of("src/test/kotlin/dev/smldist/sensing/docs/ActivityRecognition.kt"))

    @Test
    fun `the documented snippet is the compiled one`() {
        val shown = page.substringAfter("## Use `sensing`").substringAfter("```kotlin\n").substringBefore("```")

        assertEquals(source.substring(source.indexOf("import ")), shown)
    }

    @Test
    fun `the documented snippet recognises a replay`() {
        val replay = Replay("watch")
        val labels = mutableListOf<String?>()
        val recognition = ActivityRecognition(manifestOf(replay), { sureOf(1, replay) }, { labels += it })

        for (event in replay.events) recognition.onEvent(event.quantity.androidType, event.timeNs, event.values)
        recognition.onEvent(5, 0, floatArrayOf(100f))
        recognition.onStopped()

        // The reorder horizon still holds the last window back.
        assertEquals(List(replay.windows.size) { replay.contract.labels[1] }.take(labels.size), labels)
        assertEquals(listOf(1, 4), recognition.sensorTypes)
        assertEquals(20_000, recognition.periodUs)
    }

    private fun sureOf(
        label: Int,
        replay: Replay,
    ) = FloatArray(replay.contract.labels.size) { if (it == label) 9f else 0f }
}
