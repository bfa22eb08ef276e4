package dev.smldist.app

import android.os.SystemClock
import android.util.Log
import dev.smldist.common.Follower
import dev.smldist.common.Hint
import dev.smldist.common.RecognitionApp
import dev.smldist.common.UiState
import dev.smldist.sensing.Quantity
import dev.smldist.sensing.SensorWindow
import java.io.IOException

/** What the phone keeps beside the state: the last minutes, the signal and recordings. */
internal class DemoApp : RecognitionApp() {
    val history = History()
    val signal = SignalBuffer()
    val recordings by lazy { Recordings(filesDir) }
    override val follower: Follower = Keeper()

    private inner class Keeper : Follower {
        private var recordingEnded = false

        override fun onBegin() {
            signal.clear()
            history.clear()
            recordingEnded = false
        }

        override fun onEvent(
            quantity: Quantity,
            values: FloatArray,
        ) {
            if (quantity == Quantity.ACCELEROMETER) signal.add(values)
        }

        override fun onWindow(window: SensorWindow) {
            if (!recordings.active) return
            recordingEnded = false
            try {
                recordings.add(window)
            } catch (error: IOException) {
                recordingEnded = true
                Log.e("DemoApp", "the recording ended", error)
                onEnd()
            }
        }

        override fun onAnswer(running: UiState.Running): UiState.Running {
            running.label?.let { history.add(it, running.answer.sinceMs, SystemClock.elapsedRealtime()) }
            val hint = if (recordingEnded && running.hint in MILD) Hint.RECORDING_ENDED else running.hint
            return running.copy(hint = hint, recordedS = recordings.seconds)
        }

        /** Whatever the storage did not take is lost; what it took has a name. */
        override fun onEnd() {
            try {
                recordings.stop()
            } catch (error: IOException) {
                Log.e("DemoApp", "the recording is not whole", error)
            }
        }
    }

    private companion object {
        /** What is less odd than a recording that ended. */
        val MILD = setOf(null, Hint.NOTIFICATIONS_DENIED, Hint.SLOW_KERNELS)
    }
}
