package dev.smldist.common

import android.os.SystemClock
import android.text.format.DateFormat
import android.text.format.DateUtils
import androidx.compose.runtime.Composable
import androidx.compose.ui.platform.LocalContext
import androidx.compose.ui.res.stringResource
import java.util.Date

/** How a headline is to look. */
enum class Tone {
    /** An activity. */
    SURE,

    /** None, as it should be. */
    CALM,

    /** None, and something has to be done. */
    WRONG,
}

/** What a screen says in large type. [spoken] is what TalkBack reads; [busy]: it takes a moment. */
data class Headline(
    val tone: Tone,
    val icon: Int?,
    val title: String,
    val detail: String,
    val busy: Boolean = false,
    val spoken: String = "$title. $detail",
)

/** What a screen says of [state]. */
@Composable
fun headline(state: UiState): Headline =
    when (state) {
        UiState.Loading -> {
            Headline(Tone.CALM, null, stringResource(R.string.loading), "", busy = true)
        }

        is UiState.Stopped -> {
            val hint = stringResource(R.string.stopped_hint, state.contract.placement())
            Headline(Tone.CALM, R.drawable.ic_paused, stringResource(R.string.stopped), hint)
        }

        is UiState.Failed -> {
            val detail = stringResource(state.failure.text, state.detail)
            Headline(Tone.WRONG, R.drawable.ic_warning, stringResource(R.string.failed), detail)
        }

        is UiState.Running -> {
            running(state)
        }
    }

/** What is odd about [state], to be told at once; null if nothing is. */
@Composable
fun oddity(state: UiState): String? {
    val text =
        when (state) {
            is UiState.Stopped -> if (state.interrupted) R.string.interrupted else null
            is UiState.Running -> state.hint?.text
            else -> null
        }
    return text?.let { stringResource(it) }
}

@Composable
private fun running(state: UiState.Running): Headline {
    val label = state.label
    if (label == null) {
        val unknown = stringResource(if (state.waiting) R.string.waiting else R.string.uncertain)
        val why = stringResource(if (state.waiting) R.string.waiting_hint else R.string.uncertain_hint)
        return Headline(Tone.CALM, R.drawable.ic_unknown, unknown, why, busy = state.waiting)
    }
    val since = clock(state.answer.sinceMs)
    val elapsed = elapsed(SystemClock.elapsedRealtime() - state.answer.sinceMs)
    val detail = stringResource(R.string.since, since, elapsed)
    val spoken = stringResource(R.string.activity_description, readable(label), since)
    return Headline(Tone.SURE, icon(label), headline(label), detail, spoken = spoken)
}

/** Wall-clock time of a moment on the clock of `elapsedRealtime`, in the user's own notation. */
@Composable
fun clock(momentMs: Long): String {
    val wallMs = System.currentTimeMillis() - SystemClock.elapsedRealtime() + momentMs
    return DateFormat.getTimeFormat(LocalContext.current).format(Date(wallMs))
}

/** Hours, minutes and seconds of a length. */
fun elapsed(lengthMs: Long): String = DateUtils.formatElapsedTime(maxOf(0, lengthMs) / DateUtils.SECOND_IN_MILLIS)
