package dev.smldist.inference

import kotlin.math.abs

/**
 * What the self-test found on this phone.
 *
 * @property maxAbs largest error of a logit
 * @property allowed the largest that passes
 * @property windows how many were compared
 */
public data class SelfTestResult(
    val maxAbs: Float,
    val allowed: Float,
    val windows: Int,
) {
    /** False for an error that is not a number, too. */
    val passed: Boolean get() = maxAbs <= allowed
}

/**
 * Known windows and the logits that a model must give for them.
 *
 * @property allowed largest error of a logit that passes
 */
public class SelfTest(
    private val windows: List<FloatArray>,
    private val expected: List<FloatArray>,
    public val allowed: Float,
) {
    init {
        if (windows.isEmpty() || windows.size != expected.size) {
            throw ModelException("${windows.size} self-test windows and ${expected.size} rows of logits: $REINSTALL")
        }
    }

    /**
     * Run every window.
     *
     * @throws ModelException the classifier refused a window
     */
    public fun run(classifier: Classifier): SelfTestResult {
        val logits = FloatArray(expected[0].size)
        var worst = 0f
        for ((window, wanted) in windows.zip(expected)) {
            classifier.classify(window, logits)
            for (index in wanted.indices) {
                val error = abs(logits[index] - wanted[index])
                // A NaN is greater than nothing: it must not slip through a comparison.
                if (!(error <= worst)) worst = error
                if (worst.isNaN()) return SelfTestResult(worst, allowed, windows.size)
            }
        }
        return SelfTestResult(worst, allowed, windows.size)
    }
}
