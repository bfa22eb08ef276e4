package dev.smldist.sensing

internal const val NANOSECONDS = 1e9

/** Rounding of `index * step` that must not cost a segment its last grid point, in steps. */
private const val TOLERANCE_STEPS = 1e-6

/** What one try to go on came to. */
internal enum class Step {
    /** Every sensor has a value at the next grid point. */
    ROW,

    /** A sensor was silent for too long: a new segment begins. */
    BREAK,

    /** Events that are still to come decide. */
    WAIT,
}

/**
 * The common grid of several sensors: multiples of one step from the begin of a segment.
 *
 * A segment is a time in which no sensor is silent for longer than the contract's gap; it begins with the event that
 * makes it complete. The same rule in Python is `factory.data.streams`.
 */
internal class GridStepper(
    private val tracks: Array<EventTrack>,
    rateHz: Double,
) {
    private val stepNs = NANOSECONDS / rateHz
    private val toleranceNs = stepNs * TOLERANCE_STEPS
    private var running = false
    private var done = false
    private var startNs = 0L
    private var index = 0L
    private var offsetNs = 0.0

    /** Time of the grid point that [advance] last found, rounded. */
    val timeNs: Long get() = timeOf(0)

    /** Time of the grid point [back] steps before the last one, rounded. */
    fun timeOf(back: Int): Long = startNs + Math.floor((index - 1 - back) * stepNs + HALF).toLong()

    /** Goes to the next grid point if the tracks hold what it needs. */
    fun advance(): Step {
        if (done || (!running && !begin())) return Step.WAIT
        offsetNs = index * stepNs
        var broken: EventTrack? = null
        for (track in tracks) {
            when (track.seek(startNs, offsetNs, toleranceNs)) {
                Step.WAIT -> return Step.WAIT
                Step.BREAK -> broken = broken ?: track
                Step.ROW -> Unit
            }
        }
        if (broken != null) {
            running = false
            done = !broken.leave()
            return Step.BREAK
        }
        for (track in tracks) track.commit()
        index++
        return Step.ROW
    }

    fun value(
        track: Int,
        axis: Int,
    ): Float = tracks[track].value(axis, startNs, offsetNs, toleranceNs)

    /** Ends the segment, because an event of it was given up. */
    fun interrupt() {
        running = false
    }

    /** Ready for another recording. */
    fun clear() {
        running = false
        done = false
    }

    /** Looks for the next time that all tracks cover; false where later events must tell. */
    private fun begin(): Boolean {
        var candidate = Long.MIN_VALUE
        for (track in tracks) {
            if (!track.isFinal(track.cursor)) return false
            candidate = maxOf(candidate, track.cursorNs)
        }
        var agreed = 0
        while (agreed < tracks.size) {
            agreed = 0
            for (track in tracks) {
                val covered = track.moveTo(candidate)
                if (covered == EventTrack.WAIT) return false
                if (covered == candidate) agreed++
                candidate = covered
            }
        }
        startNs = candidate
        index = 0
        running = true
        return true
    }

    private companion object {
        const val HALF = 0.5
    }
}
