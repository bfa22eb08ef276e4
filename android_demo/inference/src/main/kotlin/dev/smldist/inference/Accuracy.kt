package dev.smldist.inference

import dev.smldist.sensing.softmax
import kotlinx.serialization.json.JsonArray
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
    return buildJsonObject {
        put("windows", windows.size)
        put("accuracy", predicted.indices.count { predicted[it] == windows.y[it] }.toDouble() / windows.size)
        put("macro_f1", macroF1(total))
        put("per_class_f1", numbers(present.associate { windows.labels[it] to f1[it] }))
        put("per_subject_f1", numbers(perSubject))
        put("worst_subject", perSubject.minBy { it.value }.key)
        put("ece", calibrationError(logits, predicted, windows.y))
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

private fun calibrationError(
    logits: List<FloatArray>,
    predicted: List<Int>,
    truth: IntArray,
): Double {
    val gaps = DoubleArray(BINS)
    val probabilities = FloatArray(logits[0].size)
    for (index in logits.indices) {
        softmax(logits[index], probabilities)
        val confidence = probabilities[predicted[index]].toDouble()
        val correct = if (predicted[index] == truth[index]) 1.0 else 0.0
        // Bins are (lower, upper], so that a confidence of exactly 1 falls into the last one.
        gaps[(ceil(confidence * BINS).toInt() - 1).coerceIn(0, BINS - 1)] += correct - confidence
    }
    return gaps.sumOf { abs(it) } / logits.size
}
