package dev.smldist.wear

import androidx.compose.foundation.ScrollState
import androidx.compose.foundation.background
import androidx.compose.foundation.focusable
import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Box
import androidx.compose.foundation.layout.BoxWithConstraints
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.PaddingValues
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.absoluteOffset
import androidx.compose.foundation.layout.fillMaxSize
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.heightIn
import androidx.compose.foundation.layout.size
import androidx.compose.foundation.rememberScrollState
import androidx.compose.foundation.verticalScroll
import androidx.compose.material3.Button
import androidx.compose.material3.ButtonDefaults.buttonColors
import androidx.compose.material3.ButtonDefaults.filledTonalButtonColors
import androidx.compose.material3.CircularProgressIndicator
import androidx.compose.material3.Icon
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.LaunchedEffect
import androidx.compose.runtime.remember
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.draw.drawBehind
import androidx.compose.ui.focus.FocusRequester
import androidx.compose.ui.focus.focusRequester
import androidx.compose.ui.geometry.CornerRadius
import androidx.compose.ui.geometry.Offset
import androidx.compose.ui.geometry.Rect
import androidx.compose.ui.geometry.Size
import androidx.compose.ui.graphics.Color
import androidx.compose.ui.graphics.drawscope.DrawScope
import androidx.compose.ui.input.rotary.onRotaryScrollEvent
import androidx.compose.ui.res.painterResource
import androidx.compose.ui.res.stringResource
import androidx.compose.ui.semantics.LiveRegionMode
import androidx.compose.ui.semantics.clearAndSetSemantics
import androidx.compose.ui.semantics.contentDescription
import androidx.compose.ui.semantics.liveRegion
import androidx.compose.ui.semantics.semantics
import androidx.compose.ui.text.TextStyle
import androidx.compose.ui.text.rememberTextMeasurer
import androidx.compose.ui.text.style.TextAlign
import androidx.compose.ui.unit.dp
import androidx.compose.ui.unit.sp
import dev.smldist.common.Action
import dev.smldist.common.Headline
import dev.smldist.common.Tone
import dev.smldist.common.UiState
import dev.smldist.common.headline
import dev.smldist.common.oddity

/**
 * The whole screen: a picture, the activity and since when, and the one primary action in the lower curve.
 *
 * @param toggle starts or ends the recognition
 */
@Composable
internal fun WatchScreen(
    state: UiState,
    toggle: () -> Unit,
) {
    val headline = headline(state)
    val color =
        MaterialTheme.colorScheme.run {
            when (headline.tone) {
                Tone.SURE -> primary
                Tone.CALM -> onSurface
                Tone.WRONG -> error
            }
        }
    BoxWithConstraints(Modifier.fillMaxSize().background(MaterialTheme.colorScheme.background)) {
        val dial = Dial(maxWidth.value, maxHeight.value)
        Box(Modifier.at(dial.icon), Alignment.Center) {
            headline.icon?.let { Icon(painterResource(it), null, Modifier.fillMaxSize(), color) }
            if (headline.busy) CircularProgressIndicator(Modifier.fillMaxSize(), color, strokeWidth = 2.dp)
        }
        Words(headline, oddity(state), color, Modifier.at(dial.words))
        ActionButton(state, toggle, Modifier.at(dial.action))
    }
}

/** Scrolls by finger and crown where it is more than the screen has room for. */
@Composable
private fun Words(
    headline: Headline,
    oddity: String?,
    color: Color,
    modifier: Modifier,
) {
    val scroll = rememberScrollState()
    val crown = remember { FocusRequester() }
    LaunchedEffect(crown) { crown.requestFocus() }
    val bar = MaterialTheme.colorScheme.onSurfaceVariant
    BoxWithConstraints(
        modifier
            .drawBehind { drawBar(scroll, bar) }
            .onRotaryScrollEvent { scroll.dispatchRawDelta(it.verticalScrollPixels) != 0f }
            .focusRequester(crown)
            .focusable(),
    ) {
        val type = MaterialTheme.typography
        val size = (maxWidth.value / LETTERS).sp
        Column(
            Modifier.fillMaxWidth().verticalScroll(scroll).heightIn(min = maxHeight),
            Arrangement.spacedBy(2.dp, Alignment.CenterVertically),
        ) {
            val spoken =
                Modifier.clearAndSetSemantics {
                    contentDescription = headline.spoken
                    liveRegion = LiveRegionMode.Polite
                }
            Line(headline.title, color, type.titleLarge.copy(fontSize = size, lineHeight = size * 1.2f), spoken)
            if (oddity != null) {
                val told = Modifier.semantics { liveRegion = LiveRegionMode.Assertive }
                Line(oddity, MaterialTheme.colorScheme.tertiary, type.bodyMedium, told)
            }
            if (headline.detail.isNotEmpty()) {
                val alreadySpoken = Modifier.clearAndSetSemantics {}
                Line(headline.detail, MaterialTheme.colorScheme.onSurfaceVariant, type.bodyMedium, alreadySpoken)
            }
        }
    }
}

/** Beside the words, where the circle is wider than they are: which part of them is shown, if not all. */
private fun DrawScope.drawBar(
    scroll: ScrollState,
    color: Color,
) {
    if (scroll.maxValue == 0) return
    val (length, all) = size.height / 2 to size.height + scroll.maxValue
    val top = size.height / 4 + length * scroll.value / all
    val place = Offset(size.width + BAR.toPx(), top)
    drawRoundRect(color, place, Size(BAR.toPx(), length * size.height / all), CornerRadius(BAR.toPx()))
}

private val BAR = 3.dp

/** About half as many large letters as fit a line. */
private const val LETTERS = 7

/** Centred text, made smaller where a word of it would not fit a line. */
@Composable
private fun Line(
    text: String,
    color: Color,
    style: TextStyle,
    modifier: Modifier,
) = BoxWithConstraints(Modifier.fillMaxWidth()) {
    val measurer = rememberTextMeasurer()
    val words = text.split(' ')
    // Step by step: Android enlarges large type less than small type.
    val sizes = SHARES.map { style.copy(fontSize = style.fontSize * it, lineHeight = style.lineHeight * it) }
    val fitting =
        sizes.firstOrNull { size -> words.all { measurer.measure(it, size).size.width < constraints.maxWidth } }
            ?: sizes.last()
    Text(text, modifier.fillMaxWidth(), color, textAlign = TextAlign.Center, style = fitting)
}

private val SHARES = (20 downTo 6).map { it / 20f }

@Composable
private fun ActionButton(
    state: UiState,
    toggle: () -> Unit,
    modifier: Modifier,
) {
    val action = Action.of(state)
    // While it runs, the activity is to be the brightest.
    val colors = if (action == Action.START) buttonColors() else filledTonalButtonColors()
    Button(toggle, modifier, state != UiState.Loading, Segment, colors, contentPadding = PaddingValues(bottom = 8.dp)) {
        Row(Modifier, Arrangement.spacedBy(4.dp), Alignment.CenterVertically) {
            Icon(painterResource(action.icon), null, Modifier.size(20.dp))
            Text(stringResource(action.text), style = MaterialTheme.typography.titleSmall, maxLines = 1)
        }
    }
}

private fun Modifier.at(place: Rect): Modifier =
    absoluteOffset(place.left.dp, place.top.dp).size(place.width.dp, place.height.dp)
