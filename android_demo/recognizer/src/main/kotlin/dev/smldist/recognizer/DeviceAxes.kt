package dev.smldist.recognizer

import android.content.Context
import android.graphics.Point
import android.hardware.display.DisplayManager
import android.view.Display
import android.view.Surface
import dev.smldist.sensing.AxisMap

/** Which axes of this device's sensors are those of a phone held upright. */
public fun deviceAxes(context: Context): AxisMap {
    val display = context.getSystemService(DisplayManager::class.java).getDisplay(Display.DEFAULT_DISPLAY)
    val size = Point()
    // A service has no window whose bounds could be asked for instead.
    @Suppress("DEPRECATION")
    display.getRealSize(size)
    return deviceAxes(display.rotation, size.x, size.y)
}

/**
 * Sensors' axes stay with the natural orientation, which of many tablets is landscape.
 *
 * @param rotation of the screen against the natural orientation, a constant of [Surface]
 * @param width of the screen as it is rotated
 */
internal fun deviceAxes(
    rotation: Int,
    width: Int,
    height: Int,
): AxisMap {
    val turned = rotation == Surface.ROTATION_90 || rotation == Surface.ROTATION_270
    val landscape = if (turned) height > width else width > height
    return if (landscape) AxisMap.LANDSCAPE_NATURAL else AxisMap.DEVICE
}
