package dev.smldist.common

import dev.smldist.sensing.Quantity
import dev.smldist.sensing.SensorWindow

/** Is told what the service does: [onBegin] and [onEnd] on the main thread, all else on the session's. */
interface Follower {
    /** A recognition begins. */
    fun onBegin() = Unit

    /** A sensor event came in; [values] are reused. */
    fun onEvent(
        quantity: Quantity,
        values: FloatArray,
    ) = Unit

    /** A window is complete; its values are reused. */
    fun onWindow(window: SensorWindow) = Unit

    /** What is to be shown of an answer: [running], or more of it. */
    fun onAnswer(running: UiState.Running): UiState.Running = running

    /** Nothing more comes. */
    fun onEnd() = Unit
}
