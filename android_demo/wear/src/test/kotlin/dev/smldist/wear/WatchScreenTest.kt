package dev.smldist.wear

import android.app.NotificationManager
import android.content.Intent
import android.content.pm.PackageManager
import android.graphics.Color
import androidx.compose.ui.semantics.LiveRegionMode
import androidx.compose.ui.semantics.SemanticsActions
import androidx.compose.ui.semantics.SemanticsProperties
import androidx.compose.ui.semantics.getOrNull
import dev.smldist.common.Failure
import dev.smldist.common.Hint
import dev.smldist.common.RecognitionService
import dev.smldist.common.TestDevice
import dev.smldist.common.TestScreen
import dev.smldist.common.UiState
import dev.smldist.common.contrast
import dev.smldist.common.readable
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config
import org.robolectric.annotation.GraphicsMode

/** What the watch says, as TalkBack reads it, what its button does, and what of it a round screen shows. */
@RunWith(RobolectricTestRunner::class)
@GraphicsMode(GraphicsMode.Mode.NATIVE)
@Config(qualifiers = SMALL)
internal class WatchScreenTest {
    private val watch = TestDevice()

    private fun text(
        id: Int,
        vararg values: Any,
    ) = watch.app.getString(id, *values)

    /** Runs until an activity is certain. */
    private fun recognise(): String {
        repeat(4) { watch.play(watch.golden.x[0]) }
        return checkNotNull(watch.await<UiState.Running>().label)
    }

    private fun denyNotifications() =
        shadowOf(watch.app.getSystemService(NotificationManager::class.java)).setNotificationsEnabled(false)

    /** Every state, with what a watch has least room for. */
    private fun states(): Map<String, UiState> {
        denyNotifications()
        val service = watch.service()
        val waiting = watch.await<UiState.Running>()
        recognise()
        val running = watch.await<UiState.Running>()
        service.destroy()
        val stopped = watch.await<UiState.Stopped>()
        val longest = running.session.contract.labels.indexOfFirst { it == LONGEST }.takeIf { it >= 0 } ?: 0
        val long = running.copy(answer = running.answer.copy(index = longest))
        val notices = Hint.entries - Hint.RECORDING_ENDED
        val usual =
            mapOf(
                "loading" to UiState.Loading,
                "stopped" to stopped,
                "interrupted" to stopped.copy(interrupted = true),
                "waiting" to waiting.copy(hint = null),
                "running" to running.copy(hint = null),
                "long" to long.copy(hint = null),
                "unknown" to running.copy(answer = running.answer.copy(index = null), hint = null),
            )
        return usual +
            notices.associate { "notice-${it.name.lowercase()}" to long.copy(hint = it) } +
            Failure.entries.associate { "failed-${it.name.lowercase()}" to UiState.Failed(it, "gyroscope") }
    }

    private fun named(intent: Intent): String = checkNotNull(intent.component).className

    @Test
    fun `it starts the service by its one action, and ends it`() {
        testScreen().use { screen ->
            watch.await<UiState.Stopped>()
            assertTrue(screen.spoken().any { it.startsWith(text(R.string.stopped)) })
            screen.press(text(R.string.start))
            assertEquals(RecognitionService::class.java.name, named(shadowOf(watch.app).nextStartedService))
            val service = watch.service()
            watch.await<UiState.Running>()
            assertTrue(watch.listening)
            screen.press(text(R.string.stop))
            assertEquals(RecognitionService::class.java.name, named(shadowOf(watch.app).nextStoppedService))
            service.destroy()
            assertFalse(watch.listening)
            watch.await<UiState.Stopped>()
            screen.node(text(R.string.start))
        }
    }

    @Test
    fun `an activity is told with since when, politely`() {
        val service = watch.service()
        watch.await<UiState.Running>()
        testScreen().use { screen ->
            val label = recognise()
            val begin = text(R.string.activity_description, readable(label), "").trimEnd()
            val told = screen.nodes().single { TestScreen.name(it.config).startsWith(begin) }
            assertEquals(LiveRegionMode.Polite, told.config.getOrNull(SemanticsProperties.LiveRegion))
            assertTrue(screen.visible(told))
        }
        service.destroy()
    }

    @Test
    fun `silent sensors leave no activity, and are told at once`() {
        val service = watch.service()
        watch.await<UiState.Running>()
        recognise()
        watch.look()
        assertEquals(Hint.NO_EVENTS, watch.look())
        testScreen().use { screen ->
            val told = screen.node(text(R.string.notice_no_events))
            assertEquals(LiveRegionMode.Assertive, told.config.getOrNull(SemanticsProperties.LiveRegion))
            assertTrue(screen.spoken().none { it.startsWith("Current activity") })
        }
        service.destroy()
    }

    @Test
    fun `a damaged model is refused, in the few words of a watch`() {
        val whole = watch.app.assetSource
        watch.app.assetSource = { path -> whole(path).also { if (path.endsWith(".tflite")) it[it.size / 2]++ } }
        val service = watch.service()
        assertEquals(Failure.MODEL, watch.await<UiState.Failed>().failure)
        testScreen().use { screen ->
            screen.node("${text(R.string.failed)}. ${text(R.string.reason_assets)}")
            screen.node(text(R.string.start))
        }
        service.destroy()
    }

    @Test
    fun `every state lies in the circle with its action in reach, also with large type`() {
        val states = states()
        for ((shape, qualifiers) in SHAPES) {
            for (scale in listOf(1f, 2f)) {
                RuntimeEnvironment.setQualifiers("+$qualifiers")
                RuntimeEnvironment.setFontScale(scale)
                testScreen().use { screen ->
                    for ((name, state) in states) {
                        watch.app.state.value = state
                        val what = "$shape-$name${if (scale > 1) "-large" else ""}"
                        requireAction(screen, what)
                        val picture = TestDevice.picture(screen.activity)
                        assertTrue("$what is cut off", fitsCircle(picture))
                        for ((x, y) in cutOff(picture)) if (shape != "square") picture.setPixel(x, y, Color.DKGRAY)
                        TestDevice.screenshot(picture, what)
                    }
                }
            }
        }
    }

    private fun requireAction(
        screen: TestScreen<MainActivity>,
        what: String,
    ) {
        val pressed = screen.nodes().single { SemanticsActions.OnClick in it.config }
        val spoken = TestScreen.name(pressed.config)
        assertTrue("$what: $spoken", spoken in listOf(text(R.string.start), text(R.string.stop)))
        assertTrue("$what: $pressed", screen.visible(pressed))
        val dp = screen.activity.resources.displayMetrics.density
        assertTrue("$what: ${pressed.size}", minOf(pressed.size.width, pressed.size.height) >= FINGER_DP * dp)
        assertTrue(what, pressed.boundsInRoot.bottom > 0.95f * screen.activity.window.decorView.height)
    }

    @Test
    fun `what has no room with large type is scrolled to`() {
        val states = states()
        RuntimeEnvironment.setFontScale(2f)
        watch.app.state.value = states.getValue("notice-notifications_denied")
        testScreen().use { screen ->
            fun scrolled() = screen.nodes().single { SemanticsActions.ScrollBy in it.config }
            val told = screen.node(text(R.string.notice_notifications))
            assertTrue("$told", told.boundsInRoot.height < told.size.height)
            val distance = told.positionInRoot.y - scrolled().positionInRoot.y
            checkNotNull(scrolled().config.getOrNull(SemanticsActions.ScrollBy)?.action)(0f, distance)
            screen.settle()
            val range = checkNotNull(scrolled().config.getOrNull(SemanticsProperties.VerticalScrollAxisRange))
            assertEquals(distance, range.value(), 1f)
        }
    }

    @Test
    fun `the manifest is of a watch that needs no phone and no network`() {
        val flags = PackageManager.GET_PERMISSIONS or PackageManager.GET_CONFIGURATIONS or PackageManager.GET_META_DATA
        val info = watch.app.packageManager.getPackageInfo(watch.app.packageName, flags)
        assertTrue(info.requestedPermissions!!.none { "INTERNET" in it || "NETWORK" in it })
        assertTrue(info.reqFeatures!!.any { it.name == PackageManager.FEATURE_WATCH })
        assertTrue(info.applicationInfo!!.metaData.getBoolean("com.google.android.wearable.standalone"))
    }

    @Test
    fun `text stands out from black`() {
        val texts = with(COLORS) { listOf(primary, onSurface, onSurfaceVariant, error, tertiary) }
        for (color in texts) assertTrue("$color", contrast(color, COLORS.background) >= 4.5f)
        assertTrue(contrast(COLORS.onPrimary, COLORS.primary) >= 4.5f)
        assertTrue(contrast(COLORS.onSecondaryContainer, COLORS.secondaryContainer) >= 4.5f)
    }

    private companion object {
        const val FINGER_DP = 48f

        /** Of the demonstration's labels. */
        const val LONGEST = "forward_elevation"
    }
}
