package dev.smldist.common

import androidx.compose.ui.graphics.Color
import org.junit.Assert.assertEquals
import org.junit.Test

internal class ContrastTest {
    @Test
    fun `contrast is computed as WCAG has it`() {
        assertEquals(21f, contrast(Color.White, Color.Black), 1e-3f)
        assertEquals(4.54f, contrast(Color(0xFF767676), Color.White), 1e-2f)
    }
}
