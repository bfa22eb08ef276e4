package dev.smldist.common

import android.content.Intent
import android.os.PowerManager
import android.os.SystemClock
import androidx.lifecycle.LifecycleService
import dev.smldist.inference.SelfTestResult
import dev.smldist.recognizer.Answer
import dev.smldist.recognizer.OpenedModel
import dev.smldist.recognizer.RecognitionSession
import dev.smldist.recognizer.RecognizerException
import dev.smldist.recognizer.SessionObserver
import dev.smldist.recognizer.deviceAxes
import dev.smldist.sensing.Quantity
import dev.smldist.sensing.SensorWindow

/**
 * Recognises while the screen is off, too.
 *
 * It shows what its [RecognitionSession] tells, which is nothing once the service is destroyed, however far loading was.
 */
class RecognitionService : LifecycleService() {
    private val app get() = application as RecognitionApp
    private val notifications by lazy { Notifications(this) }
    private val wakeLock by lazy {
        getSystemService(PowerManager::class.java)
            .newWakeLock(PowerManager.PARTIAL_WAKE_LOCK, "smldist:recognition")
            .apply { setReferenceCounted(false) }
    }
    private var recognition: RecognitionSession? = null

    override fun onStartCommand(
        intent: Intent?,
        flags: Int,
        startId: Int,
    ): Int {
        super.onStartCommand(intent, flags, startId)
        when {
            intent?.action == ACTION_STOP -> stopSelf()
            recognition == null -> begin()
        }
        // Android 12 and later forbid a restart from the background; the screen tells the user instead.
        return START_NOT_STICKY
    }

    override fun onDestroy() {
        recognition?.close()
        if (wakeLock.isHeld) wakeLock.release()
        app.follower.onEnd()
        app.choices.running = false
        if (app.state.value !is UiState.Failed) app.showStopped(interrupted = false)
        super.onDestroy()
    }

    private fun begin() {
        try {
            notifications.startForeground(this)
        } catch (error: IllegalStateException) {
            return fail(Failure.SERVICE, error.message.orEmpty())
        } catch (error: SecurityException) {
            return fail(Failure.SERVICE, error.message.orEmpty())
        }
        app.choices.running = true
        app.follower.onBegin()
        app.state.value = UiState.Loading
        wakeLock.acquire(AWAKE_MS)
        val observer = Observer()
        recognition = RecognitionSession(this, observer::open, deviceAxes(this), 0, observer)
    }

    private fun fail(
        failure: Failure,
        detail: String,
    ) {
        app.state.value = UiState.Failed(failure, detail)
        stopSelf()
    }

    /** Shows what a session tells; on the session's thread. */
    private inner class Observer : SessionObserver {
        private var opened: OpenedModel? = null
        private var session: Session? = null
        private var shown: Int? = null
        private var awakeSinceMs = SystemClock.elapsedRealtime()

        fun open(): OpenedModel = app.openChosen().also { opened = it }

        override fun onReady(result: SelfTestResult) {
            val (contract, classifier) = checkNotNull(opened).let { it.contract to it.classifier }
            session = Session(contract, classifier.model, classifier.runtime, result)
        }

        override fun onEvent(
            quantity: Quantity,
            values: FloatArray,
        ) = app.follower.onEvent(quantity, values)

        override fun onWindow(window: SensorWindow) = app.follower.onWindow(window)

        override fun onAnswer(answer: Answer) {
            stayAwake()
            val current = session ?: return
            if (answer.index != shown) notifications.show(answer.index?.let(current.contract.labels::get))
            shown = answer.index
            val told = Hint.of(answer.notice)
            val denied = Hint.NOTIFICATIONS_DENIED.takeUnless { notifications.allowed }
            val hint = if (told == Hint.SLOW_KERNELS) denied ?: told else told ?: denied
            app.state.value = app.follower.onAnswer(UiState.Running(current, answer, hint))
        }

        override fun onFailure(error: RecognizerException) = fail(Failure.of(error.reason), error.message.orEmpty())

        /** A lock with an end, renewed well before it: a session that hangs does not keep the processor awake. */
        private fun stayAwake() {
            val nowMs = SystemClock.elapsedRealtime()
            if (nowMs - awakeSinceMs < AWAKE_MS / 2) return
            awakeSinceMs = nowMs
            wakeLock.acquire(AWAKE_MS)
        }
    }

    companion object {
        /** An intent with this action ends the service. */
        const val ACTION_STOP: String = "dev.smldist.common.STOP"
        private const val AWAKE_MS = 600_000L
    }
}
