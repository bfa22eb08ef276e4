package dev.smldist.app

import android.app.Service
import android.content.Intent
import android.hardware.Sensor
import android.hardware.SensorEvent
import android.hardware.SensorEventListener
import android.hardware.SensorManager
import android.os.Handler
import android.os.HandlerThread
import android.os.IBinder
import android.os.PowerManager
import android.util.Log
import dev.smldist.inference.Classifier
import dev.smldist.inference.ModelException
import dev.smldist.inference.RuntimeMissingException
import dev.smldist.sensing.ContractException
import dev.smldist.sensing.Quantity
import dev.smldist.sensing.SensorContract
import dev.smldist.sensing.SensorWindow
import java.io.IOException

/**
 * Recognises while the screen is off, too.
 *
 * Everything that touches the model happens on one thread, from loading to closing. It writes [UiState.Running] once a
 * second and after each window, and [UiState.Failed] when it has to give up. Once it is destroyed it shows nothing more and
 * registers no sensor, however far loading was.
 */
internal class RecognitionService :
    Service(),
    SensorEventListener {
    private val app get() = application as DemoApp
    private val sensors by lazy { getSystemService(SensorManager::class.java) }
    private val notifications by lazy { Notifications(this) }
    private var thread: HandlerThread? = null
    private var wakeLock: PowerManager.WakeLock? = null

    /** Held wherever sensors are registered or something is shown. */
    private val lock = Any()

    @Volatile
    private var ended = false

    // The sensor thread's own.
    private lateinit var handler: Handler
    private var recognizer: Recognizer? = null
    private var session: Session? = null
    private var recognition: Recognition? = null
    private var notice: Notice? = null
    private var failed = false
    private var recordingEnded = false
    private val tick = Runnable { onTick() }
    private val renewal = Runnable { stayAwake() }

    override fun onBind(intent: Intent?): IBinder? = null

    override fun onStartCommand(
        intent: Intent?,
        flags: Int,
        startId: Int,
    ): Int {
        when {
            intent?.action == ACTION_STOP -> stopSelf()
            thread == null -> begin()
        }
        // Android 12 and later forbid a restart from the background; the screen tells the user instead.
        return START_NOT_STICKY
    }

    override fun onSensorChanged(event: SensorEvent) {
        if (ended) return
        val quantity = Quantity.ofAndroidType(event.sensor.type) ?: return
        if (quantity == Quantity.ACCELEROMETER) app.signal.add(event.values)
        try {
            recognizer?.add(quantity, event.timestamp, event.values)
        } catch (error: ModelException) {
            fail(Reason.ASSETS, error.message.orEmpty())
        } catch (error: ContractException) {
            fail(Reason.CONTRACT, error.message.orEmpty())
        }
    }

    override fun onAccuracyChanged(
        sensor: Sensor?,
        accuracy: Int,
    ) = Unit

    override fun onDestroy() {
        synchronized(lock) {
            ended = true
            sensors.unregisterListener(this)
            wakeLock?.let { if (it.isHeld) it.release() }
        }
        stopRecording()
        app.choices.running = false
        thread?.let { running ->
            handler.removeCallbacks(tick)
            handler.removeCallbacks(renewal)
            handler.post { recognizer?.close() }
            running.quitSafely()
        }
        if (!failed) app.showStopped(interrupted = false)
        super.onDestroy()
    }

    private fun begin() {
        try {
            notifications.startForeground(this)
        } catch (error: IllegalStateException) {
            return fail(Reason.SERVICE, error.message.orEmpty())
        } catch (error: SecurityException) {
            return fail(Reason.SERVICE, error.message.orEmpty())
        }
        app.choices.running = true
        app.signal.clear()
        app.store.publish(UiState.Loading)
        wakeLock =
            getSystemService(PowerManager::class.java)
                .newWakeLock(PowerManager.PARTIAL_WAKE_LOCK, "smldist:recognition")
                .apply { setReferenceCounted(false) }
        val started = HandlerThread("recognition").apply { start() }
        thread = started
        handler = Handler(started.looper)
        stayAwake()
        handler.post(::load)
    }

    /** A lock with an end, renewed well before it: a thread that hangs does not keep the processor awake. */
    private fun stayAwake() {
        unlessEnded {
            wakeLock?.acquire(AWAKE_MS)
            handler.postDelayed(renewal, AWAKE_MS / 2)
        }
    }

    private inline fun unlessEnded(act: () -> Unit) = synchronized(lock) { if (!ended) act() }

    private fun load() {
        try {
            val contract = app.pack.manifest.contract
            contract.requirePhone()
            val present = contract.quantities.associateWith { sensors.getDefaultSensor(it.androidType) }
            val missing = present.filterValues { it == null }.keys
            if (missing.isNotEmpty()) return fail(Reason.SENSOR_MISSING, missing.joinToString { it.key })
            val model = app.chosenModel()
            val classifier = app.open(model)
            val result = linked(model) { app.pack.selfTest(model).run(classifier) }
            if (!result.passed) {
                classifier.close()
                val (found, allowed) = listOf(result.maxAbs, result.allowed).map(::decimal)
                return fail(Reason.SELF_TEST, getString(R.string.self_test_failed, found, allowed))
            }
            session = Session(contract, model, classifier.runtime, result)
            start(contract, classifier, present.values.filterNotNull())
        } catch (error: RuntimeMissingException) {
            fail(Reason.RUNTIME_MISSING, error.message.orEmpty())
        } catch (error: ModelException) {
            fail(Reason.ASSETS, error.message.orEmpty())
        } catch (error: ContractException) {
            fail(Reason.CONTRACT, error.message.orEmpty())
        }
    }

    private fun start(
        contract: SensorContract,
        classifier: Classifier,
        found: List<Sensor>,
    ) {
        synchronized(lock) {
            if (ended) return classifier.close()
            recognizer = Recognizer(contract, classifier, phoneAxes(this), ::record, ::onAnswer)
            notice = oddHere()
            val periodUs = (MICROSECONDS / contract.rateHz).toInt()
            val refused = found.filterNot { sensors.registerListener(this, it, periodUs, handler) }
            if (refused.isNotEmpty()) {
                sensors.unregisterListener(this)
                val names = refused.joinToString { Quantity.ofAndroidType(it.type)?.key ?: it.name }
                return fail(Reason.SENSOR_REFUSED, names)
            }
            publish()
            handler.postDelayed(tick, TICK_MS)
        }
    }

    private fun onAnswer(answer: Recognition) {
        show(answer)
        publish()
    }

    private fun show(answer: Recognition?) {
        if (answer?.label != recognition?.label) unlessEnded { notifications.show(answer?.label) }
        recognition = answer
    }

    private fun record(window: SensorWindow) {
        if (!app.recordings.active) return
        recordingEnded = false
        try {
            app.recordings.add(window)
        } catch (error: IOException) {
            recordingEnded = true
            Log.e("RecognitionService", "the recording ended", error)
            stopRecording()
        }
    }

    /** Whatever the storage did not take is lost; what it took has a name. */
    private fun stopRecording() {
        try {
            app.recordings.stop()
        } catch (error: IOException) {
            Log.e("RecognitionService", "the recording is not whole", error)
        }
    }

    private fun oddHere(): Notice? =
        when {
            recordingEnded -> Notice.RECORDING_ENDED
            !notifications.allowed -> Notice.NOTIFICATIONS_DENIED
            else -> null
        }

    private fun onTick() {
        lookAround()
        handler.postDelayed(tick, TICK_MS)
    }

    /** Notes what is odd since the last look, and shows it. */
    internal fun lookAround(): Notice? {
        val running = recognizer ?: return null
        notice = running.notice(running.health()) ?: oddHere()
        if (running.isStale) show(null)
        publish()
        return notice
    }

    private fun publish() {
        val running = recognizer ?: return
        val current = session ?: return
        if (failed) return
        val shown = UiState.Running(current, running.health(), recognition, notice, app.recordings.active)
        unlessEnded { app.store.publish(shown) }
    }

    private fun fail(
        reason: Reason,
        detail: String,
    ) {
        unlessEnded {
            failed = true
            app.store.publish(UiState.Failed(reason, detail))
            stopSelf()
        }
    }

    companion object {
        /** An intent with this action ends the service. */
        const val ACTION_STOP: String = "dev.smldist.app.STOP"
        private const val TICK_MS = 1000L
        private const val MICROSECONDS = 1e6

        private const val AWAKE_MS = 600_000L
    }
}
