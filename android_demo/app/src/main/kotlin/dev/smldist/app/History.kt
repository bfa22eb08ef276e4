package dev.smldist.app

import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.flow.update

/** One activity without interruption, on the clock of `SystemClock.elapsedRealtime`. */
internal data class Span(
    val label: String,
    val sinceMs: Long,
    val untilMs: Long,
)

/** The activities of the last minutes, oldest first. Times at which none was certain are gaps. */
internal class History {
    private val kept = MutableStateFlow<List<Span>>(emptyList())
    val spans: StateFlow<List<Span>> = kept.asStateFlow()

    /** Notes that [label] is the activity since [sinceMs] and still is at [nowMs]. */
    fun add(
        label: String,
        sinceMs: Long,
        nowMs: Long,
    ) = kept.update { before ->
        val begun = before.filterNot { it.sinceMs == sinceMs && it.label == label }
        begun.filter { it.untilMs > nowMs - KEPT_MS } + Span(label, sinceMs, maxOf(sinceMs, nowMs))
    }

    fun clear() {
        kept.value = emptyList()
    }

    companion object {
        const val KEPT_MS: Long = 600_000L
    }
}
