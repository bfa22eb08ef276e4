package dev.smldist.app

import androidx.compose.foundation.Canvas
import androidx.compose.foundation.isSystemInDarkTheme
import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.ExperimentalLayoutApi
import androidx.compose.foundation.layout.FlowRow
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.height
import androidx.compose.foundation.layout.width
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.LaunchedEffect
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableIntStateOf
import androidx.compose.runtime.remember
import androidx.compose.runtime.setValue
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.geometry.Offset
import androidx.compose.ui.geometry.Rect
import androidx.compose.ui.graphics.Color
import androidx.compose.ui.graphics.Path
import androidx.compose.ui.graphics.PathEffect
import androidx.compose.ui.graphics.drawscope.DrawScope
import androidx.compose.ui.graphics.drawscope.Stroke
import androidx.compose.ui.res.stringResource
import androidx.compose.ui.semantics.contentDescription
import androidx.compose.ui.semantics.semantics
import androidx.compose.ui.text.TextLayoutResult
import androidx.compose.ui.text.drawText
import androidx.compose.ui.text.rememberTextMeasurer
import androidx.compose.ui.unit.dp
import dev.smldist.common.UiState
import kotlinx.coroutines.delay
import kotlin.math.roundToInt

/** Three axes of acceleration over the last seconds, each with a colour and a dash of its own. Time goes to the right. */
@Composable
internal fun SignalPlot(
    signal: SignalBuffer,
    state: UiState.Running,
) {
    val rateHz = state.answer.health.rateHz ?: state.session.contract.rateHz
    val seconds = (signal.capacity / rateHz).roundToInt()
    val colors = axisColors(isSystemInDarkTheme())
    val names =
        listOf(stringResource(R.string.axis_x), stringResource(R.string.axis_y), stringResource(R.string.axis_z))
    val spoken = stringResource(R.string.signal_description, seconds)
    var frame by remember { mutableIntStateOf(0) }
    LaunchedEffect(signal) {
        while (true) {
            delay(FRAME_MS)
            frame++
        }
    }
    val scale = scale(seconds)
    Text(
        stringResource(R.string.signal_unit),
        color = MaterialTheme.colorScheme.onSurfaceVariant,
        style = MaterialTheme.typography.labelMedium,
    )
    val path = remember { Path() }
    val latest = remember { FloatArray(signal.capacity) }
    Canvas(Modifier.fillMaxWidth().height(PLOT_DP).semantics { contentDescription = spoken }) {
        frame
        val area = scale.draw(this)
        colors.forEachIndexed { axis, color ->
            val count = signal.copy(axis, latest)
            path.rewind()
            for (index in 0 until count) {
                val x = area.right - area.width * (count - 1 - index) / (signal.capacity - 1f)
                val y = area.center.y - area.height / 2 * (latest[index] / RANGE).coerceIn(-1f, 1f)
                if (index == 0) path.moveTo(x, y) else path.lineTo(x, y)
            }
            drawPath(path, color, style = stroke(axis))
        }
    }
    Legend(names, colors)
}

@OptIn(ExperimentalLayoutApi::class)
@Composable
private fun Legend(
    names: List<String>,
    colors: List<Color>,
) {
    FlowRow(Modifier.fillMaxWidth(), Arrangement.spacedBy(16.dp)) {
        names.forEachIndexed { axis, name ->
            Row(horizontalArrangement = Arrangement.spacedBy(8.dp), verticalAlignment = Alignment.CenterVertically) {
                Canvas(Modifier.width(28.dp).height(12.dp)) {
                    val stroke = stroke(axis)
                    val middle = size.height / 2
                    drawLine(
                        colors[axis],
                        Offset(0f, middle),
                        Offset(size.width, middle),
                        stroke.width,
                        pathEffect = stroke.pathEffect,
                    )
                }
                Text(name, style = MaterialTheme.typography.labelLarge)
            }
        }
    }
}

/** Grid and numbers of both axes. */
private class Scale(
    private val numbers: List<TextLayoutResult>,
    private val begin: TextLayoutResult,
    private val end: TextLayoutResult,
    private val line: Color,
    private val text: Color,
) {
    /** Draws them and tells where the signal belongs. */
    fun draw(into: DrawScope): Rect =
        with(into) {
            val left = numbers.maxOf { it.size.width } + GAP_DP.toPx()
            val top = numbers[0].size.height / 2f
            val area = Rect(left, top, size.width, size.height - begin.size.height - top)
            numbers.forEachIndexed { index, number ->
                val y = area.top + area.height * index / (numbers.size - 1)
                drawLine(line, Offset(area.left, y), Offset(area.right, y), 1.dp.toPx())
                drawText(number, text, Offset(left - GAP_DP.toPx() - number.size.width, y - number.size.height / 2f))
            }
            val below = size.height - begin.size.height
            drawText(begin, text, Offset(area.left, below))
            drawText(end, text, Offset(area.right - end.size.width, below))
            area
        }
}

@Composable
private fun scale(seconds: Int): Scale {
    val measurer = rememberTextMeasurer()
    val style = MaterialTheme.typography.labelSmall
    val numbers = TICKS.map { measurer.measure(stringResource(R.string.number, it), style) }
    val begin = measurer.measure(stringResource(R.string.seconds_ago, seconds), style)
    val end = measurer.measure(stringResource(R.string.now), style)
    return MaterialTheme.colorScheme.run { Scale(numbers, begin, end, outlineVariant, onSurfaceVariant) }
}

/** Solid, dashed, dotted. */
private fun DrawScope.stroke(axis: Int): Stroke {
    val dp = 1.dp.toPx()
    val dash =
        when (axis) {
            0 -> null
            1 -> PathEffect.dashPathEffect(floatArrayOf(8 * dp, 4 * dp))
            else -> PathEffect.dashPathEffect(floatArrayOf(2 * dp, 3 * dp))
        }
    return Stroke(2 * dp, pathEffect = dash)
}

/** m/s^2 at the edge: two g. */
private const val RANGE = 20f
private val TICKS = listOf(20, 10, 0, -10, -20)
private val PLOT_DP = 180.dp
private val GAP_DP = 6.dp
private const val FRAME_MS = 50L
