package dev.smldist.app

import android.app.Notification
import android.app.NotificationManager
import android.content.Intent
import android.content.pm.ServiceInfo
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

/** The service with the real model of the assets, run by the real TFLite library. */
@RunWith(RobolectricTestRunner::class)
internal class RecognitionTest {
    @Test
    fun `golden windows as sensor events get the reference's answer`() {
        val phone = TestPhone()
        val service = phone.service()
        val running = phone.await<UiState.Running>()
        assertTrue(running.session.selfTest.passed)
        assertNull(running.recognition)
        assertTrue(phone.listening(service.get()))
        val expected = checkNotNull(phone.golden.logits)
        for (index in 0 until minOf(3, phone.golden.size)) {
            phone.play(phone.golden.x[index])
            // A gap before each: the answer is of this window alone.
            phone.play(phone.golden.x[index], stepNs = 1_000_000_000L)
            val found = checkNotNull(phone.await<UiState.Running>().recognition)
            assertEquals(argmax(expected[index]), argmax(found.probabilities.toFloatArray()))
        }
        val health = phone.await<UiState.Running>().health
        assertNotNull(health.p50Us)
        service.destroy()
        assertFalse(phone.listening(service.get()))
        assertFalse((phone.await<UiState.Stopped>()).interrupted)
    }

    @Test
    fun `the service is of type health and can be stopped from its notification`() {
        val phone = TestPhone()
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
        val phone = TestPhone(listOf(Quantity.ACCELEROMETER))
        val service = phone.service()
        val failed = phone.await<UiState.Failed>()
        assertEquals(Reason.SENSOR_MISSING, failed.reason)
        assertEquals("gyroscope", failed.detail)
        service.destroy()
        assertEquals(failed, phone.await<UiState.Failed>())
    }

    @Test
    fun `a damaged model is refused before it runs`() {
        val phone = TestPhone()
        val whole = phone.app.assetSource
        phone.app.assetSource = { path -> whole(path).also { if (path.endsWith(".tflite")) it[it.size / 2]++ } }
        val service = phone.service()
        val failed = phone.await<UiState.Failed>()
        assertEquals(Reason.ASSETS, failed.reason)
        assertTrue(failed.detail, "SHA-256" in failed.detail)
        service.destroy()
    }

    @Test
    fun `a model without its runtime is told apart from a damaged one`() {
        val phone = TestPhone()
        val other = phone.app.pack.models.find { it.target == "executorch" }
        assumeNotNull(other)
        phone.app.choices.model = other!!.path
        val service = phone.service()
        val failed = phone.await<UiState.Failed>()
        assertEquals(Reason.RUNTIME_MISSING, failed.reason)
        assertTrue(failed.detail, other.path in failed.detail)
        service.destroy()
    }

    @Test
    fun `a model that computes other logits shows no prediction`() {
        val phone = TestPhone()
        val whole = phone.app.assetSource
        phone.app.assetSource = { path ->
            if (path == "pack.json") {
                whole(path).decodeToString().replace(Regex(""""max_abs": [^,]+"""), "\"max_abs\": 1e-12").toByteArray()
            } else {
                whole(path)
            }
        }
        val service = phone.service()
        assertEquals(Reason.SELF_TEST, phone.await<UiState.Failed>().reason)
        assertFalse(phone.listening(service.get()))
        service.destroy()
    }

    @Test
    fun `acceleration in g is noticed`() {
        val phone = TestPhone()
        val service = phone.service()
        phone.await<UiState.Running>()
        repeat(6) { phone.play(phone.golden.x[0], scale = 1 / 9.80665f) }
        assertEquals(Notice.LOOKS_LIKE_G, service.get().lookAround())
        service.destroy()
    }

    @Test
    fun `silence and a low rate are noticed`() {
        val phone = TestPhone()
        val service = phone.service()
        phone.await<UiState.Running>()
        assertEquals(Notice.NO_EVENTS, service.get().lookAround())
        repeat(2) { phone.play(phone.golden.x[0], stepNs = 40_000_000L) }
        assertEquals(Notice.LOW_RATE, service.get().lookAround())
        service.destroy()
    }

    @Test
    fun `denied notifications do not stop the recognition, and are told`() {
        val phone = TestPhone()
        shadowOf(phone.app.getSystemService(NotificationManager::class.java)).setNotificationsEnabled(false)
        val service = phone.service()
        assertEquals(Notice.NOTIFICATIONS_DENIED, phone.await<UiState.Running>().notice)
        service.destroy()
    }

    private fun argmax(row: FloatArray) = row.indices.maxByOrNull { row[it] }
}
