package dev.smldist.common

import androidx.compose.material3.ColorScheme
import androidx.compose.material3.darkColorScheme
import androidx.compose.ui.graphics.Color

/** The colours of both apps in the dark. They are fixed, not the wallpaper's: their contrast is computed by a test. */
val DARK: ColorScheme =
    darkColorScheme(
        primary = Color(0xFF7CD0FF),
        onPrimary = Color(0xFF00344A),
        primaryContainer = Color(0xFF004C69),
        onPrimaryContainer = Color(0xFFC4E7FF),
        secondary = Color(0xFFB5C9D7),
        onSecondary = Color(0xFF20333E),
        secondaryContainer = Color(0xFF374955),
        onSecondaryContainer = Color(0xFFD1E5F4),
        tertiary = Color(0xFFFFB870),
        onTertiary = Color(0xFF4A2800),
        tertiaryContainer = Color(0xFF693C00),
        onTertiaryContainer = Color(0xFFFFDCBE),
        error = Color(0xFFFFB4AB),
        onError = Color(0xFF690005),
        errorContainer = Color(0xFF93000A),
        onErrorContainer = Color(0xFFFFDAD6),
        background = Color(0xFF0F1417),
        onBackground = Color(0xFFDFE3E7),
        surface = Color(0xFF0F1417),
        onSurface = Color(0xFFDFE3E7),
        surfaceVariant = Color(0xFF41484D),
        onSurfaceVariant = Color(0xFFC1C7CE),
        outline = Color(0xFF8B9198),
        outlineVariant = Color(0xFF41484D),
        surfaceContainerLowest = Color(0xFF0A0F12),
        surfaceContainerLow = Color(0xFF171C1F),
        surfaceContainer = Color(0xFF1B2023),
        surfaceContainerHigh = Color(0xFF262B2E),
        surfaceContainerHighest = Color(0xFF303539),
    )
