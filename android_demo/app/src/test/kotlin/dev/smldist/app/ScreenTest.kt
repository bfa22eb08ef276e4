package dev.smldist.app

import android.app.NotificationManager
import android.content.pm.PackageManager
import android.os.Looper
import android.widget.Button
import android.widget.LinearLayout
import android.widget.Spinner
import android.widget.TextView
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config
import org.robolectric.annotation.GraphicsMode

@RunWith(RobolectricTestRunner::class)
@GraphicsMode(GraphicsMode.Mode.NATIVE)
@Config(qualifiers = "w411dp-h960dp-hdpi")
internal class ScreenTest {
    private val phone = TestPhone()
    private val detail =
        mapOf(
            Failure.SENSOR_MISSING to "gyroscope",
            Failure.SENSOR_REFUSED to "gyroscope",
            Failure.MODEL to "tflite/model_fp32.tflite has SHA-256 0a1b2c, expected 3d4e5f: install the app again",
            Failure.RUNTIME_MISSING to "executorch/model_fp32.pte needs ExecuTorch, which this APK lacks",
            Failure.CONTRACT to "Channel body_acc_x is derived from others.",
            Failure.SELF_TEST to "tflite/model_fp32.tflite errs by 0.31 on known windows, 0.0001 is allowed",
            Failure.SERVICE to "Not allowed from the background.",
        )

    private fun screen() = Robolectric.buildActivity(MainActivity::class.java).setup()

    private fun text(
        activity: MainActivity,
        id: Int,
    ) = activity.findViewById<TextView>(id).text.toString()

    @Test
    fun `it offers the models of the build and starts the service`() {
        val activity = screen().get()
        val stopped = phone.await<UiState.Stopped>()
        shadowOf(Looper.getMainLooper()).idle()
        assertFalse(stopped.interrupted)
        assertEquals(phone.app.pack.models.size, activity.findViewById<Spinner>(R.id.model).adapter.count)
        assertEquals(activity.getString(R.string.stopped), text(activity, R.id.activity))
        activity.findViewById<Button>(R.id.toggle).performClick()
        assertEquals(RecognitionService::class.java.name, shadowOf(phone.app).nextStartedService.component!!.className)
    }

    @Test
    fun `a run that the system ended is told`() {
        phone.app.choices.running = true
        val activity = screen().get()
        assertTrue(phone.await<UiState.Stopped>().interrupted)
        shadowOf(Looper.getMainLooper()).idle()
        assertEquals(activity.getString(R.string.interrupted), text(activity, R.id.notice))
    }

    @Test
    fun `a rotation keeps what is shown, and every bar speaks`() {
        val service = phone.service()
        phone.await<UiState.Running>()
        phone.play(phone.golden.x[0])
        phone.play(phone.golden.x[0])
        val controller = screen()
        phone.await<UiState.Running>()
        val before = text(controller.get(), R.id.activity)
        controller.recreate()
        shadowOf(Looper.getMainLooper()).idle()
        assertEquals(phone.app.pack.models.size, controller.get().findViewById<Spinner>(R.id.model).adapter.count)
        assertEquals(before, text(controller.get(), R.id.activity))
        val bars = controller.get().findViewById<LinearLayout>(R.id.bars)
        assertEquals(phone.contract.labels.size, bars.childCount)
        phone.contract.labels.forEachIndexed { index, label ->
            assertTrue(bars.getChildAt(index).contentDescription.startsWith(readable(label)))
        }
        service.destroy()
    }

    @Test
    fun `no permission is for the network`() {
        val info = phone.app.packageManager.getPackageInfo(phone.app.packageName, PackageManager.GET_PERMISSIONS)
        assertTrue(info.requestedPermissions!!.none { "INTERNET" in it || "NETWORK" in it })
    }

    @Test
    fun `every state can be seen in light and dark`() {
        for (mode in listOf("notnight", "night")) {
            RuntimeEnvironment.setQualifiers("+$mode")
            shoot("$mode-loading", UiState.Loading)
            shoot("$mode-stopped", UiState.Stopped(phone.contract, interrupted = true))
            for (failure in Failure.entries) {
                shoot("$mode-failed-${failure.name.lowercase()}", UiState.Failed(failure, detail.getValue(failure)))
            }
        }
    }

    @Test
    fun `a running recognition can be seen in light and dark`() {
        shadowOf(phone.app.getSystemService(NotificationManager::class.java)).setNotificationsEnabled(false)
        val service = phone.service()
        phone.await<UiState.Running>()
        shoot("notnight-waiting", phone.app.store.state)
        repeat(4) { phone.play(phone.golden.x[0]) }
        val running = phone.await<UiState.Running>()
        for (mode in listOf("notnight", "night")) {
            RuntimeEnvironment.setQualifiers("+$mode")
            shoot("$mode-running", running.copy(hint = null))
            shoot("$mode-notice", running)
        }
        service.destroy()
    }

    private fun shoot(
        name: String,
        state: UiState,
    ) {
        phone.app.store.publish(state)
        val controller = screen()
        shadowOf(Looper.getMainLooper()).idle()
        phone.app.store.publish(state)
        shadowOf(Looper.getMainLooper()).idle()
        assertTrue(TestPhone.screenshot(controller.get(), name).length() > 2_000)
        controller.pause().stop().destroy()
    }
}
