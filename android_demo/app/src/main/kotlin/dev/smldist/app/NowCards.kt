package dev.smldist.app

import androidx.compose.foundation.background
import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Box
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.ColumnScope
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.layout.size
import androidx.compose.foundation.shape.CircleShape
import androidx.compose.material3.Card
import androidx.compose.material3.CardDefaults
import androidx.compose.material3.CircularProgressIndicator
import androidx.compose.material3.Icon
import androidx.compose.material3.LinearProgressIndicator
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.getValue
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.res.painterResource
import androidx.compose.ui.res.stringResource
import androidx.compose.ui.semantics.LiveRegionMode
import androidx.compose.ui.semantics.clearAndSetSemantics
import androidx.compose.ui.semantics.contentDescription
import androidx.compose.ui.semantics.heading
import androidx.compose.ui.semantics.liveRegion
import androidx.compose.ui.semantics.semantics
import androidx.compose.ui.text.font.FontWeight
import androidx.compose.ui.unit.dp
import androidx.lifecycle.compose.collectAsStateWithLifecycle
import dev.smldist.common.Headline
import dev.smldist.common.Tone
import dev.smldist.common.UiState
import dev.smldist.common.clock
import dev.smldist.common.elapsed
import dev.smldist.common.headline
import dev.smldist.common.icon
import dev.smldist.common.oddity
import dev.smldist.common.readable
import kotlin.math.roundToInt

/** What goes on now, what is odd about it, and what was before. */
@Composable
internal fun Now(model: MainViewModel) {
    val state by model.state.collectAsStateWithLifecycle()
    HeadlineCard(headline(state))
    oddity(state)?.let { Odd(it) }
    val history by model.history.collectAsStateWithLifecycle()
    if (history.isNotEmpty()) Timeline(history)
}

/** Confidences and signal, while there are any. */
@Composable
internal fun Measured(model: MainViewModel) {
    val state by model.state.collectAsStateWithLifecycle()
    val running = state as? UiState.Running
    if (running != null) {
        Confidences(running)
        Panel(R.string.signal) { SignalPlot(model.signal, running) }
    }
}

@Composable
private fun HeadlineCard(headline: Headline) {
    val (container, content) =
        MaterialTheme.colorScheme.run {
            when (headline.tone) {
                Tone.SURE -> primaryContainer to onPrimaryContainer
                Tone.CALM -> surfaceContainerHigh to onSurface
                Tone.WRONG -> errorContainer to onErrorContainer
            }
        }
    Card(
        colors = CardDefaults.cardColors(container, content),
        shape = MaterialTheme.shapes.extraLarge,
        modifier =
            Modifier.fillMaxWidth().clearAndSetSemantics {
                contentDescription = headline.spoken
                liveRegion = LiveRegionMode.Polite
            },
    ) {
        Row(Modifier.padding(24.dp), Arrangement.spacedBy(20.dp), Alignment.CenterVertically) {
            Box(Modifier.size(72.dp).background(content.copy(alpha = 0.1f), CircleShape), Alignment.Center) {
                headline.icon?.let { Icon(painterResource(it), null, Modifier.size(44.dp)) }
                if (headline.busy) CircularProgressIndicator(Modifier.size(72.dp), color = content)
            }
            Column(verticalArrangement = Arrangement.spacedBy(4.dp)) {
                Text(headline.title, style = MaterialTheme.typography.headlineLarge, fontWeight = FontWeight.SemiBold)
                if (headline.detail.isNotEmpty()) {
                    Text(headline.detail, style = MaterialTheme.typography.bodyLarge)
                }
            }
        }
    }
}

/** Something that is odd, told at once. */
@Composable
private fun Odd(text: String) {
    val colors = MaterialTheme.colorScheme.run { CardDefaults.cardColors(tertiaryContainer, onTertiaryContainer) }
    Card(
        colors = colors,
        modifier = Modifier.fillMaxWidth().semantics(true) { liveRegion = LiveRegionMode.Assertive },
    ) {
        Row(Modifier.padding(16.dp), Arrangement.spacedBy(16.dp), Alignment.CenterVertically) {
            Icon(painterResource(R.drawable.ic_warning), null)
            Text(text, style = MaterialTheme.typography.bodyMedium)
        }
    }
}

/** A card with a title. */
@Composable
internal fun Panel(
    title: Int,
    content: @Composable ColumnScope.() -> Unit,
) {
    Card(
        colors = CardDefaults.cardColors(MaterialTheme.colorScheme.surfaceContainerLow),
        modifier = Modifier.fillMaxWidth(),
    ) {
        Column(Modifier.padding(16.dp), Arrangement.spacedBy(8.dp)) {
            Text(
                stringResource(title),
                Modifier.semantics { heading() },
                style = MaterialTheme.typography.titleMedium,
            )
            content()
        }
    }
}

/** The latest activity first. */
@Composable
private fun Timeline(history: List<Span>) {
    Panel(R.string.history) {
        for (span in history.takeLast(SPANS).reversed()) {
            val length = elapsed(span.untilMs - span.sinceMs)
            val spoken = stringResource(R.string.span_description, readable(span.label), clock(span.sinceMs), length)
            Row(
                Modifier.fillMaxWidth().clearAndSetSemantics { contentDescription = spoken },
                Arrangement.spacedBy(12.dp),
                Alignment.CenterVertically,
            ) {
                val round = Modifier.size(36.dp).background(MaterialTheme.colorScheme.secondaryContainer, CircleShape)
                Box(round, Alignment.Center) {
                    val tint = MaterialTheme.colorScheme.onSecondaryContainer
                    Icon(painterResource(icon(span.label)), null, Modifier.size(22.dp), tint)
                }
                Column(Modifier.weight(1f)) {
                    Text(headline(span.label), style = MaterialTheme.typography.bodyLarge)
                    Text(
                        stringResource(R.string.from, clock(span.sinceMs)),
                        color = MaterialTheme.colorScheme.onSurfaceVariant,
                        style = MaterialTheme.typography.bodyMedium,
                    )
                }
                Text(length, style = MaterialTheme.typography.labelLarge)
            }
        }
    }
}

@Composable
private fun Confidences(state: UiState.Running) {
    Panel(R.string.confidences) {
        state.session.contract.labels.forEachIndexed { index, label ->
            val share = state.answer.probabilities[index]
            val percent = (share * FULL).roundToInt()
            val spoken = stringResource(R.string.bar_description, readable(label), percent)
            Column(Modifier.fillMaxWidth().clearAndSetSemantics { contentDescription = spoken }) {
                Row {
                    Text(headline(label), Modifier.weight(1f), style = MaterialTheme.typography.bodyMedium)
                    Text(stringResource(R.string.percent, percent), style = MaterialTheme.typography.labelLarge)
                }
                LinearProgressIndicator({ share }, Modifier.fillMaxWidth().padding(vertical = 4.dp))
            }
        }
    }
}

private const val FULL = 100

/** So many fit the card; the history itself is longer. */
private const val SPANS = 5
