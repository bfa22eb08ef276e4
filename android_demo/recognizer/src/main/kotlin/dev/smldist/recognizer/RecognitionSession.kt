package dev.smldist.recognizer

import android.content.Context
import android.hardware.Sensor
import android.hardware.SensorEvent
import android.hardware.SensorEventListener
import android.hardware.SensorManager
import android.os.Handler
import android.os.HandlerThread
import android.os.SystemClock
import dev.smldist.inference.Classifier
import dev.smldist.inference.Kernels
import dev.smldist.inference.ModelException
import dev.smldist.inference.RuntimeMissingException
import dev.smldist.inference.SelfTest
import dev.smldist.inference.SelfTestResult
import dev.smldist.sensing.AxisMap
import dev.smldist.sensing.ContractException
import dev.smldist.sensing.Quantity
import dev.smldist.sensing.SensorContract
import dev.smldist.sensing.SensorWindow
import dev.smldist.sensing.StableLabel

/** A model that was opened, and what it must compute on this device. */
public class OpenedModel(
    public val contract: SensorContract,
    public val classifier: Classifier,
    public val selfTest: SelfTest,
)

/**
 * What is measured while a session runs.
 *
 * @property rateHz of the slowest sensor; null before two events
 * @property p50Us microseconds of an inference; null before the first
 */
public data class Health(
    val rateHz: Double?,
    val received: Long,
    val dropped: Long,
    val p50Us: Double?,
    val p95Us: Double?,
)

/**
 * The answer of a session.
 *
 * @property index among the contract's labels; null while it is unknown
 * @property sinceMs since when, on the clock of `SystemClock.elapsedRealtime`
 * @property probabilities smoothed; zeros before the first window, and again once windows cease
 * @property health what was measured up to now
 */
public data class Answer(
    val index: Int?,
    val sinceMs: Long,
    val probabilities: List<Float>,
    val notice: Notice?,
    val health: Health,
)

/** Is told what a session does, on its thread; nothing once the session is closed. */
public interface SessionObserver {
    /** The model passed its self-test and sensors are registered. */
    public fun onReady(result: SelfTestResult) {}

    /** An event of a sensor, before it is used. The array is Android's: copy what outlives the call. */
    public fun onEvent(
        quantity: Quantity,
        values: FloatArray,
    ) {
    }

    /** A window that was answered. It is reused: copy what outlives the call. */
    public fun onWindow(window: SensorWindow) {}

    /** After each window, and once a second. */
    public fun onAnswer(answer: Answer) {}

    /** Nothing more will come. */
    public fun onFailure(error: RecognizerException)
}

/**
 * One recognition, from loading the model to closing it; [ActivityRecognizer] is made of it.
 *
 * Everything that touches the model happens on one thread. [close] may be called on any thread and at any time, while the
 * model loads, too: once it returns no sensor is registered and the observer is told nothing more.
 *
 * @param open reads and checks the model, on the session's thread
 * @param axes which axes of the sensors are the model's
 * @param batchMs how long Android may hold events back
 * @param xnnpackOnly refuses an 8-bit model that runs without XNNPACK's kernels; else [Notice.SLOW_KERNELS] tells it
 */
public class RecognitionSession(
    context: Context,
    private val open: () -> OpenedModel,
    private val axes: AxisMap,
    private val batchMs: Int,
    private val observer: SessionObserver,
    private val xnnpackOnly: Boolean = false,
) : AutoCloseable {
    private val sensors = context.getSystemService(SensorManager::class.java)
    private val thread = HandlerThread("recognition").apply { start() }
    private val handler = Handler(thread.looper)
    private val listener = Listener()

    /** Held wherever sensors are registered or the observer is told something. */
    private val lock = Any()

    @Volatile
    private var ended = false

    // The session thread's own.
    private var answers: WindowAnswers? = null
    private var classifier: Classifier? = null
    private var answer: Answer? = null
    private val tick = Runnable { onTick() }

    init {
        handler.post { failing { load() } }
    }

    override fun close() {
        synchronized(lock) {
            if (ended) return
            ended = true
            sensors.unregisterListener(listener)
        }
        handler.removeCallbacks(tick)
        handler.post { classifier?.close() }
        thread.quitSafely()
    }

    private inline fun unlessEnded(act: () -> Unit) = synchronized(lock) { if (!ended) act() }

    private fun load() {
        if (ended) return
        val opened = open()
        val contract = opened.contract
        classifier = opened.classifier
        contract.requirePhone()
        val present = contract.quantities.associateWith { sensors.getDefaultSensor(it.androidType) }
        val missing = present.filterValues { it == null }.keys
        if (missing.isNotEmpty()) throw refusal(Reason.SENSOR_MISSING, missing)
        val result = opened.selfTest.run(opened.classifier)
        if (!result.passed) throw RecognizerException(Reason.SELF_TEST, told(opened.classifier, result))
        val slow = result.kernels == Kernels.BUILT_IN
        if (slow && xnnpackOnly) throw RecognizerException(Reason.SELF_TEST, slow(opened.classifier))
        val standing = Notice.SLOW_KERNELS.takeIf { slow }
        unlessEnded {
            answers = WindowAnswers(contract, opened.classifier, axes, batchMs / MILLISECONDS, standing, ::onWindow)
            register(contract, present.values.filterNotNull())
            observer.onReady(result)
            tell(standing)
            handler.postDelayed(tick, TICK_MS)
        }
    }

    private fun register(
        contract: SensorContract,
        found: List<Sensor>,
    ) {
        val periodUs = (MICROSECONDS / contract.rateHz).toInt()
        val latencyUs = batchMs * MICROSECONDS_PER_MS
        val refused = found.filterNot { sensors.registerListener(listener, it, periodUs, latencyUs, handler) }
        if (refused.isEmpty()) return
        sensors.unregisterListener(listener)
        throw refusal(Reason.SENSOR_REFUSED, refused.mapNotNull { Quantity.ofAndroidType(it.type) })
    }

    private fun onWindow(window: SensorWindow) {
        unlessEnded { observer.onWindow(window) }
        tell(answer?.notice, window.endNs / NANOSECONDS_PER_MS)
    }

    private fun onTick() {
        val running = answers ?: return
        tell(running.look())
        handler.postDelayed(tick, TICK_MS)
    }

    /** Tells the observer the present answer; what was the answer before keeps its begin. */
    private fun tell(
        notice: Notice?,
        nowMs: Long = SystemClock.elapsedRealtime(),
    ) {
        val running = answers ?: return
        val index = running.index.takeIf { it != StableLabel.NONE }
        val before = answer
        val sinceMs = if (before != null && before.index == index) before.sinceMs else nowMs
        answer =
            Answer(
                index,
                sinceMs,
                running.probabilities.toList(),
                notice,
                running.health(),
            ).also { unlessEnded { observer.onAnswer(it) } }
    }

    /** Runs [act]; an error ends the session, and the observer is told why. */
    private inline fun failing(act: () -> Unit) {
        try {
            act()
        } catch (error: RecognizerException) {
            fail(error)
        } catch (error: RuntimeMissingException) {
            fail(RecognizerException(Reason.RUNTIME_MISSING, error.message.orEmpty(), error))
        } catch (error: ModelException) {
            fail(RecognizerException(Reason.MODEL, error.message.orEmpty(), error))
        } catch (error: ContractException) {
            fail(RecognizerException(Reason.CONTRACT, error.message.orEmpty(), error))
        } catch (error: LinkageError) {
            val message = "the runtime cannot be loaded on this device (${error.message}): check the app's dependencies"
            fail(RecognizerException(Reason.RUNTIME_MISSING, message, error))
        }
    }

    private fun fail(error: RecognizerException) {
        unlessEnded { observer.onFailure(error) }
        close()
    }

    private fun refusal(
        reason: Reason,
        quantities: Collection<Quantity>,
    ) = RecognizerException(reason, quantities.joinToString { it.key })

    private fun told(
        classifier: Classifier,
        result: SelfTestResult,
    ) = "${classifier.model.path} in ${classifier.runtime} errs by ${result.maxAbs} on known windows, " +
        "${result.allowed} is allowed: take another precision or update the runtime"

    private fun slow(classifier: Classifier) =
        "${classifier.model.path} in ${classifier.runtime} runs on its own kernels, XNNPACK's are demanded: " +
            "switch XNNPACK on in its options, or take the fp32 model"

    private inner class Listener : SensorEventListener {
        override fun onSensorChanged(event: SensorEvent) {
            if (ended) return
            val quantity = Quantity.ofAndroidType(event.sensor.type) ?: return
            observer.onEvent(quantity, event.values)
            failing { answers?.add(quantity, event.timestamp, event.values) }
        }

        override fun onAccuracyChanged(
            sensor: Sensor?,
            accuracy: Int,
        ) = Unit
    }

    private companion object {
        const val TICK_MS = 1000L
        const val MILLISECONDS = 1e3
        const val MICROSECONDS = 1e6
        const val MICROSECONDS_PER_MS = 1000
        const val NANOSECONDS_PER_MS = 1_000_000L
    }
}
