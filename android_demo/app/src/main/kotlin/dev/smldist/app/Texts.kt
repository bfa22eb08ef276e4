package dev.smldist.app

import java.util.Locale

/** A label as people read it: `walking_upstairs` becomes `walking upstairs`. */
internal fun readable(label: String): String = label.replace('_', ' ')

/** Three digits that matter, in the user's own notation. */
internal fun decimal(value: Number): String = String.format(Locale.getDefault(), "%.3g", value.toDouble())

/** One digit after the point, in the user's own notation. */
internal fun tenths(value: Number): String = String.format(Locale.getDefault(), "%.1f", value.toDouble())
