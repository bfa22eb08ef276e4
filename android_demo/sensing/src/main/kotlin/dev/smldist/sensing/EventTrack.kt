package dev.smldist.sensing

private const val AXES = 3

/** How many of the latest events the measured rate is taken from. */
private const val RATE_EVENTS = 256

/** So many late events one after the other mean that the newest event's time stamp was wrong; the same in Python. */
internal const val LATE_IN_A_ROW = 50

/**
 * Events of one sensor in the order of their own time stamps, in a ring of primitive arrays.
 *
 * An event may arrive up to [reorderNs] later than a newer one; until then it is not final, and nothing is computed from
 * what follows it. So the outcome does not depend on the order of arrival within that horizon, nor on batches.
 *
 * The last of [LATE_IN_A_ROW] late events is believed instead: events held that are stamped later than it are dropped.
 */
internal class EventTrack(
    private val source: SensorSource,
    capacity: Int,
    private val reorderNs: Long,
    private val maxGapNs: Long,
) {
    val quantity: Quantity get() = source.quantity

    private val times = LongArray(capacity)
    private val values = FloatArray(capacity * AXES)
    private val scale = FloatArray(AXES) { (source.axes.sign[it] * source.unit.toSi).toFloat() }

    // Positions count all events ever taken; the ring holds the last `capacity` of them.
    private var first = 0L
    private var tail = 0L
    private var newestNs = 0L
    private var ended = false

    /** The event at or before the last grid point. */
    var cursor = 0L
        private set
    private var candidate = 0L

    private var received = 0L
    private var duplicates = 0L
    private var late = 0L
    private var notFinite = 0L
    private var overflowed = 0L
    private var gaps = 0L
    private var lateInARow = 0
    private var ahead = 0L
    private var restarts = 0L

    /** Whether the next event would push out one that is still needed. */
    val isFull: Boolean get() = tail - cursor == times.size.toLong()

    /** Takes in one event; true if the event at the cursor was dropped, so that its segment cannot go on. */
    fun add(
        timeNs: Long,
        x: Float,
        y: Float,
        z: Float,
    ): Boolean {
        received++
        if (!x.isFinite() || !y.isFinite() || !z.isFinite()) {
            notFinite++
            return false
        }
        var cut = false
        if (tail > first && timeNs < newestNs - reorderNs) {
            lateInARow++
            if (lateInARow < LATE_IN_A_ROW) {
                late++
                return false
            }
            cut = dropAfter(timeNs)
        }
        lateInARow = 0
        val place = placeOf(timeNs)
        if (place > first && time(place - 1) == timeNs) {
            duplicates++
        } else {
            insert(place, timeNs, x, y, z)
        }
        return cut
    }

    /** Drops the events held that are stamped later than [timeNs]; true if that at the cursor is one of them. */
    private fun dropAfter(timeNs: Long): Boolean {
        restarts++
        while (tail > cursor && time(tail - 1) > timeNs) {
            tail--
            ahead++
        }
        if (tail > cursor) {
            newestNs = time(tail - 1)
            return false
        }
        first = tail
        return true
    }

    private fun insert(
        place: Long,
        timeNs: Long,
        x: Float,
        y: Float,
        z: Float,
    ) {
        makeRoom(place)
        times[slot(place)] = timeNs
        for (axis in 0 until AXES) {
            val from = source.axes.from[axis]
            val raw =
                if (from == 0) {
                    x
                } else if (from == 1) {
                    y
                } else {
                    z
                }
            values[slot(place) * AXES + axis] = raw * scale[axis]
        }
        newestNs = if (place == tail) timeNs else newestNs
        tail++
    }

    /** Gives up the oldest event, because another sensor's events do not come. */
    fun dropOldest() {
        cursor++
        overflowed++
    }

    /** No more events: all that are held are final. */
    fun end() {
        ended = true
    }

    /** Begins anew with the next event, whatever its time. */
    fun clear() {
        first = tail
        cursor = tail
        lateInARow = 0
        ended = false
    }

    /** Time of the event at the cursor; only where [isFinal] of [cursor]. */
    val cursorNs: Long get() = time(cursor)

    fun isFinal(position: Long): Boolean = position < tail && (ended || time(position) <= newestNs - reorderNs)

    /**
     * Moves to the last event at or before [timeNs].
     *
     * @return [timeNs] if this track covers it, the begin of its next gap-free part if it lies in a gap, [WAIT] if
     *   later events must tell
     */
    fun moveTo(timeNs: Long): Long {
        while (isFinal(cursor + 1) && time(cursor + 1) <= timeNs) cursor++
        if (time(cursor) == timeNs) return timeNs
        if (!isFinal(cursor + 1)) return WAIT
        if (!isGapAfter(cursor)) return timeNs
        skipGap(cursor)
        return time(cursor)
    }

    /**
     * Looks for the events around [offsetNs] after [startNs], without moving; [commit] moves.
     *
     * @param toleranceNs how far behind the last event of a gap-free part still counts as on it
     */
    fun seek(
        startNs: Long,
        offsetNs: Double,
        toleranceNs: Double,
    ): Step {
        var at = cursor
        while (isFinal(at + 1) && !isGapAfter(at) && time(at + 1) - startNs <= offsetNs) at++
        candidate = at
        val beyond = offsetNs - (time(at) - startNs)
        return when {
            beyond <= 0 -> Step.ROW
            !isFinal(at + 1) && !ended -> Step.WAIT
            isFinal(at + 1) && !isGapAfter(at) -> Step.ROW
            beyond <= toleranceNs -> Step.ROW
            else -> Step.BREAK
        }
    }

    fun commit() {
        cursor = candidate
    }

    /** After [seek] found a break: moves behind the gap; false if nothing follows. */
    fun leave(): Boolean {
        if (!isFinal(candidate + 1)) return false
        skipGap(candidate)
        return true
    }

    /** The value of [axis] at [offsetNs] after [startNs], linear between the events around it. */
    fun value(
        axis: Int,
        startNs: Long,
        offsetNs: Double,
        toleranceNs: Double,
    ): Float {
        val left = values[slot(cursor) * AXES + axis]
        val leftNs = (time(cursor) - startNs).toDouble()
        if (offsetNs - leftNs <= toleranceNs) return left
        val rightNs = (time(cursor + 1) - startNs).toDouble()
        val slope = (values[slot(cursor + 1) * AXES + axis].toDouble() - left) / (rightNs - leftNs)
        return (slope * (offsetNs - leftNs) + left).toFloat()
    }

    fun report(): SensorReport =
        SensorReport(
            quantity = quantity,
            received = received,
            duplicates = duplicates,
            late = late,
            notFinite = notFinite,
            overflowed = overflowed,
            ahead = ahead,
            gaps = gaps,
            restarts = restarts,
            rateHz = rateHz(),
        )

    private fun rateHz(): Double? {
        var sum = 0L
        var count = 0
        for (position in maxOf(first, tail - minOf(RATE_EVENTS, times.size)) until tail - 1) {
            if (isGapAfter(position)) continue
            sum += time(position + 1) - time(position)
            count++
        }
        return if (count == 0) null else count * NANOSECONDS / sum
    }

    private fun placeOf(timeNs: Long): Long {
        var place = tail
        while (place > maxOf(first, cursor) && time(place - 1) > timeNs) place--
        return place
    }

    private fun makeRoom(place: Long) {
        for (position in tail downTo place + 1) {
            val from = slot(position - 1)
            val to = slot(position)
            times[to] = times[from]
            for (axis in 0 until AXES) values[to * AXES + axis] = values[from * AXES + axis]
        }
    }

    private fun skipGap(position: Long) {
        gaps++
        cursor = position + 1
    }

    private fun isGapAfter(position: Long): Boolean = time(position + 1) - time(position) > maxGapNs

    private fun time(position: Long): Long = times[slot(position)]

    private fun slot(position: Long): Int = (position % times.size).toInt()

    companion object {
        const val WAIT: Long = Long.MIN_VALUE
    }
}
