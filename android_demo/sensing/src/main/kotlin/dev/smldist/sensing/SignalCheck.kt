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

    /** Gravity points the other way than in training: the device is upside down, or worn on the other side. */
    TURNED,
}

/**
 * Tells from live windows whether acceleration comes in another unit, without gravity or from a device upside down.
 *
 * Movement averages out within a window and gravity remains, so the length of a window's mean vector is about 9.81
 * unless the body turns a lot. The verdict is taken from the median over [WINDOWS] windows, and from the direction of
 * their mean where [SensorContract.trainedMean] has one: the same rule as `doubts` of `factory.data.live`.
 */
public class SignalCheck(
    contract: SensorContract,
) {
    private val columns =
        contract.channels.indices
            .filter { contract.channels[it].quantity == Quantity.ACCELEROMETER && contract.channels[it].gravity }
            .toIntArray()
    private val trained = columns.map { contract.trainedMean.getOrElse(it) { 0.0 } }.toDoubleArray()
    private val trainedLength = sqrt(trained.sumOf { it * it })
    private val means = DoubleArray(WINDOWS * TRIAD)
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
        lengths[count % WINDOWS] = meanLength(window, count % WINDOWS * TRIAD)
        count++
        if (count < WINDOWS) return
        System.arraycopy(lengths, 0, sorted, 0, WINDOWS)
        sorted.sort()
        verdict = judge(sorted[WINDOWS / 2])
    }

    /** Length of the mean vector, which is put into [means] from [place] on. */
    private fun meanLength(
        window: SensorWindow,
        place: Int,
    ): Double {
        var squares = 0.0
        for (axis in 0 until TRIAD) {
            var sum = 0.0
            for (time in 0 until window.length) sum += window.values[time * window.channels + columns[axis]]
            val mean = sum / window.length
            means[place + axis] = mean
            squares += mean * mean
        }
        return sqrt(squares)
    }

    private fun isTurned(): Boolean {
        var product = 0.0
        var squares = 0.0
        for (axis in 0 until TRIAD) {
            var mean = 0.0
            for (window in 0 until WINDOWS) mean += means[window * TRIAD + axis] / WINDOWS
            product += mean * trained[axis]
            squares += mean * mean
        }
        val length = sqrt(squares)
        return minOf(length, trainedLength) >= DIRECTED && product < OPPOSITE * length * trainedLength
    }

    private fun judge(length: Double): SignalVerdict =
        when {
            length < NO_GRAVITY -> SignalVerdict.LACKS_GRAVITY
            length < LARGEST_G -> SignalVerdict.LOOKS_LIKE_G
            length > TOO_LONG -> SignalVerdict.TOO_LARGE
            isTurned() -> SignalVerdict.TURNED
            else -> SignalVerdict.PLAUSIBLE
        }

    private companion object {
        const val WINDOWS = 5
        const val TRIAD = 3

        /** A wrist that swings keeps 0.3 of gravity in a window's mean, which is 0.3 in g and 2.9 in m/s^2. */
        const val NO_GRAVITY = 0.25
        const val LARGEST_G = 1.5
        const val TOO_LONG = 14.0

        /** Half of gravity, which a mean must hold to have a direction, and the cosine of two that are opposite. */
        const val DIRECTED = 4.9
        const val OPPOSITE = -0.5
    }
}
