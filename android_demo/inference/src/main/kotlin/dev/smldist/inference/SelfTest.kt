package dev.smldist.inference

import kotlin.math.abs

/**
 * What the self-test found on this phone.
 *
 * @property maxAbs largest error of a logit
 * @property allowed the largest that passes
 * @property windows how many were compared
 * @property kernels by which the model was computed; null where all answer it alike
 */
public data class SelfTestResult(
    val maxAbs: Float,
    val allowed: Float,
    val windows: Int,
    val kernels: Kernels?,
) {
    /** False for an error that is not a number, too. */
    val passed: Boolean get() = maxAbs <= allowed
}

/** What a runtime computes 8-bit models with. They round differently, so that known windows tell them apart. */
public enum class Kernels {
    /** XNNPACK's: those that the model was verified with. */
    XNNPACK,

    /** The runtime's own: about twice as slow, and some answers differ. */
    BUILT_IN,
}

/**
 * Known windows and the logits that a model must give for them.
 *
 * @property allowed largest error of a logit that passes
 * @property xnnpackMean largest mean error at which XNNPACK computed the logits; null where other kernels answer alike
 */
public class SelfTest(
    private val windows: List<FloatArray>,
    private val expected: List<FloatArray>,
    public val allowed: Float,
    private val xnnpackMean: Float? = null,
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
        var sum = 0.0
        for ((window, wanted) in windows.zip(expected)) {
            classifier.classify(window, logits)
            for (index in wanted.indices) {
                val error = abs(logits[index] - wanted[index])
                // A NaN is greater than nothing: it must not slip through a comparison.
                if (!(error <= worst)) worst = error
                if (worst.isNaN()) return SelfTestResult(worst, allowed, windows.size, null)
                sum += error
            }
        }
        return SelfTestResult(worst, allowed, windows.size, kernels(sum / (windows.size * logits.size)))
    }

    private fun kernels(mean: Double): Kernels? =
        xnnpackMean?.let { if (mean <= it) Kernels.XNNPACK else Kernels.BUILT_IN }
}
