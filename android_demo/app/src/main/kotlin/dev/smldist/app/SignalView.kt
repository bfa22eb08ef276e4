package dev.smldist.app

import android.content.Context
import android.graphics.Canvas
import android.graphics.Paint
import android.graphics.Path
import android.util.AttributeSet
import android.view.View

/** Three axes of acceleration over the last seconds. Redraws while it is visible and [live]. */
internal class SignalView(
    context: Context,
    attributes: AttributeSet,
) : View(context, attributes) {
    private val signal = (context.applicationContext as DemoApp).signal
    private val latest = FloatArray(signal.capacity)
    private val path = Path()
    private val zero = paint(R.color.bar_track)
    private val axes = listOf(R.color.axis_x, R.color.axis_y, R.color.axis_z).map(::paint)

    /** Whether new values are to be expected. */
    var live: Boolean = false
        set(value) {
            field = value
            invalidate()
        }

    override fun onDraw(canvas: Canvas) {
        super.onDraw(canvas)
        val middle = height / 2f
        canvas.drawLine(0f, middle, width.toFloat(), middle, zero)
        axes.forEachIndexed { axis, paint -> drawAxis(canvas, axis, paint) }
        if (live && isShown) postInvalidateDelayed(FRAME_MS)
    }

    private fun drawAxis(
        canvas: Canvas,
        axis: Int,
        paint: Paint,
    ) {
        val count = signal.copy(axis, latest)
        if (count < 2) return
        path.rewind()
        for (index in 0 until count) {
            val x = width * index / (signal.capacity - 1f)
            val y = height / 2f * (1 - (latest[index] / RANGE).coerceIn(-1f, 1f))
            if (index == 0) path.moveTo(x, y) else path.lineTo(x, y)
        }
        canvas.drawPath(path, paint)
    }

    private fun paint(color: Int): Paint =
        Paint(Paint.ANTI_ALIAS_FLAG).apply {
            this.color = context.getColor(color)
            style = Paint.Style.STROKE
            strokeWidth = resources.displayMetrics.density * STROKE_DP
        }

    private companion object {
        /** m/s^2 at the edge: two g. */
        const val RANGE = 20f
        const val STROKE_DP = 1.5f
        const val FRAME_MS = 50L
    }
}
