package dev.smldist.common

import android.app.Activity
import android.app.Notification
import android.app.NotificationManager
import android.content.Intent
import android.graphics.Bitmap
import android.graphics.Canvas
import android.hardware.Sensor
import android.hardware.SensorManager
import android.os.HandlerThread
import android.os.Looper
import dev.smldist.inference.GoldenWindows
import dev.smldist.sensing.Quantity
import dev.smldist.sensing.eventValues
import org.robolectric.Robolectric
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import org.robolectric.android.controller.ServiceController
import org.robolectric.shadows.SensorBuilder
import org.robolectric.shadows.SensorEventBuilder
import java.io.File
import java.io.FileOutputStream
import java.util.concurrent.TimeUnit

/** A phone or watch with the sensors of the contract, and the app on it. */
class TestDevice(
    sensors: List<Quantity> = listOf(Quantity.ACCELEROMETER, Quantity.GYROSCOPE),
) {
    val app = RuntimeEnvironment.getApplication() as RecognitionApp
    private val manager = app.getSystemService(SensorManager::class.java)
    private val present: Map<Quantity, Sensor> =
        sensors.associateWith { quantity ->
            SensorBuilder.newBuilder().setType(quantity.androidType).build().also { shadowOf(manager).addSensor(it) }
        }
    val contract get() = app.pack.manifest.contract
    val golden by lazy { GoldenWindows.read(app.pack.file("selftest.npz")) }
    private var clockNs = 1_000_000_000L

    fun service(): ServiceController<RecognitionService> =
        Robolectric
            .buildService(RecognitionService::class.java, Intent(app, RecognitionService::class.java))
            .create()
            .startCommand(0, 1)

    /** Whether Android refuses to deliver sensors. */
    var refusing: Boolean = false
        set(value) {
            field = value
            shadowOf(manager).setForceListenersToFail(value)
        }

    /** The text of the one notification that stands. */
    fun notification(): String {
        val shown = shadowOf(app.getSystemService(NotificationManager::class.java)).allNotifications.single()
        return shown.extras.getString(Notification.EXTRA_TEXT).orEmpty()
    }

    /** The thread of the service that was started last. */
    fun thread(): HandlerThread {
        val threads = Thread.getAllStackTraces().keys.filterIsInstance<HandlerThread>()
        return threads.filter { it.name == "recognition" }.maxBy { it.id }
    }

    val listening: Boolean get() = shadowOf(manager).listeners.isNotEmpty()

    /** Lets the session look at what came in, as it does once a second, and tells what it finds odd. */
    fun look(): Hint? {
        shadowOf(thread().looper).idleFor(1, TimeUnit.SECONDS)
        return await<UiState.Running>().hint
    }

    /** Waits for a state, as a user would. */
    inline fun <reified T : UiState> await(): T {
        val until = System.nanoTime() + PATIENCE_NS
        while (System.nanoTime() < until) {
            shadowOf(Looper.getMainLooper()).idle()
            (app.state.value as? T)?.let { return it }
            Thread.sleep(20)
        }
        throw AssertionError("state is ${app.state.value}, expected ${T::class.java.simpleName}")
    }

    /** Plays a window `[T, C]` as the events of a device that delivers exactly the contract's rate. */
    fun play(
        window: FloatArray,
        stepNs: Long = Math.round(1e9 / contract.rateHz),
        scale: Float = 1f,
        only: Set<Quantity> = present.keys,
    ) {
        for (row in 0 until contract.length) {
            for ((quantity, sensor) in present.filterKeys { it in only }) {
                val values = contract.eventValues(quantity, window, row)
                send(sensor, FloatArray(values.size) { scale * values[it] })
            }
            clockNs += stepNs
        }
    }

    /** One event of the accelerometer, stamped [aheadNs] after the time of the device. */
    fun send(
        values: FloatArray,
        aheadNs: Long,
    ) = send(present.getValue(Quantity.ACCELEROMETER), values, clockNs + aheadNs)

    private fun send(
        sensor: Sensor,
        values: FloatArray,
        timeNs: Long = clockNs,
    ) {
        val event = SensorEventBuilder.newBuilder(sensor, values).setTimestamp(timeNs).build()
        shadowOf(manager).sendSensorEventToListeners(event)
    }

    companion object {
        const val PATIENCE_NS = 120_000_000_000L

        /** For what a person or Python looks at afterwards. */
        val outputs = File(checkNotNull(System.getProperty("smldist.outputs")))

        /** What the user sees. */
        fun picture(activity: Activity): Bitmap {
            val view = activity.window.decorView
            val bitmap = Bitmap.createBitmap(view.width, view.height, Bitmap.Config.ARGB_8888)
            view.draw(Canvas(bitmap))
            return bitmap
        }

        /** Writes a picture into a PNG. */
        fun screenshot(
            bitmap: Bitmap,
            name: String,
        ): File {
            val file = File(outputs, "screenshots/$name.png")
            file.parentFile!!.mkdirs()
            FileOutputStream(file).use { bitmap.compress(Bitmap.CompressFormat.PNG, 100, it) }
            return file
        }
    }
}
