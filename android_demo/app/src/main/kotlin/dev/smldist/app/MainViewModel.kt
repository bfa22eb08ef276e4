package dev.smldist.app

import androidx.lifecycle.ViewModel
import dev.smldist.common.UiState
import dev.smldist.sensing.ModelFile
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.flow.receiveAsFlow
import java.io.IOException
import java.text.SimpleDateFormat
import java.util.Date
import java.util.Locale

/** What the screen shows beside the state that the service writes, and what its buttons do. */
internal class MainViewModel(
    private val app: DemoApp,
) : ViewModel() {
    private val listed = MutableStateFlow<List<Recording>>(emptyList())
    private val chosen = MutableStateFlow(app.choices.model)
    private val labelled = MutableStateFlow(app.recordings.label)
    private val named = MutableStateFlow(app.recordings.subject)
    private val said = Channel<String>(Channel.BUFFERED)

    val state: StateFlow<UiState> = app.state.asStateFlow()
    val history: StateFlow<List<Span>> = app.history.spans
    val recordings: StateFlow<List<Recording>> = listed.asStateFlow()

    /** Path of the chosen model; null is the first. */
    val model: StateFlow<String?> = chosen.asStateFlow()
    val label: StateFlow<String> = labelled.asStateFlow()
    val subject: StateFlow<String> = named.asStateFlow()

    /** What went wrong, for a moment on the screen. */
    val messages: Flow<String> = said.receiveAsFlow()
    val signal: SignalBuffer get() = app.signal

    /** Those of the build; none before it was read. */
    val models: List<ModelFile> get() = app.readyPack?.models.orEmpty()

    /** What the user may be doing; none before the build was read. */
    val labels: List<String>
        get() =
            app.readyPack
                ?.manifest
                ?.contract
                ?.labels
                .orEmpty()

    init {
        app.begin()
        list()
    }

    fun choose(model: ModelFile) {
        app.choices.model = model.path
        chosen.value = model.path
    }

    fun label(label: String) {
        app.recordings.label = label
        labelled.value = label
    }

    fun name(subject: String) {
        app.recordings.subject = subject
        named.value = subject
    }

    fun toggleRecording() {
        val running = app.state.value as? UiState.Running ?: return
        telling {
            if (app.recordings.active) {
                app.recordings.stop()
            } else {
                app.recordings.start(running.session.contract, NAMES.format(Date()))
            }
        }
        app.state.value = running.copy(recordedS = app.recordings.seconds)
        list()
    }

    fun delete(recording: Recording) {
        telling { app.recordings.delete(recording.file) }
        list()
    }

    /** Reads the recordings anew, off the main thread. */
    fun list() {
        app.worker.execute { telling { listed.value = app.recordings.list() } }
    }

    private fun telling(act: () -> Unit) {
        try {
            act()
        } catch (error: IOException) {
            said.trySend(error.message.orEmpty())
        }
    }

    private companion object {
        /** Names a recording; the main thread's own. */
        val NAMES = SimpleDateFormat("yyyyMMdd-HHmmss", Locale.ROOT)
    }
}
