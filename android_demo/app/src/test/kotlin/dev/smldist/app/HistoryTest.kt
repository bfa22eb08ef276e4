package dev.smldist.app

import org.junit.Assert.assertEquals
import org.junit.Test

internal class HistoryTest {
    private val history = History()

    @Test
    fun `an activity that goes on is one span, another one begins the next`() {
        history.add("walk", 1_000, 2_000)
        history.add("walk", 1_000, 3_000)
        history.add("sit", 4_000, 4_000)
        history.add("walk", 6_000, 7_000)
        val expected = listOf(Span("walk", 1_000, 3_000), Span("sit", 4_000, 4_000), Span("walk", 6_000, 7_000))
        assertEquals(expected, history.spans.value)
    }

    @Test
    fun `what ended more than ten minutes ago is forgotten, what goes on for longer is not`() {
        history.add("sit", 0, 1_000)
        history.add("walk", 2_000, 3_000)
        history.add("walk", 2_000, 602_000)
        assertEquals(listOf(Span("walk", 2_000, 602_000)), history.spans.value)
    }

    @Test
    fun `a span never ends before it begins`() {
        history.add("sit", 5_000, 4_000)
        assertEquals(listOf(Span("sit", 5_000, 5_000)), history.spans.value)
    }
}
