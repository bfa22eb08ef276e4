package dev.smldist.inference

import dev.smldist.sensing.softmax
import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonNull
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.put
import kotlin.math.abs
import kotlin.math.ceil
import kotlin.math.max

private const val BINS = 15

/**
 * The figures of `Accuracy` in a manifest: predictions against labels.
 *
 * Macro-F1 is the mean over the classes that occur in the truth at hand, as in `factory/verification/accuracy.py`.
 *
 * @throws ModelException another number of rows, or a logit that is not finite
 */
internal fun accuracy(
    logits: List<FloatArray>,
    windows: GoldenWindows,
): JsonObject {
    requireFinite(logits, windows.size)
    val predicted = logits.map(::argmax)
    val total = confusion(windows, predicted) { true }
    val f1 = f1(total)
    val subjects = windows.subject.distinct().sorted()
    val perSubject =
        subjects.associateWith { name -> macroF1(confusion(windows, predicted) { windows.subject[it] == name }) }
    val present = windows.labels.indices.filter { total[it].sum() > 0 }
    val bins = reliability(logits, predicted, windows.y)
    return buildJsonObject {
        put("windows", windows.size)
        put("accuracy", predicted.indices.count { predicted[it] == windows.y[it] }.toDouble() / windows.size)
        put("macro_f1", macroF1(total))
        // The interval is a bootstrap over people: the host's, from the test people's confusions.
        put("macro_f1_low", JsonNull)
        put("macro_f1_high", JsonNull)
        put("per_class_f1", numbers(present.associate { windows.labels[it] to f1[it] }))
        put("per_subject_f1", numbers(perSubject))
        put("worst_subject", perSubject.minBy { it.value }.key)
        put("ece", bins.sumOf { abs(it.correct - it.confidence) } / windows.size)
        put("reliability", JsonArray(bins.filter { it.windows > 0 }.map(Bin::json)))
        put("confusion", JsonArray(total.map { row -> JsonArray(row.map(::JsonPrimitive)) }))
    }
}

private fun numbers(values: Map<String, Double>) = JsonObject(values.mapValues { JsonPrimitive(it.value) })

/** Counts of truth (rows) and prediction. */
private fun confusion(
    windows: GoldenWindows,
    predicted: List<Int>,
    counts: (Int) -> Boolean,
): List<IntArray> {
    val table = List(windows.labels.size) { IntArray(windows.labels.size) }
    for (index in predicted.indices) if (counts(index)) table[windows.y[index]][predicted[index]]++
    return table
}

private fun f1(table: List<IntArray>): List<Double> =
    table.indices.map { label ->
        val seen = table[label].sum() + table.sumOf { it[label] }
        2.0 * table[label][label] / max(seen, 1)
    }

private fun macroF1(table: List<IntArray>): Double {
    val f1 = f1(table)
    return table.indices.filter { table[it].sum() > 0 }.map { f1[it] }.average()
}

/** Predictions whose confidence lies in (low, high]; sums, so that bins add up. */
private class Bin(
    private val place: Int,
) {
    var windows = 0
    var confidence = 0.0
    var correct = 0.0

    fun json() =
        buildJsonObject {
            put("low", place.toDouble() / BINS)
            put("high", (place + 1.0) / BINS)
            put("windows", windows)
            put("confidence", confidence / windows)
            put("accuracy", correct / windows)
        }
}

private fun reliability(
    logits: List<FloatArray>,
    predicted: List<Int>,
    truth: IntArray,
): List<Bin> {
    val bins = List(BINS, ::Bin)
    val probabilities = FloatArray(logits[0].size)
    for (index in logits.indices) {
        softmax(logits[index], probabilities)
        val confidence = probabilities[predicted[index]].toDouble()
        // A confidence of exactly 1 falls into the last bin.
        val bin = bins[(ceil(confidence * BINS).toInt() - 1).coerceIn(0, BINS - 1)]
        bin.windows++
        bin.confidence += confidence
        if (predicted[index] == truth[index]) bin.correct++
    }
    return bins
}
