package dev.smldist.common

import androidx.compose.ui.graphics.Color
import androidx.compose.ui.graphics.luminance

/** Of WCAG 2.1: text needs 4.5, graphics 3. */
fun contrast(
    one: Color,
    other: Color,
): Float {
    val (dark, light) = listOf(one.luminance(), other.luminance()).sorted()
    return (light + 0.05f) / (dark + 0.05f)
}
