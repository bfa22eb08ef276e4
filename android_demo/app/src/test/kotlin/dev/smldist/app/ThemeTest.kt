package dev.smldist.app

import androidx.compose.material3.ColorScheme
import androidx.compose.ui.graphics.Color
import dev.smldist.common.DARK
import dev.smldist.common.contrast
import org.junit.Assert.assertTrue
import org.junit.Test

/** WCAG 2.1: 4.5:1 for text, 3:1 for graphics. */
internal class ThemeTest {
    private fun texts(scheme: ColorScheme) =
        with(scheme) {
            listOf(
                onSurface to surface,
                onSurface to surfaceContainerLow,
                onSurface to surfaceContainerHigh,
                onSurfaceVariant to surface,
                onSurfaceVariant to surfaceContainerLow,
                onSurfaceVariant to surfaceContainerHighest,
                primary to surface,
                primary to surfaceContainerHigh,
                onPrimary to primary,
                onPrimaryContainer to primaryContainer,
                onSecondaryContainer to secondaryContainer,
                onTertiaryContainer to tertiaryContainer,
                onErrorContainer to errorContainer,
            )
        }

    private fun graphics(
        scheme: ColorScheme,
        axes: List<Color>,
    ) = with(scheme) {
        axes.map { it to surfaceContainerLow } +
            listOf(
                primary to secondaryContainer,
                primary to surfaceContainerLow,
                outline to surfaceContainerLow,
                outline to surface,
            )
    }

    @Test
    fun `text and graphics stand out enough in light and dark`() {
        for ((scheme, axes) in listOf(LIGHT to axisColors(false), DARK to axisColors(true))) {
            for ((one, other) in texts(scheme)) assertTrue("$one on $other", contrast(one, other) >= 4.5f)
            for ((one, other) in graphics(scheme, axes)) assertTrue("$one on $other", contrast(one, other) >= 3f)
        }
    }
}
