package dev.smldist.app

import java.util.Locale

/** Three digits that matter, in the user's own notation. */
internal fun decimal(value: Number): String = String.format(Locale.getDefault(), "%.3g", value.toDouble())

/** One digit after the point, in the user's own notation. */
internal fun tenths(value: Number): String = String.format(Locale.getDefault(), "%.1f", value.toDouble())
