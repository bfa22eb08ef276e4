package dev.smldist.app

import dev.smldist.sensing.Quantity
import dev.smldist.sensing.Replay
import dev.smldist.sensing.SensorPipeline
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import java.io.File
import java.io.FileNotFoundException
import java.nio.file.Files
import java.nio.file.Paths

@RunWith(RobolectricTestRunner::class)
internal class RecordingsTest {
    private val bench = Bench()
    private val recordings = bench.app.recordings

    /** Events on the grid whose x is their number, with a gap of a second after [gapAt]. */
    private fun record(
        rows: Int,
        gapAt: Int = rows,
    ) {
        recordings.start(bench.contract, "run")
        recordings.label = bench.contract.labels[0]
        val pipeline = SensorPipeline(bench.contract, sink = { recordings.add(it) })
        val stepNs = Math.round(1e9 / bench.contract.rateHz)
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
        val rows = bench.contract.length + 2 * bench.contract.hop
        record(rows)
        val lines = recordings.files.single().readLines()
        val channels = bench.contract.channels.joinToString(",") { it.name }
        assertEquals("subject,session,timestamp_ns,label,$channels", lines[0])
        val cells = lines.drop(1).map { it.split(',') }
        assertEquals((0 until rows).toList(), cells.map { it[4].toFloat().toInt() })
        assertEquals(List(rows) { it * 20_000_000L }, cells.map { it[2].toLong() })
        assertEquals(setOf(bench.contract.labels[0]), cells.map { it[3] }.toSet())
        assertEquals(setOf("run-1"), cells.map { it[1] }.toSet())
    }

    @Test
    fun `a gap begins another session`() {
        record(2 * bench.contract.length, gapAt = bench.contract.length)
        val sessions = recordings.files.single().readLines().drop(1).map { it.split(',')[1] }
        assertEquals(List(bench.contract.length) { "run-1" } + List(bench.contract.length) { "run-2" }, sessions)
    }

    /** Real movement; tests/unit/android_demo/test_outputs.py reads it as a user would. */
    @Test
    fun `a recording of real movement is left for Python`() {
        val replay = Replay("watch")
        recordings.start(replay.contract, "watch")
        var windows = 0
        val pipeline =
            SensorPipeline(replay.contract) {
                recordings.label = replay.contract.labels[windows++ % 2]
                recordings.add(it)
            }
        for (event in replay.events) pipeline.add(event.quantity, event.timeNs, event.values)
        pipeline.finish()
        recordings.stop()
        assertTrue(windows > 4)
        recordings.files.single().copyTo(File(Bench.outputs, "recording.csv"), overwrite = true)
    }

    @Test
    fun `what a killed process left is kept up to its last whole row`() {
        record(bench.contract.length)
        val whole = recordings.files.single()
        val rows = whole.readText()
        val folder = whole.parentFile!!
        File(folder, "killed.part").writeText(rows.dropLast(5))
        File(folder, "early.part").writeText(rows.substringBefore('\n'))
        assertEquals(listOf("killed.csv", "run.csv"), Recordings(bench.app.filesDir).files.map { it.name })
        assertEquals(rows.lines().dropLast(2), File(folder, "killed.csv").readLines())
        assertFalse(File(folder, "early.part").exists())
    }

    @Test
    fun `a full storage ends the recording, not the recognition`() {
        val service = bench.service()
        bench.await<UiState.Running>()
        val folder = File(bench.app.filesDir, Recordings.FOLDER).apply { mkdirs() }
        Files.createSymbolicLink(File(folder, "full.part").toPath(), Paths.get("/dev/full"))
        recordings.start(bench.contract, "full")
        repeat(3) { bench.play(bench.golden.x[0]) }
        assertEquals(Notice.RECORDING_ENDED, service.get().lookAround())
        assertFalse(bench.await<UiState.Running>().recording)
        service.destroy()
    }

    @Test
    fun `the provider gives recordings to read and nothing else`() {
        record(bench.contract.length)
        val provider = Robolectric.setupContentProvider(RecordingProvider::class.java)
        val address = RecordingProvider.address(recordings.files.single())
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
