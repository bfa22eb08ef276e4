package dev.smldist.inference

import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.put
import kotlin.math.abs
import kotlin.math.floor
import kotlin.math.log10
import kotlin.math.max
import kotlin.math.min
import kotlin.math.pow
import kotlin.math.sqrt

private const val Z95 = 1.959963984540054
private const val LOWEST = -8.0
private const val BIN = 0.5
private const val BINS = 20
private const val TINY = 1e-30

/**
 * The figures of `Parity` in a manifest: N rows of logits against those of the reference network.
 *
 * @throws ModelException another number of rows, or a logit that is not finite
 */
internal fun parity(
    logits: List<FloatArray>,
    reference: List<FloatArray>,
): JsonObject {
    requireFinite(logits, reference.size)
    val pairs = logits.zip(reference)
    val errors = pairs.flatMap { (got, wanted) -> got.indices.map { abs(got[it].toDouble() - wanted[it]) } }
    val flips = pairs.count { (got, wanted) -> argmax(got) != argmax(wanted) }
    val (low, high) = wilson(logits.size - flips, logits.size)
    val noise = errors.sumOf { it * it }
    val signal = reference.sumOf { row -> row.sumOf { it.toDouble() * it } }
    return buildJsonObject {
        put("windows", logits.size)
        put("max_abs", errors.max())
        put("mean_abs", errors.average())
        put("sqnr_db", if (noise == 0.0) null else 10 * log10(max(signal, TINY) / noise))
        put("cosine", pairs.map { (got, wanted) -> cosine(got, wanted) }.average().coerceIn(-1.0, 1.0))
        put("top1_agreement", 1 - flips.toDouble() / logits.size)
        put("flips", flips)
        put("agreement_low", low)
        put("agreement_high", high)
        put("histogram_edges", JsonArray((0..BINS).map { JsonPrimitive(LOWEST + it * BIN) }))
        put("histogram_counts", JsonArray(histogram(errors).map(::JsonPrimitive)))
    }
}

internal fun requireFinite(
    logits: List<FloatArray>,
    windows: Int,
) {
    val broken = logits.indexOfFirst { row -> row.any { !it.isFinite() } }
    if (broken >= 0) throw ModelException("logits of window $broken are not finite: run another precision")
    if (logits.size != windows || windows == 0) {
        throw ModelException("${logits.size} rows of logits for $windows windows: the windows are of another build")
    }
}

/** Place of the largest value; the first of equal ones. */
internal fun argmax(row: FloatArray): Int {
    var best = 0
    for (index in row.indices) if (row[index] > row[best]) best = index
    return best
}

private fun cosine(
    got: FloatArray,
    wanted: FloatArray,
): Double {
    val norms = sqrt(got.sumOf { it.toDouble() * it }) * sqrt(wanted.sumOf { it.toDouble() * it })
    if (norms == 0.0) return if (got.contentEquals(wanted)) 1.0 else 0.0
    return got.indices.sumOf { got[it].toDouble() * wanted[it] } / norms
}

/** 95 % interval of a share. */
private fun wilson(
    successes: Int,
    trials: Int,
): Pair<Double, Double> {
    val share = successes.toDouble() / trials
    val centre = share + Z95 * Z95 / (2 * trials)
    val half = Z95 * sqrt(share * (1 - share) / trials + Z95 * Z95 / (4.0 * trials * trials))
    val scale = 1 + Z95 * Z95 / trials
    return max(0.0, (centre - half) / scale) to min(1.0, (centre + half) / scale)
}

/** Counts of the error's decimal logarithm; both end bins are open. */
private fun histogram(errors: List<Double>): IntArray {
    val counts = IntArray(BINS)
    for (error in errors) {
        val exponent = log10(max(error, 10.0.pow(LOWEST)))
        counts[floor((exponent - LOWEST) / BIN).toInt().coerceIn(0, BINS - 1)]++
    }
    return counts
}
