package dev.smldist.wear

import androidx.compose.ui.geometry.Rect
import androidx.compose.ui.geometry.Size
import androidx.compose.ui.graphics.Outline
import androidx.compose.ui.graphics.Path
import androidx.compose.ui.graphics.Shape
import androidx.compose.ui.unit.Density
import androidx.compose.ui.unit.LayoutDirection
import kotlin.math.PI
import kotlin.math.asin
import kotlin.math.sqrt

/** Where things go on a screen of which perhaps only the circle in its middle can be seen; lengths in dp. */
internal class Dial(
    width: Float,
    height: Float,
) {
    private val x = width / 2
    private val y = height / 2
    private val radius = minOf(x, y) - EDGE

    /** What a chord cuts off the lower edge. */
    val action: Rect = centred(chord(radius - ACTION), y + radius - ACTION, y + radius)

    /** A rectangle in the circle, above [action]. */
    val words: Rect = centred(WIDTH * radius, y - chord(WIDTH * radius), action.top - GAP)

    /** A square above [words]. */
    val icon: Rect = (words.top - GAP).let { bottom -> centred((bottom - y + radius) / 2, y - radius, bottom) }

    private fun centred(
        half: Float,
        top: Float,
        bottom: Float,
    ) = Rect(x - half, top, x + half, bottom)

    /** Half of the chord that lies [distance] from the middle. */
    private fun chord(distance: Float): Float = sqrt(maxOf(0f, radius * radius - distance * distance))

    companion object {
        private const val EDGE = 4f
        private const val GAP = 3f

        /** Room for a finger. */
        private const val ACTION = 52f

        /** Of the words, as a part of the circle's. */
        private const val WIDTH = 0.77f
    }
}

/** What a chord cuts off the lower edge of a circle: as wide as the chord. */
internal object Segment : Shape {
    override fun createOutline(
        size: Size,
        layoutDirection: LayoutDirection,
        density: Density,
    ): Outline {
        val half = size.width / 2
        val radius = (half * half + size.height * size.height) / (2 * size.height)
        val circle = Rect(half - radius, size.height - 2 * radius, half + radius, size.height)
        val begin = (asin((radius - size.height) / radius) * HALF_TURN / PI).toFloat()
        val path = Path()
        path.arcTo(circle, begin, HALF_TURN - 2 * begin, forceMoveTo = true)
        path.close()
        return Outline.Generic(path)
    }

    private const val HALF_TURN = 180f
}
