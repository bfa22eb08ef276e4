package dev.smldist.inference

/** Median and 95th percentile of the latest durations; allocates only when it is asked. */
public class LatencyMeter(
    capacity: Int = 256,
) {
    private val latest = LongArray(capacity)
    private var count = 0L

    /** Note one inference of [nanoseconds]. */
    public fun add(nanoseconds: Long) {
        latest[(count % latest.size).toInt()] = nanoseconds
        count++
    }

    /** Nearest-rank percentile in microseconds, [share] in (0, 1]; null before the first inference. */
    public fun percentileUs(share: Double): Double? {
        val kept = minOf(count, latest.size.toLong()).toInt()
        if (kept == 0) return null
        val sorted = latest.copyOf(kept).apply { sort() }
        val rank = kotlin.math.ceil(share * kept).toInt().coerceIn(1, kept)
        return sorted[rank - 1] / 1e3
    }
}
