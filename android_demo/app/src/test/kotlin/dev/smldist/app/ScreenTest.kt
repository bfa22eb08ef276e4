package dev.smldist.app

import android.app.NotificationManager
import android.content.Intent
import android.content.pm.ActivityInfo
import android.content.pm.ApplicationInfo
import android.content.pm.PackageManager
import androidx.compose.ui.semantics.LiveRegionMode
import androidx.compose.ui.semantics.SemanticsActions
import androidx.compose.ui.semantics.SemanticsProperties
import androidx.compose.ui.semantics.getOrNull
import dev.smldist.common.RecognitionService
import dev.smldist.common.TestDevice
import dev.smldist.common.TestScreen
import dev.smldist.common.UiState
import dev.smldist.common.headline
import dev.smldist.common.readable
import dev.smldist.recognizer.LiteRtRuntime
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNotNull
import org.junit.Assert.assertNull
import org.junit.Assert.assertTrue
import org.junit.Assume.assumeNotNull
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config
import org.robolectric.annotation.GraphicsMode
import org.tensorflow.lite.Interpreter

/** What the screen says, as TalkBack reads it, and what its buttons do. */
@RunWith(RobolectricTestRunner::class)
@GraphicsMode(GraphicsMode.Mode.NATIVE)
@Config(qualifiers = "w411dp-h891dp-mdpi")
internal class ScreenTest {
    private val phone = TestDevice()

    private fun text(
        id: Int,
        vararg values: Any,
    ) = phone.app.getString(id, *values)

    private fun stopped(): TestScreen<MainActivity> = testScreen().also { phone.await<UiState.Stopped>() }

    @Test
    fun `it starts the service by its one primary action`() {
        stopped().use { screen ->
            assertTrue(screen.spoken().any { it.startsWith(text(R.string.stopped)) })
            screen.press(text(R.string.start))
            val started = shadowOf(phone.app).nextStartedService
            assertEquals(RecognitionService::class.java.name, started.component!!.className)
        }
    }

    @Test
    fun `details offer the models of the build, and back leads to what goes on now`() {
        stopped().use { screen ->
            screen.press(text(R.string.details))
            val models = phone.app.pack.models
            for (model in models) screen.node(text(R.string.model_name, model.target, model.precision))
            screen.press(text(R.string.model_name, models[1].target, models[1].precision))
            assertEquals(models[1].path, phone.app.choices.model)
            screen.activity.onBackPressedDispatcher.onBackPressed()
            screen.node(text(R.string.app_name))
            assertFalse(screen.activity.onBackPressedDispatcher.hasEnabledCallbacks())
        }
    }

    @Test
    fun `a run that the system ended is told`() {
        phone.app.choices.running = true
        testScreen().use { screen ->
            assertTrue(phone.await<UiState.Stopped>().interrupted)
            screen.node(text(R.string.interrupted))
        }
    }

    @Test
    fun `an activity is told with since when, politely, and by the next screen, too`() {
        val service = phone.service()
        phone.await<UiState.Running>()
        repeat(4) { phone.play(phone.golden.x[0]) }
        val label = checkNotNull(phone.await<UiState.Running>().label)
        testScreen().use { screen ->
            val begin = text(R.string.activity_description, readable(label), "").trimEnd()
            val told = screen.nodes().single { TestScreen.name(it.config).startsWith(begin) }
            assertEquals(LiveRegionMode.Polite, told.config.getOrNull(SemanticsProperties.LiveRegion))
            for (one in phone.contract.labels) {
                assertTrue(one, screen.spoken().any { it.startsWith("${readable(one)}, ") })
            }
            screen.press(text(R.string.details))
            screen.node(text(R.string.self_test))
            screen.press(text(R.string.back))
        }
        // Time has passed without an event, which ends an activity.
        repeat(4) { phone.play(phone.golden.x[0]) }
        testScreen().use { screen ->
            assertTrue(screen.spoken().any { it.startsWith("Current activity: ${readable(label)}") })
        }
        service.destroy()
    }

    @Test
    fun `what is odd is told at once`() {
        shadowOf(phone.app.getSystemService(NotificationManager::class.java)).setNotificationsEnabled(false)
        val service = phone.service()
        phone.await<UiState.Running>()
        testScreen().use { screen ->
            val told = screen.node(text(R.string.notice_notifications))
            assertEquals(LiveRegionMode.Assertive, told.config.getOrNull(SemanticsProperties.LiveRegion))
        }
        service.destroy()
    }

    @Test
    fun `an 8-bit model without XNNPACK is told, with the kernels among the details`() {
        val model = phone.app.pack.models.find { it.target == "tflite" && it.precision == "int8_static" }
        assumeNotNull(model)
        val bare = LiteRtRuntime { Interpreter(it, Interpreter.Options().setUseXNNPACK(false)) }
        phone.app.choices.model = model?.path
        phone.app.opener = { bare.open(phone.app, it, phone.contract, phone.app.pack.file(it.path)) }
        val service = phone.service()
        phone.await<UiState.Running>()
        testScreen().use { screen ->
            screen.node(text(R.string.notice_slow_kernels))
            screen.press(text(R.string.details))
            assertTrue(screen.spoken().any { text(R.string.kernels_built_in) in it })
        }
        service.destroy()
    }

    @Test
    fun `a recording is begun, timed, listed, shared and deleted`() {
        val service = phone.service()
        phone.await<UiState.Running>()
        testScreen().use { screen ->
            screen.press(text(R.string.recordings))
            screen.node(text(R.string.no_recordings))
            screen.press(headline(phone.contract.labels[0]))
            screen.press(text(R.string.record))
            repeat(3) { phone.play(phone.golden.x[0]) }
            phone.await<UiState.Running>()
            assertTrue(screen.spoken().toString(), screen.spoken().any { it.matches(Regex("00:0[5-9] recorded")) })
            screen.press(text(R.string.stop_recording))
            assertNull(phone.await<UiState.Running>().recordedS)
            phone.app.worker.submit {}.get()
            val name = phone.demo.recordings.list().single().name
            screen.press(text(R.string.share_one, name))
            val chooser = shadowOf(phone.app).nextStartedActivity
            val sent = chooser.getParcelableExtra(Intent.EXTRA_INTENT, Intent::class.java)
            assertEquals(Intent.ACTION_SEND, sent?.action)
            assertNotNull(sent?.clipData)
            screen.press(text(R.string.delete_one, name))
            screen.press(text(R.string.cancel))
            assertEquals(1, phone.demo.recordings.files.size)
            screen.press(text(R.string.delete_one, name))
            screen.press(text(R.string.delete))
            phone.app.worker.submit {}.get()
            assertEquals(0, phone.demo.recordings.files.size)
            screen.node(text(R.string.no_recordings))
        }
        service.destroy()
    }

    @Test
    fun `whatever can be pressed has a name and is large enough for a finger`() {
        val service = phone.service()
        phone.await<UiState.Running>()
        testScreen().use { screen ->
            for (page in listOf(R.string.app_name, R.string.recordings, R.string.details)) {
                if (page != R.string.app_name) screen.press(text(page))
                val pressed = screen.nodes().filter { SemanticsActions.OnClick in it.config }
                assertTrue(pressed.isNotEmpty())
                for (node in pressed) {
                    val name = TestScreen.name(node.config)
                    assertTrue("$node", name.isNotBlank() || SemanticsProperties.EditableText in node.config)
                    val touch = node.touchBoundsInRoot
                    assertTrue("$name: $touch", minOf(touch.width, touch.height) >= FINGER_DP)
                }
                assertTrue(page == R.string.app_name || screen.nodes().any { SemanticsProperties.Heading in it.config })
            }
        }
        service.destroy()
    }

    @Test
    fun `the primary action lies on the screen in every shape, also with large type`() {
        stopped().close()
        for (shape in listOf("w411dp-h891dp-port", "w891dp-h411dp-land", "w1280dp-h800dp-land", "w320dp-h480dp-port")) {
            for (scale in listOf(1f, 2f)) {
                RuntimeEnvironment.setQualifiers("+$shape")
                RuntimeEnvironment.setFontScale(scale)
                testScreen().use { screen ->
                    assertTrue("$shape, $scale", screen.visible(screen.node(text(R.string.start))))
                }
            }
        }
    }

    @Test
    fun `the manifest has one screen, predictive back, mirrored layouts and no network`() {
        val manager = phone.app.packageManager
        val info = manager.getPackageInfo(phone.app.packageName, PackageManager.GET_PERMISSIONS)
        assertTrue(info.requestedPermissions!!.none { "INTERNET" in it || "NETWORK" in it })
        val screen = manager.getActivityInfo(manager.getLaunchIntentForPackage(phone.app.packageName)!!.component!!, 0)
        assertEquals(ActivityInfo.LAUNCH_SINGLE_TOP, screen.launchMode)
        assertTrue(phone.app.applicationInfo.flags and ApplicationInfo.FLAG_SUPPORTS_RTL != 0)
    }

    private companion object {
        const val FINGER_DP = 48f
    }
}
