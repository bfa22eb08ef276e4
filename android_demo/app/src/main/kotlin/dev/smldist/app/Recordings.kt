package dev.smldist.app

import dev.smldist.sensing.SensorContract
import dev.smldist.sensing.SensorWindow
import java.io.File
import java.io.IOException
import java.io.RandomAccessFile
import java.io.Writer
import java.util.Locale

/** A finished recording; [seconds] of signal. */
internal data class Recording(
    val file: File,
    val seconds: Double,
) {
    /** When it began. */
    val name: String get() = file.name.removeSuffix(Recordings.SUFFIX)
}

/**
 * Recordings as `factory init` reads them: a CSV (RFC 4180), one row a sample on the contract's grid, SI units.
 *
 * Columns: subject, session, timestamp_ns, label, then the contract's channels. A row stands in the file once although
 * windows overlap. One file a run, one session a file; a gap starts another session.
 */
internal class Recordings(
    filesDir: File,
) {
    private val folder = File(filesDir, FOLDER)
    private var writer: Writer? = null
    private var contract: SensorContract? = null
    private var name = ""
    private var part = 0
    private var rows = 0

    /** Who is recorded. */
    @Volatile
    var subject: String = "me"

    /** What the user says that they are doing; empty is no label. */
    @Volatile
    var label: String = ""

    /** Whether windows are being written. */
    val active: Boolean
        @Synchronized get() = writer != null

    /** Seconds of signal in the present recording; null while there is none. */
    val seconds: Double?
        @Synchronized get() = contract?.takeIf { writer != null }?.let { rows / it.rateHz }

    /**
     * Every recording, oldest first; one that a killed process left behind is finished first.
     *
     * @throws IOException such a one cannot be finished
     */
    val files: List<File>
        @Synchronized get() {
            if (writer == null) finish()
            return folder.listFiles { file -> file.name.endsWith(SUFFIX) }?.sortedBy { it.name }.orEmpty()
        }

    /**
     * Begins a recording.
     *
     * @param id names it, for example the time
     * @throws IOException the storage is full
     */
    @Synchronized
    fun start(
        contract: SensorContract,
        id: String,
    ) {
        stop()
        folder.mkdirs()
        this.contract = contract
        name = id
        part = 0
        rows = 0
        val columns = listOf("subject", "session", "timestamp_ns", "label") + contract.channels.map { it.name }
        val header = columns.joinToString(",", postfix = "\n") { csvField(it) }
        writer = partial(id).bufferedWriter().apply { write(header) }
    }

    /**
     * Adds what a window brings that was not in the one before; nothing while no recording runs.
     *
     * @throws IOException the storage is full
     */
    @Synchronized
    fun add(window: SensorWindow) {
        val out = writer ?: return
        val spec = contract ?: return
        val whole = window.isFirst || part == 0
        if (whole) part++
        val fresh = if (whole) window.length else minOf(spec.hop, window.length)
        for (time in window.length - fresh until window.length) out.write(row(spec, window, time))
        rows += fresh
        // A killed process loses no more than the window that it was writing.
        out.flush()
    }

    /**
     * Ends the recording; the file then appears among [files].
     *
     * @throws IOException the storage is full; what was written before is kept
     */
    @Synchronized
    fun stop() {
        val out = writer ?: return
        writer = null
        try {
            out.close()
        } finally {
            finish()
        }
    }

    /**
     * Every recording with its length, oldest first.
     *
     * @throws IOException one cannot be read
     */
    fun list(): List<Recording> = files.map { Recording(it, seconds(it)) }

    /** @throws IOException it cannot be deleted */
    fun delete(file: File) {
        if (!file.delete()) throw IOException("cannot delete $file")
    }

    /** A row for each step of the grid, whose length the first two rows tell. */
    private fun seconds(file: File): Double =
        file.useLines { lines ->
            var rows = 0
            val times = LongArray(2)
            for (line in lines.drop(1)) {
                if (rows < 2) times[rows] = TIME.find(line)?.groupValues?.get(1)?.toLong() ?: 0
                rows++
            }
            if (rows < 2) 0.0 else rows * (times[1] - times[0]) / NANOSECONDS
        }

    /** Gives every file that is not written any more its name; a row that was cut off is dropped. */
    private fun finish() {
        for (file in folder.listFiles { file -> file.name.endsWith(PARTIAL) }.orEmpty()) {
            val named = File(folder, file.name.removeSuffix(PARTIAL) + SUFFIX)
            if (!cutToRows(file)) {
                file.delete()
            } else if (!file.renameTo(named)) {
                throw IOException("cannot name the recording $named")
            }
        }
    }

    private fun row(
        spec: SensorContract,
        window: SensorWindow,
        time: Int,
    ): String {
        val stepNs = NANOSECONDS / spec.rateHz
        val timeNs = window.startNs + Math.round(time * stepNs)
        val values = (0 until window.channels).joinToString(",") { number(window.values[time * window.channels + it]) }
        return "${csvField(subject)},${csvField("$name-$part")},$timeNs,${csvField(label)},$values\n"
    }

    /** Cuts [file] after its last line end; true if a row stands below the header. */
    private fun cutToRows(file: File): Boolean =
        RandomAccessFile(file, "rw").use { content ->
            val end = lineEnd(content, content.length())
            if (end < content.length()) content.setLength(end)
            end > 0 && lineEnd(content, end - 1) > 0
        }

    /** Place behind the last line end before [limit]; 0 without any. */
    private fun lineEnd(
        content: RandomAccessFile,
        limit: Long,
    ): Long {
        var place = limit
        while (place > 0) {
            content.seek(place - 1)
            if (content.read() == '\n'.code) return place
            place--
        }
        return 0
    }

    private fun number(value: Float): String = String.format(Locale.ROOT, "%.6f", value)

    private fun partial(id: String) = File(folder, id + PARTIAL)

    companion object {
        const val FOLDER: String = "recordings"
        const val SUFFIX: String = ".csv"
        private const val PARTIAL = ".part"
        private const val NANOSECONDS = 1e9

        /** The time stamp of a row, behind the session's number. */
        private val TIME = Regex("""-\d+"?,(\d+),""")
    }
}

/** [value] as a field of a CSV: quoted where it holds a comma, a quote or a line end, as RFC 4180 has it. */
internal fun csvField(value: String): String =
    if (value.any { it in ",\"\r\n" }) "\"${value.replace("\"", "\"\"")}\"" else value
