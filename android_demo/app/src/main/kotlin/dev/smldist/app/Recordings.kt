package dev.smldist.app

import dev.smldist.sensing.SensorContract
import dev.smldist.sensing.SensorWindow
import java.io.File
import java.io.IOException
import java.io.Writer
import java.util.Locale

/**
 * Recordings as `factory init` reads them: a CSV, one row a sample on the contract's grid, SI units.
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

    /** What the user says that they are doing; empty is no label. */
    @Volatile
    var label: String = ""

    /** Whether windows are being written. */
    val active: Boolean
        @Synchronized get() = writer != null

    /** Every finished recording, oldest first. */
    val files: List<File>
        get() = folder.listFiles { file -> file.name.endsWith(SUFFIX) }?.sortedBy { it.name }.orEmpty()

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
        val columns = listOf("subject", "session", "timestamp_ns", "label") + contract.channels.map { it.name }
        writer = partial(id).bufferedWriter().apply { write(columns.joinToString(",", postfix = "\n")) }
    }

    /** Adds what a window brings that was not in the one before; nothing while no recording runs. */
    @Synchronized
    fun add(window: SensorWindow) {
        val out = writer ?: return
        val spec = contract ?: return
        val whole = window.isFirst || part == 0
        if (whole) part++
        val fresh = if (whole) window.length else minOf(spec.hop, window.length)
        for (time in window.length - fresh until window.length) out.write(row(spec, window, time))
    }

    /** Ends the recording; the file then appears among [files]. */
    @Synchronized
    fun stop() {
        val out = writer ?: return
        writer = null
        out.close()
        if (!partial(name).renameTo(File(folder, name + SUFFIX))) throw IOException("cannot name the recording $name")
    }

    private fun row(
        spec: SensorContract,
        window: SensorWindow,
        time: Int,
    ): String {
        val stepNs = NANOSECONDS / spec.rateHz
        val timeNs = window.startNs + Math.round(time * stepNs)
        val values = (0 until window.channels).joinToString(",") { number(window.values[time * window.channels + it]) }
        return "me,$name-$part,$timeNs,$label,$values\n"
    }

    private fun number(value: Float): String = String.format(Locale.ROOT, "%.6f", value)

    private fun partial(id: String) = File(folder, "$id.part")

    companion object {
        const val FOLDER: String = "recordings"
        private const val SUFFIX = ".csv"
        private const val NANOSECONDS = 1e9
    }
}
