package dev.smldist.app

import android.os.Handler
import android.os.Looper

/** The state that the service writes and the screen shows. Listeners are called on the main thread. */
internal class StateStore {
    private val main = Handler(Looper.getMainLooper())
    private val listeners = ArrayList<(UiState) -> Unit>()

    @Volatile
    var state: UiState = UiState.Loading
        private set

    /** Sets the state; from any thread. */
    fun publish(next: UiState) {
        state = next
        main.post { listeners.toList().forEach { it(state) } }
    }

    /** Main thread only; the listener is told the present state at once. */
    fun observe(listener: (UiState) -> Unit) {
        listeners += listener
        listener(state)
    }

    /** Main thread only. */
    fun forget(listener: (UiState) -> Unit) {
        listeners -= listener
    }
}
