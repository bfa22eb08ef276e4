package dev.smldist.wear

import android.graphics.Bitmap
import android.graphics.Color
import dev.smldist.common.TestScreen
import kotlin.math.hypot

/** Round watches from the smallest to the largest, and a square one. */
internal val SHAPES =
    mapOf(
        "small" to SMALL,
        "large" to "w227dp-h227dp-small-notlong-round-port-watch-night-xhdpi",
        "square" to "w192dp-h192dp-small-notlong-notround-port-watch-night-xhdpi",
    )

internal const val SMALL = "w192dp-h192dp-small-notlong-round-port-watch-night-xhdpi"

internal fun testScreen() = TestScreen(MainActivity::class.java)

/** Pixels of [picture] outside the circle, by place. */
internal fun cutOff(picture: Bitmap): Sequence<Pair<Int, Int>> {
    val middle = picture.width / 2f
    return sequence {
        for (y in 0 until picture.height) {
            for (x in 0 until picture.width) {
                if (hypot(x + 0.5f - middle, y + 0.5f - middle) > middle) yield(x to y)
            }
        }
    }
}

/** Whether nothing is drawn where a round watch has no screen. */
internal fun fitsCircle(picture: Bitmap): Boolean =
    cutOff(picture).all { (x, y) -> picture.getPixel(x, y) == Color.BLACK }
