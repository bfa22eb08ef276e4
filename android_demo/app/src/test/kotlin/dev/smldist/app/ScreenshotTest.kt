package dev.smldist.app

import android.app.NotificationManager
import dev.smldist.common.Failure
import dev.smldist.common.TestDevice
import dev.smldist.common.UiState
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config
import org.robolectric.annotation.GraphicsMode

/** Every state in every look, in target/screenshots for a person to look at. */
@RunWith(RobolectricTestRunner::class)
@GraphicsMode(GraphicsMode.Mode.NATIVE)
@Config(qualifiers = PORTRAIT)
internal class ScreenshotTest {
    private val phone = TestDevice()
    private val looks =
        mapOf(
            "light" to PORTRAIT,
            "dark" to PORTRAIT.replace("notnight", "night"),
            "landscape" to "w891dp-h411dp-land-notnight-hdpi",
            "tablet" to "w1280dp-h800dp-land-notnight-mdpi",
            "large" to PORTRAIT,
            "mirrored" to "ar-ldrtl-$PORTRAIT",
        )
    private val detail =
        mapOf(
            Failure.SENSOR_MISSING to "gyroscope",
            Failure.SENSOR_REFUSED to "gyroscope",
            Failure.MODEL to "tflite/model_fp32.tflite has SHA-256 0a1b2c, expected 3d4e5f: install the app again",
            Failure.RUNTIME_MISSING to "executorch/model_fp32.pte: its runtime is not in this app",
            Failure.CONTRACT to "Channel body_acc_x is derived from others.",
            Failure.SELF_TEST to "tflite/model_fp32.tflite errs by 0.31 on known windows, 0.0001 is allowed",
            Failure.SERVICE to "Not allowed from the background.",
        )

    @Test
    fun `every failure can be seen`() {
        for (failure in Failure.entries) {
            phone.app.state.value = UiState.Failed(failure, detail.getValue(failure))
            shoot("failed-${failure.name.lowercase()}")
        }
    }

    @Test
    fun `every state can be seen in every look`() {
        shadowOf(phone.app.getSystemService(NotificationManager::class.java)).setNotificationsEnabled(false)
        val service = phone.service()
        phone.await<UiState.Running>()
        val waiting = phone.app.state.value
        repeat(RECORDED) { phone.play(phone.golden.x[0]) }
        val running = phone.await<UiState.Running>()
        record()
        val stopped = UiState.Stopped(phone.contract, interrupted = true)
        // What the service shows by itself would take the place of what is to be seen.
        service.destroy()
        phone.await<UiState.Stopped>()
        past(running)
        for ((look, qualifiers) in looks) {
            RuntimeEnvironment.setQualifiers("+$qualifiers")
            RuntimeEnvironment.setFontScale(if (look == "large") 2f else 1f)
            shown("$look-loading", UiState.Loading)
            shown("$look-stopped", stopped)
            shown("$look-failed", UiState.Failed(Failure.SENSOR_MISSING, "gyroscope"))
            shown("$look-waiting", waiting)
            shown("$look-notice", running)
            shown("$look-running", running.copy(hint = null))
            shown("$look-recordings", running.copy(hint = null, recordedS = 75.0), R.string.recordings)
            shown("$look-details", running.copy(hint = null), R.string.details)
        }
    }

    /** Some activities before the present one. */
    private fun past(running: UiState.Running) {
        val others = phone.contract.labels - checkNotNull(running.label)
        val now = running.answer.sinceMs
        phone.demo.history.clear()
        BEGUN_MS.zipWithNext().forEachIndexed { index, (since, until) ->
            phone.demo.history.add(others[index % 2 + 1], now - since, now - until - 4_000)
        }
        phone.demo.history.add(checkNotNull(running.label), now, now + 8_000)
    }

    private fun record() {
        for (name in listOf("20261126-090112", "20261126-174503")) {
            phone.demo.recordings.start(phone.contract, name)
            repeat(2) { phone.play(phone.golden.x[0]) }
            phone.demo.recordings.stop()
        }
    }

    private fun shown(
        name: String,
        state: UiState,
        page: Int? = null,
    ) {
        phone.app.state.value = state
        shoot(name, page)
    }

    private fun shoot(
        name: String,
        page: Int? = null,
    ) = testScreen().use { screen ->
        if (page != null) screen.press(phone.app.getString(page))
        phone.app.worker.submit {}.get()
        screen.settle()
        assertTrue(TestDevice.screenshot(TestDevice.picture(screen.activity), name).length() > LEAST_BYTES)
    }

    private companion object {
        const val LEAST_BYTES = 2_000
        const val RECORDED = 4

        /** How long ago each activity of the past began; the last is the present one. */
        val BEGUN_MS = listOf(540_000L, 380_000L, 200_000L, 65_000L, 0L)
    }
}

private const val PORTRAIT = "w411dp-h891dp-port-notnight-hdpi"
