package dev.smldist.app

/** The latest values of three axes, for the plot: the sensor thread writes, the screen reads. Allocates nothing. */
internal class SignalBuffer(
    val capacity: Int = 400,
) {
    private val values = FloatArray(capacity * AXES)
    private var count = 0L

    /** Adds one event. */
    @Synchronized
    fun add(event: FloatArray) {
        val at = (count % capacity).toInt() * AXES
        for (axis in 0 until AXES) values[at + axis] = event[axis]
        count++
    }

    /** Copies the latest values of [axis] into [into], oldest first, and tells how many there are. */
    @Synchronized
    fun copy(
        axis: Int,
        into: FloatArray,
    ): Int {
        val kept = minOf(count, capacity.toLong(), into.size.toLong()).toInt()
        for (index in 0 until kept) {
            into[index] = values[((count - kept + index) % capacity).toInt() * AXES + axis]
        }
        return kept
    }

    /** Forgets everything. */
    @Synchronized
    fun clear() {
        count = 0
    }

    companion object {
        const val AXES: Int = 3
    }
}
