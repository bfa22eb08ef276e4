package dev.smldist.sensing

import kotlin.math.sqrt

/** What the acceleration in the windows looks like, against a contract that asks for m/s^2 with gravity. */
public enum class SignalVerdict {
    /** Not enough windows, or nothing to check. */
    UNKNOWN,

    /** As the contract asks. */
    PLAUSIBLE,

    /** The mean vector is about 1 long: values in g. */
    LOOKS_LIKE_G,

    /** The mean vector is nearly zero: linear acceleration, or a sensor that delivers nothing. */
    LACKS_GRAVITY,

    /** The mean vector is far longer than gravity: another unit. */
    TOO_LARGE,
}

/**
 * Tells from live windows whether acceleration comes in another unit or without gravity.
 *
 * Movement averages out within a window and gravity remains, so the length of a window's mean vector is about 9.81
 * unless the body turns a lot. The verdict is taken from the median over [WINDOWS] windows.
 */
public class SignalCheck(
    contract: SensorContract,
) {
    private val columns =
        contract.channels.indices
            .filter { contract.channels[it].quantity == Quantity.ACCELEROMETER && contract.channels[it].gravity }
            .toIntArray()
    private val lengths = DoubleArray(WINDOWS)
    private val sorted = DoubleArray(WINDOWS)
    private var count = 0

    /** Only a complete triad tells. */
    private val applies = columns.size == TRIAD

    /** The latest verdict. */
    public var verdict: SignalVerdict = SignalVerdict.UNKNOWN
        private set

    /** Takes in a window; allocates nothing. */
    public fun update(window: SensorWindow) {
        if (!applies) return
        lengths[count % WINDOWS] = meanLength(window)
        count++
        if (count < WINDOWS) return
        System.arraycopy(lengths, 0, sorted, 0, WINDOWS)
        sorted.sort()
        verdict = judge(sorted[WINDOWS / 2])
    }

    private fun meanLength(window: SensorWindow): Double {
        var squares = 0.0
        for (column in columns) {
            var sum = 0.0
            for (time in 0 until window.length) sum += window.values[time * window.channels + column]
            val mean = sum / window.length
            squares += mean * mean
        }
        return sqrt(squares)
    }

    private fun judge(length: Double): SignalVerdict =
        when {
            length < NO_GRAVITY -> SignalVerdict.LACKS_GRAVITY
            length < LARGEST_G -> SignalVerdict.LOOKS_LIKE_G
            length > TOO_LONG -> SignalVerdict.TOO_LARGE
            else -> SignalVerdict.PLAUSIBLE
        }

    private companion object {
        const val WINDOWS = 5
        const val TRIAD = 3

        /** A wrist that swings keeps 0.3 of gravity in a window's mean, which is 0.3 in g and 2.9 in m/s^2. */
        const val NO_GRAVITY = 0.25
        const val LARGEST_G = 1.5
        const val TOO_LONG = 14.0
    }
}
