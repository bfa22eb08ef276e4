package dev.smldist.common

import android.app.Activity
import android.os.Looper
import android.view.View
import android.view.ViewGroup
import androidx.compose.ui.geometry.Rect
import androidx.compose.ui.node.RootForTest
import androidx.compose.ui.semantics.SemanticsActions
import androidx.compose.ui.semantics.SemanticsConfiguration
import androidx.compose.ui.semantics.SemanticsNode
import androidx.compose.ui.semantics.SemanticsProperties
import androidx.compose.ui.semantics.getAllSemanticsNodes
import androidx.compose.ui.semantics.getOrNull
import org.robolectric.Robolectric
import org.robolectric.Shadows.shadowOf
import org.robolectric.android.controller.ActivityController
import org.robolectric.shadows.ShadowChoreographer
import org.robolectric.shadows.ShadowDialog
import java.time.Duration
import java.util.concurrent.TimeUnit

/** The screen as TalkBack reads it. */
class TestScreen<A : Activity>(
    type: Class<A>,
) : AutoCloseable {
    init {
        // Frames come as time passes: else an endless animation never lets the looper become idle.
        ShadowChoreographer.setPaused(true)
        ShadowChoreographer.setFrameDelay(Duration.ofMillis(FRAME_MS))
    }

    val controller: ActivityController<A> = Robolectric.buildActivity(type).setup()
    val activity: A get() = controller.get()

    init {
        settle()
    }

    /** Lets everything be drawn that waits for a frame. */
    fun settle() = shadowOf(Looper.getMainLooper()).idleFor(SETTLED_MS, TimeUnit.MILLISECONDS)

    /** Of the screen, or of the dialog on it. */
    fun nodes(): List<SemanticsNode> {
        settle()
        val dialog = ShadowDialog.getLatestDialog()?.takeIf { it.isShowing }
        val root = root(checkNotNull((dialog?.window ?: activity.window).decorView))
        return checkNotNull(root).semanticsOwner.getAllSemanticsNodes(mergingEnabled = true)
    }

    /** All that is read aloud. */
    fun spoken(): List<String> = nodes().map { name(it.config) }.filter { it.isNotEmpty() }

    fun node(name: String): SemanticsNode =
        checkNotNull(nodes().find { name(it.config) == name }) { "$name is not among ${spoken()}" }

    fun press(name: String) {
        checkNotNull(node(name).config.getOrNull(SemanticsActions.OnClick)?.action) { "$name cannot be pressed" }()
        settle()
    }

    /** Whether all of a node lies on the screen. */
    fun visible(node: SemanticsNode): Boolean {
        val window = Rect(0f, 0f, activity.window.decorView.width.toFloat(), activity.window.decorView.height.toFloat())
        return window.intersect(node.boundsInRoot) == node.boundsInRoot && node.size.height > 0
    }

    override fun close() {
        controller.pause().stop().destroy()
        // What Compose has scheduled would else be lost with this test's looper, and block the next test's screen.
        settle()
    }

    private fun root(view: View): RootForTest? =
        view as? RootForTest
            ?: (view as? ViewGroup)?.let {
                (0 until it.childCount).firstNotNullOfOrNull { at ->
                    root(it.getChildAt(at))
                }
            }

    companion object {
        private const val FRAME_MS = 25L
        private const val SETTLED_MS = 400L

        /** What TalkBack reads: the description, else the text. */
        fun name(config: SemanticsConfiguration): String {
            val described = config.getOrNull(SemanticsProperties.ContentDescription)
            val text = config.getOrNull(SemanticsProperties.Text)?.map { it.text }
            return (described.orEmpty() + text.orEmpty()).joinToString(" ")
        }
    }
}
