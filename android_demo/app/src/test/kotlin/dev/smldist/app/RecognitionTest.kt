package dev.smldist.app

import android.app.Notification
import android.app.NotificationManager
import android.content.Intent
import android.content.pm.ServiceInfo
import android.view.Surface
import dev.smldist.common.Failure
import dev.smldist.common.Hint
import dev.smldist.common.RecognitionService
import dev.smldist.common.TestDevice
import dev.smldist.common.UiState
import dev.smldist.inference.Classifier
import dev.smldist.sensing.Quantity
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNotNull
import org.junit.Assert.assertNull
import org.junit.Assert.assertTrue
import org.junit.Assume.assumeNotNull
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config
import org.robolectric.shadows.ShadowDisplay
import org.robolectric.shadows.ShadowPowerManager
import java.util.concurrent.CountDownLatch
import java.util.concurrent.TimeUnit

/** The service with the real model of the assets, run by the real TFLite library. */
@RunWith(RobolectricTestRunner::class)
internal class RecognitionTest {
    @Test
    fun `golden windows as sensor events get the reference's answer`() {
        val phone = TestDevice()
        val service = phone.service()
        val running = phone.await<UiState.Running>()
        assertTrue(running.session.selfTest.passed)
        assertTrue(running.waiting)
        assertTrue(phone.listening)
        val expected = checkNotNull(phone.golden.logits)
        for (index in 0 until minOf(3, phone.golden.size)) {
            phone.play(phone.golden.x[index])
            // A gap before each: the answer is of this window alone.
            phone.play(phone.golden.x[index], stepNs = 1_000_000_000L)
            val found = phone.await<UiState.Running>().answer
            assertEquals(argmax(expected[index]), argmax(found.probabilities.toFloatArray()))
        }
        val health = phone.await<UiState.Running>().answer.health
        assertNotNull(health.p50Us)
        service.destroy()
        assertFalse(phone.listening)
        assertFalse((phone.await<UiState.Stopped>()).interrupted)
    }

    @Test
    fun `the service is of type health and can be stopped from its notification`() {
        val phone = TestDevice()
        val service = phone.service()
        assertEquals(ServiceInfo.FOREGROUND_SERVICE_TYPE_HEALTH, service.get().foregroundServiceType)
        val notification: Notification = shadowOf(service.get()).lastForegroundNotification
        assertEquals(1, notification.actions.size)
        phone.await<UiState.Running>()
        assertTrue(phone.app.choices.running)
        val stop = Intent(phone.app, RecognitionService::class.java).setAction(RecognitionService.ACTION_STOP)
        service.get().onStartCommand(stop, 0, 2)
        assertTrue(shadowOf(service.get()).isStoppedBySelf)
        service.destroy()
        assertFalse(phone.app.choices.running)
    }

    @Test
    fun `a phone without a gyroscope is told so`() {
        val phone = TestDevice(listOf(Quantity.ACCELEROMETER))
        val service = phone.service()
        val failed = phone.await<UiState.Failed>()
        assertEquals(Failure.SENSOR_MISSING, failed.failure)
        assertEquals("gyroscope", failed.detail)
        service.destroy()
        assertEquals(failed, phone.await<UiState.Failed>())
    }

    @Test
    fun `a damaged model is refused before it runs`() {
        val phone = TestDevice()
        val whole = phone.app.assetSource
        phone.app.assetSource = { path -> whole(path).also { if (path.endsWith(".tflite")) it[it.size / 2]++ } }
        val service = phone.service()
        val failed = phone.await<UiState.Failed>()
        assertEquals(Failure.MODEL, failed.failure)
        assertTrue(failed.detail, "SHA-256" in failed.detail)
        service.destroy()
    }

    @Test
    fun `a model without its runtime is told apart from a damaged one`() {
        val phone = TestDevice()
        val other = phone.app.pack.models.find { it.target == "executorch" }
        assumeNotNull(other)
        phone.app.choices.model = other!!.path
        val service = phone.service()
        val failed = phone.await<UiState.Failed>()
        assertEquals(Failure.RUNTIME_MISSING, failed.failure)
        assertTrue(failed.detail, other.path in failed.detail)
        service.destroy()
    }

    @Test
    fun `a model that computes other logits shows no prediction`() {
        val phone = TestDevice()
        val whole = phone.app.assetSource
        phone.app.assetSource = { path ->
            if (path == "pack.json") {
                whole(path).decodeToString().replace(Regex(""""max_abs": [^,]+"""), "\"max_abs\": 1e-12").toByteArray()
            } else {
                whole(path)
            }
        }
        val service = phone.service()
        assertEquals(Failure.SELF_TEST, phone.await<UiState.Failed>().failure)
        assertFalse(phone.listening)
        service.destroy()
    }

    @Test
    fun `acceleration in g is noticed`() {
        val phone = TestDevice()
        val service = phone.service()
        phone.await<UiState.Running>()
        repeat(6) { phone.play(phone.golden.x[0], scale = 1 / 9.80665f) }
        assertEquals(Hint.LOOKS_LIKE_G, phone.look())
        service.destroy()
    }

    @Test
    fun `silence and a low rate are noticed`() {
        val phone = TestDevice()
        val service = phone.service()
        phone.await<UiState.Running>()
        assertEquals(Hint.NO_EVENTS, phone.look())
        repeat(2) { phone.play(phone.golden.x[0], stepNs = 40_000_000L) }
        assertEquals(Hint.LOW_RATE, phone.look())
        service.destroy()
    }

    @Test
    fun `denied notifications do not stop the recognition, and are told`() {
        val phone = TestDevice()
        shadowOf(phone.app.getSystemService(NotificationManager::class.java)).setNotificationsEnabled(false)
        val service = phone.service()
        assertEquals(Hint.NOTIFICATIONS_DENIED, phone.await<UiState.Running>().hint)
        service.destroy()
    }

    @Test
    fun `a stop while the model loads leaves no sensor on and nothing that runs`() {
        val phone = TestDevice()
        phone.app.pack
        val (loading, stopped) = List(2) { CountDownLatch(1) }
        val open = phone.app.opener
        var closed = 0
        phone.app.opener = { model ->
            loading.countDown()
            stopped.await()
            val opened = open(model)
            object : Classifier by opened {
                override fun close() {
                    closed++
                    opened.close()
                }
            }
        }
        val service = phone.service()
        assertTrue(loading.await(1, TimeUnit.MINUTES))
        val thread = phone.thread()
        service.destroy()
        phone.await<UiState.Stopped>()
        stopped.countDown()
        thread.join()
        assertFalse(phone.listening)
        phone.await<UiState.Stopped>()
        assertEquals(1, closed)
        val notifications = shadowOf(phone.app.getSystemService(NotificationManager::class.java))
        assertEquals(0, notifications.allNotifications.size)
    }

    @Test
    fun `a runtime that cannot be loaded is told, and does not end the app`() {
        val phone = TestDevice()
        phone.app.opener = { throw UnsatisfiedLinkError("no tensorflowlite_jni") }
        val service = phone.service()
        val failed = phone.await<UiState.Failed>()
        assertEquals(Failure.RUNTIME_MISSING, failed.failure)
        assertTrue(failed.detail, "no tensorflowlite_jni" in failed.detail)
        service.destroy()
    }

    @Test
    fun `a native method that is missing at the first window is told, too`() {
        val phone = TestDevice()
        val open = phone.app.opener
        phone.app.opener = { model ->
            object : Classifier by open(model) {
                override fun classify(
                    window: FloatArray,
                    logits: FloatArray,
                ) = throw UnsatisfiedLinkError("run")
            }
        }
        val service = phone.service()
        assertEquals(Failure.RUNTIME_MISSING, phone.await<UiState.Failed>().failure)
        service.destroy()
    }

    @Test
    fun `a sensor that Android refuses to deliver is told`() {
        val phone = TestDevice()
        phone.refusing = true
        val service = phone.service()
        val failed = phone.await<UiState.Failed>()
        assertEquals(Failure.SENSOR_REFUSED, failed.failure)
        assertEquals("accelerometer, gyroscope", failed.detail)
        assertFalse(phone.listening)
        service.destroy()
    }

    @Test
    fun `silent sensors leave no label on the screen or in the notification`() {
        val phone = TestDevice()
        val service = phone.service()
        phone.await<UiState.Running>()
        repeat(4) { phone.play(phone.golden.x[0]) }
        phone.look()
        assertNotNull(phone.await<UiState.Running>().label)
        assertEquals(Hint.NO_EVENTS, phone.look())
        assertNull(phone.await<UiState.Running>().label)
        assertEquals(phone.app.getString(R.string.uncertain), phone.notification())
        phone.play(phone.golden.x[0], stepNs = 1_000_000_000L)
        repeat(4) { phone.play(phone.golden.x[0]) }
        assertNull(phone.look())
        assertNotNull(phone.await<UiState.Running>().label)
        phone.play(phone.golden.x[0], only = setOf(Quantity.ACCELEROMETER))
        assertEquals(Hint.NO_EVENTS, phone.look())
        assertNull(phone.await<UiState.Running>().label)
        service.destroy()
    }

    @Test
    fun `a label does not outlive windows that cease though events come`() {
        val phone = TestDevice()
        val service = phone.service()
        phone.await<UiState.Running>()
        repeat(4) { phone.play(phone.golden.x[0]) }
        phone.look()
        repeat(30) {
            phone.play(phone.golden.x[0], stepNs = 1_000_000_000L)
            phone.look()
        }
        assertNull(phone.await<UiState.Running>().label)
        service.destroy()
    }

    @Test
    fun `one event stamped an hour ahead does not end the recognition, and is told`() {
        val phone = TestDevice()
        val service = phone.service()
        phone.await<UiState.Running>()
        repeat(2) { phone.play(phone.golden.x[0]) }
        phone.send(floatArrayOf(0f, 0f, 9.81f), aheadNs = 3_600_000_000_000L)
        repeat(4) { phone.play(phone.golden.x[0]) }
        assertEquals(Hint.CLOCK_WENT_BACK, phone.look())
        assertNotNull(phone.await<UiState.Running>().label)
        val before = phone.await<UiState.Running>().answer.health.dropped
        assertTrue(before in 50L..51L)
        service.destroy()
    }

    @Test
    fun `the processor is kept awake for as long as the recognition runs, and no longer`() {
        val phone = TestDevice()
        val service = phone.service()
        phone.await<UiState.Running>()
        val lock = checkNotNull(ShadowPowerManager.getLatestWakeLock())
        val looper = shadowOf(phone.thread().looper)
        repeat(13 * 15) {
            looper.idleFor(4, TimeUnit.MINUTES)
            assertTrue("after ${4 * (it + 1)} minutes", lock.isHeld)
        }
        service.destroy()
        assertFalse(lock.isHeld)
    }

    @Test
    @Config(qualifiers = "w960dp-h600dp-land")
    fun `a tablet that is upright in landscape feeds the model a phone's axes`() {
        val display = checkNotNull(ShadowDisplay.getDefaultDisplay())
        shadowOf(display).setRotation(Surface.ROTATION_0)
        assertEquals(listOf(2f, -1f, 9f), recordedAcceleration(floatArrayOf(1f, 2f, 9f)))
    }

    @Test
    fun `a phone feeds the model its own axes`() {
        assertEquals(listOf(1f, 2f, 9f), recordedAcceleration(floatArrayOf(1f, 2f, 9f)))
    }

    /** The first row that is recorded while the accelerometer delivers [values]. */
    private fun recordedAcceleration(values: FloatArray): List<Float> {
        val phone = TestDevice()
        val service = phone.service()
        phone.await<UiState.Running>()
        phone.demo.recordings.start(phone.contract, "axes")
        val width = phone.contract.channels.size
        val window = FloatArray(phone.contract.length * width) { values[it % width % AXES] }
        repeat(2) { phone.play(window) }
        service.destroy()
        val rows = phone.demo.recordings.files.single().readLines().map { it.split(',') }
        return listOf("acc_x", "acc_y", "acc_z").map { rows[1][rows[0].indexOf(it)].toFloat() }
    }

    private companion object {
        const val AXES = 3
    }

    private fun argmax(row: FloatArray) = row.indices.maxByOrNull { row[it] }
}
