package dev.smldist.common

import dev.smldist.sensing.SensorContract
import java.util.Locale

/** A label as people read it in a sentence: `walking_upstairs` becomes `walking upstairs`. */
fun readable(label: String): String = label.replace('_', ' ')

/** A label as people read it by itself: `Walking upstairs`. */
fun headline(label: String): String = readable(label).replaceFirstChar { it.titlecase(Locale.getDefault()) }

/** Where on the body the model expects the device. */
fun SensorContract.placement(): String = channels.map { readable(it.placement) }.distinct().joinToString()

/** The picture of an activity, by the words of its label; labels are any model's. */
fun icon(label: String): Int {
    val words = readable(label).lowercase(Locale.ROOT)
    return PICTURES.firstOrNull { (word, _) -> word in words }?.second ?: R.drawable.ic_exercise
}

/** Stairs before walking, which their labels may name, too. */
private val PICTURES =
    listOf(
        "upstairs" to R.drawable.ic_upstairs,
        "downstairs" to R.drawable.ic_downstairs,
        "jog" to R.drawable.ic_running,
        "run" to R.drawable.ic_running,
        "walk" to R.drawable.ic_walking,
        "sit" to R.drawable.ic_sitting,
        "stand" to R.drawable.ic_standing,
        "lying" to R.drawable.ic_lying,
        "lay" to R.drawable.ic_lying,
    )
