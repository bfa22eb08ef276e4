package dev.smldist.app

import androidx.compose.foundation.isSystemInDarkTheme
import androidx.compose.material3.ColorScheme
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.lightColorScheme
import androidx.compose.runtime.Composable
import androidx.compose.ui.graphics.Color
import dev.smldist.common.DARK

/** The app's colours and type. The colours are fixed, not the wallpaper's: their contrast is computed by a test. */
@Composable
internal fun AppTheme(content: @Composable () -> Unit) {
    MaterialTheme(colorScheme = if (isSystemInDarkTheme()) DARK else LIGHT, content = content)
}

/** Lines of the three axes on `surfaceContainerLow`: x, y, z. */
internal fun axisColors(dark: Boolean): List<Color> = if (dark) DARK_AXES else LIGHT_AXES

internal val LIGHT: ColorScheme =
    lightColorScheme(
        primary = Color(0xFF00658A),
        onPrimary = Color(0xFFFFFFFF),
        primaryContainer = Color(0xFFC4E7FF),
        onPrimaryContainer = Color(0xFF001E2C),
        secondary = Color(0xFF4E616D),
        onSecondary = Color(0xFFFFFFFF),
        secondaryContainer = Color(0xFFD1E5F4),
        onSecondaryContainer = Color(0xFF0A1E28),
        tertiary = Color(0xFF8A4B00),
        onTertiary = Color(0xFFFFFFFF),
        tertiaryContainer = Color(0xFFFFDCBE),
        onTertiaryContainer = Color(0xFF2D1600),
        error = Color(0xFFBA1A1A),
        onError = Color(0xFFFFFFFF),
        errorContainer = Color(0xFFFFDAD6),
        onErrorContainer = Color(0xFF410002),
        background = Color(0xFFF6FAFE),
        onBackground = Color(0xFF171C1F),
        surface = Color(0xFFF6FAFE),
        onSurface = Color(0xFF171C1F),
        surfaceVariant = Color(0xFFDDE3EA),
        onSurfaceVariant = Color(0xFF41484D),
        outline = Color(0xFF71787E),
        outlineVariant = Color(0xFFC1C7CE),
        surfaceContainerLowest = Color(0xFFFFFFFF),
        surfaceContainerLow = Color(0xFFF0F4F8),
        surfaceContainer = Color(0xFFEAEEF3),
        surfaceContainerHigh = Color(0xFFE4E9ED),
        surfaceContainerHighest = Color(0xFFDFE3E7),
    )

private val LIGHT_AXES = listOf(Color(0xFFB3261E), Color(0xFF2E6B1F), Color(0xFF1F4FA3))
private val DARK_AXES = listOf(Color(0xFFFF8A80), Color(0xFF9BE083), Color(0xFF9DBEFF))
