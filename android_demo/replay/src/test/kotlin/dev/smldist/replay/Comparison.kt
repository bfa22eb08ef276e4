package dev.smldist.replay

import java.util.Locale
import kotlin.math.abs

/** A model's answers to the windows of a replay: a row of K scores and a label for each. */
class Answers(
    val logits: List<FloatArray>,
    val labels: List<String>,
)

/**
 * How far answers may lie from Python's.
 *
 * @property maxAbs largest error of a logit
 * @property step one 8-bit step of the logits; null where all arithmetic is float
 * @property ties whether a label may differ where Python's two largest logits are so near that such errors decide
 */
data class Limits(
    val maxAbs: Float,
    val step: Float?,
    val ties: Boolean,
)

/**
 * Answers against Python's.
 *
 * @property maxAbs largest error of a logit; infinite for another number of windows or scores, NaN for a NaN
 * @property flips windows with another label
 * @property tied how many of them the limits allow
 */
data class Comparison(
    val windows: Int,
    val maxAbs: Float,
    val flips: Int,
    val tied: Int,
    val limits: Limits,
) {
    /** False for an error that is not a number, too. */
    val sameLogits: Boolean get() = windows > 0 && maxAbs <= limits.maxAbs
    val sameLabels: Boolean get() = flips == tied

    override fun toString(): String {
        val labels = if (flips == 0) "labels equal" else "$flips labels differ, $tied of them near ties"
        val steps = limits.step?.let { ", %.1f steps".format(Locale.ROOT, maxAbs / it) }.orEmpty()
        val errors = "largest difference %.2g of %.2g$steps".format(Locale.ROOT, maxAbs, limits.maxAbs)
        return "$windows windows, $errors, $labels"
    }
}

/** Compare [found] with what Python computed. */
fun compare(
    found: Answers,
    expected: ExpectedModel,
    limits: Limits,
): Comparison {
    val (shape, wanted) = listOf(found.logits, expected.logits).map { rows -> rows.map { it.size } }
    if (shape != wanted || found.labels.size != expected.labels.size) {
        return Comparison(found.logits.size, Float.POSITIVE_INFINITY, found.labels.size, 0, limits)
    }
    val pairs = found.logits.zip(expected.logits)
    val errors = pairs.flatMap { (got, row) -> got.indices.map { abs(got[it] - row[it]) } }
    val flips = found.labels.indices.filter { found.labels[it] != expected.labels[it] }
    val tied = flips.count { limits.ties && margin(expected.logits[it]) <= 2 * limits.maxAbs }
    return Comparison(found.logits.size, errors.maxOrNull() ?: Float.NaN, flips.size, tied, limits)
}

/** Between the two largest values. */
private fun margin(row: FloatArray): Float {
    val (first, second) = row.sortedDescending()
    return first - second
}
