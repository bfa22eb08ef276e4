package dev.smldist.recognizer

import android.app.Application
import android.hardware.Sensor
import android.hardware.SensorManager
import android.os.HandlerThread
import android.os.Looper
import dev.smldist.inference.GoldenWindows
import dev.smldist.sensing.Quantity
import dev.smldist.sensing.eventValues
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import org.robolectric.shadows.SensorBuilder
import org.robolectric.shadows.SensorEventBuilder
import java.io.File
import java.util.concurrent.LinkedBlockingQueue
import java.util.concurrent.TimeUnit
import java.util.jar.JarFile

/** Any enum: the class of the published model is not known when these tests are compiled. */
internal enum class AnyActivity

/** The published model in target/model. */
@Suppress("UNCHECKED_CAST")
internal val MODEL: RecognitionModel<AnyActivity> =
    JarFile(File("target/model/classes.jar")).use { jar ->
        val path = jar.entries().asSequence().single { it.name.endsWith("Model.class") }.name
        val type = Class.forName(path.removeSuffix(".class").replace('/', '.'))
        type.getField("INSTANCE").get(null) as RecognitionModel<AnyActivity>
    }

/** Place of an activity among the model's. */
internal val Recognition<*>.place: Int? get() = activity?.ordinal

/** A phone with sensors, and what a recogniser on it tells. */
internal class TestDevice(
    sensors: List<Quantity> = listOf(Quantity.ACCELEROMETER, Quantity.GYROSCOPE),
) : RecognitionListener<AnyActivity> {
    val app: Application = RuntimeEnvironment.getApplication()
    private val manager = shadowOf(app.getSystemService(SensorManager::class.java))
    private val present: Map<Quantity, Sensor> =
        sensors.associateWith { quantity ->
            SensorBuilder.newBuilder().setType(quantity.androidType).build().also(manager::addSensor)
        }
    val golden: GoldenWindows by lazy {
        GoldenWindows.read(app.assets.open("smldist/${MODEL.name}/selftest.npz").use { it.readBytes() })
    }
    val told = LinkedBlockingQueue<Recognition<*>>()
    val failures = LinkedBlockingQueue<RecognizerException>()
    private var clockNs = 1_000_000_000L

    val listening: Boolean get() = manager.listeners.isNotEmpty()

    /** Whether Android refuses to deliver sensors. */
    fun refuse() = manager.setForceListenersToFail(true)

    override fun onRecognition(recognition: Recognition<AnyActivity>) {
        told += recognition
    }

    override fun onFailure(error: RecognizerException) {
        failures += error
    }

    /** Starts, calling back at once, and waits until sensors are registered. */
    fun start(options: RecognizerOptions = RecognizerOptions()): AutoCloseable {
        val running = ActivityRecognizer.create(app, MODEL, options).start(this) { it.run() }
        next()
        return running
    }

    /** The next recognition. */
    fun next(): Recognition<*> = checkNotNull(told.poll(1, TimeUnit.MINUTES)) { "nothing was told, but $failures" }

    /** The latest of those told up to now; waits for the first. */
    fun latest(): Recognition<*> {
        var last = next()
        while (true) last = told.poll() ?: return last
    }

    fun failure(): RecognizerException = checkNotNull(failures.poll(1, TimeUnit.MINUTES)) { "no failure was told" }

    /** The thread of the session that was started last. */
    fun thread(): HandlerThread =
        Thread
            .getAllStackTraces()
            .keys
            .filterIsInstance<HandlerThread>()
            .filter { it.name == "recognition" }
            .maxBy { it.id }

    /** Lets the session look at what came in, as it does once a second. */
    fun pass(seconds: Long) = shadowOf(thread().looper).idleFor(seconds, TimeUnit.SECONDS)

    /** Plays a window `[T, C]` as the events of a phone that delivers exactly the contract's rate. */
    fun play(
        window: FloatArray,
        times: Int = 1,
        stepNs: Long = Math.round(1e9 / MODEL.contract.rateHz),
        scale: Float = 1f,
        only: Set<Quantity> = present.keys,
    ) = repeat(times) {
        for (row in 0 until MODEL.contract.length) {
            for ((quantity, sensor) in present.filterKeys { it in only }) {
                val values = MODEL.contract.eventValues(quantity, window, row)
                val scaled = FloatArray(values.size) { scale * values[it] }
                val event = SensorEventBuilder.newBuilder(sensor, scaled).setTimestamp(clockNs).build()
                manager.sendSensorEventToListeners(event)
            }
            clockNs += stepNs
        }
        shadowOf(Looper.getMainLooper()).idle()
    }
}
