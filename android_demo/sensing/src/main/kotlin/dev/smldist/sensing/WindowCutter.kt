package dev.smldist.sensing

/**
 * One window, reused for the next: copy what outlives the call.
 *
 * @property length T, samples
 * @property channels C
 */
public class SensorWindow internal constructor(
    public val length: Int,
    public val channels: Int,
) {
    /** `[T, C]` row by row, SI units, channels in the contract's order: the input of a TFLite file. */
    public val values: FloatArray = FloatArray(length * channels)

    /** Time of the first sample, on the sensors' clock. */
    public var startNs: Long = 0
        internal set

    /** Time of the last sample, on the sensors' clock. */
    public var endNs: Long = 0
        internal set

    /** Whether samples were lost since the window before, or there was none: what was smoothed must begin anew. */
    public var isFirst: Boolean = true
        internal set

    /** Writes `[C, T]` into [into], the input of ONNX and ExecuTorch files. */
    public fun channelsFirst(into: FloatArray) {
        require(into.size == values.size) { "array of ${into.size} floats, a window has ${values.size}" }
        for (channel in 0 until channels) {
            for (time in 0 until length) into[channel * length + time] = values[time * channels + channel]
        }
    }
}

/** Is given each window as soon as it is complete. */
public fun interface WindowSink {
    public fun onWindow(window: SensorWindow)
}

/** Rows of the grid to windows of the contract's length and hop. */
internal class WindowCutter(
    contract: SensorContract,
    private val sink: WindowSink,
) {
    private val length = contract.length
    private val hop = contract.hop
    private val width = contract.channels.size
    private val ring = FloatArray(length * width)
    private val window = SensorWindow(length, width)
    private var rows = 0L

    var windows = 0L
        private set
    var segments = 0L
        private set

    /** Where the next row is to be written. */
    val row: FloatArray = FloatArray(width)

    /** Takes in [row]; true if a window is complete, which [emit] then hands out. */
    fun push(): Boolean {
        if (rows == 0L) segments++
        System.arraycopy(row, 0, ring, (rows % length).toInt() * width, width)
        rows++
        return rows >= length && (rows - length) % hop == 0L
    }

    fun emit(
        startNs: Long,
        endNs: Long,
    ) {
        val oldest = (rows % length).toInt() * width
        System.arraycopy(ring, oldest, window.values, 0, ring.size - oldest)
        System.arraycopy(ring, 0, window.values, ring.size - oldest, oldest)
        window.startNs = startNs
        window.endNs = endNs
        window.isFirst = rows == length.toLong()
        windows++
        sink.onWindow(window)
    }

    fun restart() {
        rows = 0
    }
}
