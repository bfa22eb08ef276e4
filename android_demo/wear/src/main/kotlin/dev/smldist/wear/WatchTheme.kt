package dev.smldist.wear

import androidx.compose.material3.ColorScheme
import androidx.compose.material3.MaterialTheme
import androidx.compose.runtime.Composable
import androidx.compose.ui.graphics.Color
import dev.smldist.common.DARK

/** A watch is dark: its black pixels need no power, and show no edge between screen and case. */
internal val COLORS: ColorScheme = DARK.copy(background = Color.Black, surface = Color.Black)

@Composable
internal fun WatchTheme(content: @Composable () -> Unit) = MaterialTheme(colorScheme = COLORS, content = content)
