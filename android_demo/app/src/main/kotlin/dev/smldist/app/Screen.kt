package dev.smldist.app

import android.app.Activity
import android.view.View
import android.view.ViewGroup
import android.widget.Button
import android.widget.LinearLayout
import android.widget.ProgressBar
import android.widget.Spinner
import android.widget.TextView

/** Draws a state into the views of `layout/main.xml`. */
internal class Screen(
    private val activity: Activity,
) {
    private val heading: TextView = activity.findViewById(R.id.activity)
    private val message: TextView = activity.findViewById(R.id.message)
    private val notice: TextView = activity.findViewById(R.id.notice)
    private val bars: LinearLayout = activity.findViewById(R.id.bars)
    private val signal: SignalView = activity.findViewById(R.id.signal)
    private val panel: LinearLayout = activity.findViewById(R.id.panel)
    private val toggle: Button = activity.findViewById(R.id.toggle)
    private val record: Button = activity.findViewById(R.id.record)
    private val model: Spinner = activity.findViewById(R.id.model)

    /** Shows [state], whatever was shown before. */
    fun show(state: UiState) {
        val running = state is UiState.Running
        signal.live = running
        toggle.setText(if (running) R.string.stop else R.string.start)
        toggle.isEnabled = state !is UiState.Loading
        record.isEnabled = running
        record.setText(if (state is UiState.Running && state.recording) R.string.stop_recording else R.string.record)
        model.isEnabled = !running
        when (state) {
            UiState.Loading -> plain(R.string.loading, "")
            is UiState.Stopped -> stopped(state)
            is UiState.Running -> running(state)
            is UiState.Failed -> plain(R.string.failed, activity.getString(state.failure.text, state.detail))
        }
    }

    private fun stopped(state: UiState.Stopped) {
        plain(R.string.stopped, activity.getString(R.string.stopped_hint, state.contract.placement()))
        if (state.interrupted) text(notice, activity.getString(R.string.interrupted))
    }

    private fun running(state: UiState.Running) {
        val unknown = if (state.waiting) R.string.waiting else R.string.uncertain
        val shown = state.label?.let(::readable) ?: activity.getString(unknown)
        heading.text = shown
        heading.contentDescription = activity.getString(R.string.activity_description, shown)
        text(message, "")
        text(notice, state.hint?.let { activity.getString(it.text) }.orEmpty())
        fillBars(state.session.contract.labels, state.answer.probabilities)
        fillPanel(panelRows(activity, state))
    }

    private fun plain(
        title: Int,
        detail: String,
    ) {
        heading.setText(title)
        heading.contentDescription = null
        text(message, detail)
        text(notice, "")
        bars.removeAllViews()
        fillPanel(emptyList())
    }

    private fun fillBars(
        labels: List<String>,
        probabilities: List<Float>,
    ) {
        rows(bars, labels.size, R.layout.bar)
        labels.forEachIndexed { index, label ->
            val row = bars.getChildAt(index)
            val percent = Math.round(probabilities[index] * FULL)
            row.findViewById<TextView>(R.id.bar_label).text = readable(label)
            row.findViewById<ProgressBar>(R.id.bar_value).progress = percent
            row.findViewById<TextView>(R.id.bar_percent).text = activity.getString(R.string.percent, percent)
            row.contentDescription = activity.getString(R.string.bar_description, readable(label), percent)
        }
    }

    private fun fillPanel(content: List<Pair<Int, String>>) {
        activity.findViewById<View>(R.id.panel_title).visibility = if (content.isEmpty()) View.GONE else View.VISIBLE
        rows(panel, content.size, R.layout.panel_row)
        content.forEachIndexed { index, (name, value) ->
            panel.getChildAt(index).findViewById<TextView>(R.id.row_name).setText(name)
            panel.getChildAt(index).findViewById<TextView>(R.id.row_value).text = value
        }
    }

    private fun rows(
        into: ViewGroup,
        count: Int,
        layout: Int,
    ) {
        while (into.childCount > count) into.removeViewAt(into.childCount - 1)
        while (into.childCount < count) activity.layoutInflater.inflate(layout, into, true)
    }

    private fun text(
        view: TextView,
        content: String,
    ) {
        view.text = content
        view.visibility = if (content.isEmpty()) View.GONE else View.VISIBLE
    }

    private companion object {
        const val FULL = 100
    }
}
