package dev.smldist.sensing

import kotlin.math.exp

/** Softmax of [logits] / [temperature] into [into], of the same length; the sum is 1 for any finite logits. */
public fun softmax(
    logits: FloatArray,
    into: FloatArray,
    temperature: Float = 1f,
) {
    require(into.size == logits.size) { "${logits.size} logits into ${into.size} places" }
    var largest = Float.NEGATIVE_INFINITY
    for (logit in logits) largest = maxOf(largest, logit)
    var sum = 0.0
    for (index in logits.indices) {
        into[index] = exp((logits[index] - largest) / temperature)
        sum += into[index]
    }
    for (index in into.indices) into[index] = (into[index] / sum).toFloat()
}

/**
 * Logits of one window after another to a label that does not flicker.
 *
 * 1. Probabilities are smoothed over windows: `p = smoothing * previous + (1 - smoothing) * new`.
 * 2. A label is taken up when its smoothed probability reaches [enter].
 * 3. It is kept until another label reaches [enter] (then that one holds), or until its own falls below [leave] (then
 *    none does). Between the two limits nothing changes: that is the hysteresis.
 * 4. None holds whose smoothed probability the contract's [Rejection] takes for unknown.
 *
 * As [enter] is above a half, two labels never reach it at once. Call [reset] at a window that
 * [SensorWindow.isFirst]: what was before a gap tells nothing. [update] allocates nothing.
 *
 * @property labels in the order of the logits, from the contract of the file that computes them
 * @param rejection of the same contract
 * @throws ContractException limits are not 0 <= smoothing < 1, 0.5 < enter <= 1, 0 <= leave <= enter
 */
public class StableLabel(
    public val labels: List<String>,
    private val smoothing: Float = DEFAULT_SMOOTHING,
    private val enter: Float = DEFAULT_ENTER,
    private val leave: Float = DEFAULT_LEAVE,
    private val rejection: Rejection = Rejection(),
) {
    private val latest = FloatArray(labels.size)
    private var started = false

    /** Smoothed, in the order of [labels]; reused, zero before the first window. */
    public val probabilities: FloatArray = FloatArray(labels.size)

    /** Place of the stable label in [labels], or [NONE]. */
    public var index: Int = NONE
        private set

    /** The stable label, or null while no label is certain enough. */
    public val label: String? get() = if (index == NONE) null else labels[index]

    init {
        if (smoothing !in 0f..<1f || enter <= EVEN || enter > 1f || leave !in 0f..enter) {
            throw ContractException(
                "smoothing $smoothing, enter $enter, leave $leave, " +
                    "expected 0 <= smoothing < 1, 0.5 < enter <= 1 and 0 <= leave <= enter",
            )
        }
    }

    /**
     * Takes in the scores of the next window.
     *
     * @throws ContractException another number of logits than labels, or one that is not finite
     */
    public fun update(logits: FloatArray) {
        requireLogits(logits)
        softmax(logits, latest, rejection.temperature)
        val kept = if (started) smoothing else 0f
        started = true
        var best = 0
        for (place in latest.indices) {
            probabilities[place] = kept * probabilities[place] + (1 - kept) * latest[place]
            if (probabilities[place] > probabilities[best]) best = place
        }
        if (holds(best, enter)) {
            index = best
        } else if (index != NONE && !holds(index, leave)) {
            index = NONE
        }
    }

    private fun holds(
        place: Int,
        limit: Float,
    ): Boolean = probabilities[place] >= limit && !rejection.rejects(probabilities[place])

    /** Forgets what was before. */
    public fun reset() {
        started = false
        index = NONE
        probabilities.fill(0f)
    }

    private fun requireLogits(logits: FloatArray) {
        if (logits.size != labels.size) {
            throw ContractException("${logits.size} logits for ${labels.size} labels: another model's contract?")
        }
        for (logit in logits) {
            if (!logit.isFinite()) {
                throw ContractException(
                    "a logit is $logit: the input held a value that is not finite",
                )
            }
        }
    }

    public companion object {
        /** [index] while no label is certain enough. */
        public const val NONE: Int = -1

        /** A label holds after about two agreeing windows. */
        public const val DEFAULT_SMOOTHING: Float = 0.5f
        public const val DEFAULT_ENTER: Float = 0.6f
        public const val DEFAULT_LEAVE: Float = 0.4f
        private const val EVEN = 0.5f
    }
}
