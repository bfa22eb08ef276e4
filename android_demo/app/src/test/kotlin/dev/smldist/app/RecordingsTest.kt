package dev.smldist.app

import android.content.ContextWrapper
import dev.smldist.common.Hint
import dev.smldist.common.TestDevice
import dev.smldist.common.UiState
import dev.smldist.sensing.Quantity
import dev.smldist.sensing.Replay
import dev.smldist.sensing.SensorPipeline
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNull
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import java.io.File
import java.io.FileNotFoundException
import java.io.IOException
import java.nio.file.Files
import java.nio.file.Paths

@RunWith(RobolectricTestRunner::class)
internal class RecordingsTest {
    private val phone = TestDevice()
    private val recordings = phone.demo.recordings

    /** The cells of a row, by RFC 4180. */
    private fun cells(row: String): List<String> {
        val cells = mutableListOf(StringBuilder())
        var quoted = false
        var index = 0
        while (index < row.length) {
            val character = row[index++]
            if (quoted && character == '"' && row.getOrNull(index) == '"') {
                cells.last().append(row[index++])
            } else if (character == '"') {
                quoted = !quoted
            } else if (character == ',' && !quoted) {
                cells += StringBuilder()
            } else {
                cells.last().append(character)
            }
        }
        return cells.map { it.toString() }
    }

    /** Events on the grid whose x is their number, with a gap of a second after [gapAt]. */
    private fun record(
        rows: Int,
        gapAt: Int = rows,
        label: String = phone.contract.labels[0],
    ) {
        recordings.start(phone.contract, "run")
        recordings.label = label
        val pipeline = SensorPipeline(phone.contract, sink = { recordings.add(it) })
        val stepNs = Math.round(1e9 / phone.contract.rateHz)
        for (row in 0 until rows) {
            val timeNs = row * stepNs + if (row >= gapAt) 1_000_000_000L else 0L
            for (quantity in listOf(Quantity.ACCELEROMETER, Quantity.GYROSCOPE)) {
                pipeline.add(quantity, timeNs, row.toFloat(), 0f, 0f)
            }
        }
        pipeline.finish()
        recordings.stop()
    }

    @Test
    fun `every row of overlapping windows is written once, in order`() {
        val rows = phone.contract.length + 2 * phone.contract.hop
        record(rows)
        val lines = recordings.files.single().readLines()
        val channels = phone.contract.channels.joinToString(",") { it.name }
        assertEquals("subject,session,timestamp_ns,label,$channels", lines[0])
        val cells = lines.drop(1).map { it.split(',') }
        assertEquals((0 until rows).toList(), cells.map { it[4].toFloat().toInt() })
        assertEquals(List(rows) { it * 20_000_000L }, cells.map { it[2].toLong() })
        assertEquals(setOf(phone.contract.labels[0]), cells.map { it[3] }.toSet())
        assertEquals(setOf("run-1"), cells.map { it[1] }.toSet())
    }

    @Test
    fun `the list tells how long a recording is and who it is of, and forgets a deleted one`() {
        recordings.subject = "ann-3, \"A\""
        record(2 * phone.contract.length)
        val listed = recordings.list().single()
        assertEquals("run", listed.name)
        assertEquals(2 * phone.contract.windowS, listed.seconds, 1e-6)
        assertTrue(listed.file.readLines()[1].startsWith("\"ann-3, \"\"A\"\"\",run-1,"))
        recordings.delete(listed.file)
        assertEquals(emptyList<Recording>(), recordings.list())
        assertThrows(IOException::class.java) { recordings.delete(listed.file) }
    }

    @Test
    fun `a gap begins another session`() {
        record(2 * phone.contract.length, gapAt = phone.contract.length)
        val sessions = recordings.files.single().readLines().drop(1).map { it.split(',')[1] }
        assertEquals(List(phone.contract.length) { "run-1" } + List(phone.contract.length) { "run-2" }, sessions)
    }

    @Test
    fun `a label with a comma, a quote or a line end is read back as it was`() {
        for (label in listOf("walk, fast", "\"run\"", "5\" step, \"up\"", "two\nlines", ",", "\"", "", "m\u00fcde")) {
            record(phone.contract.length, label = label)
            val rows = recordings.files.single().readText().substringAfter('\n')
            val first = rows.split("\nme,").first()
            val cells = cells(first)
            assertEquals(label, cells[3])
            assertEquals(4 + phone.contract.channels.size, cells.size)
        }
    }

    /** Real movement; tests/unit/android_demo/test_outputs.py reads it as a user would. */
    @Test
    fun `a recording of real movement is left for Python`() {
        val replay = Replay("watch")
        recordings.start(replay.contract, "watch")
        val labels = listOf("walk, \"fast\"", "sit")
        var windows = 0
        val pipeline =
            SensorPipeline(replay.contract) {
                recordings.label = labels[windows++ % 2]
                recordings.add(it)
            }
        for (event in replay.events) pipeline.add(event.quantity, event.timeNs, event.values)
        pipeline.finish()
        recordings.stop()
        assertTrue(windows > 4)
        recordings.files.single().copyTo(File(TestDevice.outputs, "recording.csv"), overwrite = true)
    }

    @Test
    fun `what a killed process left is kept up to its last whole row`() {
        record(phone.contract.length)
        val whole = recordings.files.single()
        val rows = whole.readText()
        val folder = whole.parentFile!!
        File(folder, "killed.part").writeText(rows.dropLast(5))
        File(folder, "early.part").writeText(rows.substringBefore('\n'))
        assertEquals(listOf("killed.csv", "run.csv"), Recordings(phone.app.filesDir).files.map { it.name })
        assertEquals(rows.lines().dropLast(2), File(folder, "killed.csv").readLines())
        assertFalse(File(folder, "early.part").exists())
    }

    @Test
    fun `a full storage ends the recording, not the recognition`() {
        val service = phone.service()
        phone.await<UiState.Running>()
        val folder = File(phone.app.filesDir, Recordings.FOLDER).apply { mkdirs() }
        Files.createSymbolicLink(File(folder, "full.part").toPath(), Paths.get("/dev/full"))
        recordings.start(phone.contract, "full")
        repeat(3) { phone.play(phone.golden.x[0]) }
        assertEquals(Hint.RECORDING_ENDED, phone.look())
        assertNull(phone.await<UiState.Running>().recordedS)
        service.destroy()
    }

    @Test
    fun `an app of another name has a provider of its own`() {
        record(phone.contract.length)
        val other =
            object : ContextWrapper(phone.app) {
                override fun getPackageName() = "com.example.other"
            }
        val file = recordings.files.single()
        assertEquals("com.example.other.recordings", RecordingProvider.address(other, file).authority)
        val authority = checkNotNull(RecordingProvider.address(phone.app, file).authority)
        val provider = phone.app.packageManager.resolveContentProvider(authority, 0)
        assertEquals(RecordingProvider::class.java.name, provider?.name)
    }

    @Test
    fun `the provider gives recordings to read and nothing else`() {
        record(phone.contract.length)
        val provider = Robolectric.setupContentProvider(RecordingProvider::class.java)
        val address = RecordingProvider.address(phone.app, recordings.files.single())
        provider.openFile(address, "r").use { assertTrue(it.statSize > 0) }
        assertThrows(SecurityException::class.java) { provider.openFile(address, "w") }
        val other = address.buildUpon().appendPath("../../shared_prefs/choices.xml").build()
        assertThrows(FileNotFoundException::class.java) { provider.openFile(other, "r") }
        provider.query(address, null, null, null, null).use {
            assertTrue(it.moveToFirst())
            assertEquals("run.csv", it.getString(0))
        }
    }
}
