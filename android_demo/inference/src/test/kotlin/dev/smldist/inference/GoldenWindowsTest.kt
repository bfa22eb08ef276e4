package dev.smldist.inference

import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

class GoldenWindowsTest {
    @Test
    fun `windows come time first`() {
        val windows = GoldenWindows.read(archive())
        assertEquals(2, windows.size)
        assertEquals(2, windows.channels)
        assertEquals(3, windows.length)
        assertEquals(listOf("walk", "sit"), windows.labels)
        assertArrayEquals(floatArrayOf(0f, 3f, 1f, 4f, 2f, 5f), windows.x[0])
        assertArrayEquals(floatArrayOf(1f, 1.5f), windows.logits!![1])
        assertArrayEquals(intArrayOf(0, 1), windows.y)
    }

    @Test
    fun `subjects are read where there are some`() {
        assertEquals(listOf("a", "bc"), GoldenWindows.read(archive(subjects = "a\u0000bc")).subject)
    }

    @Test
    fun `another version, labels outside and no archive are refused`() {
        val newer = """{"format": "smldist-golden", "version": 2, "labels": ["walk", "sit"]}"""
        assertTrue("2" in refused(archive(meta = newer)))
        refused(archive(meta = "{"))
        refused(archive(meta = """{"format": "smldist-golden"}"""))
        refused(archive(labels = listOf(0, 2)))
        refused(archive(labels = listOf(0)))
        refused(byteArrayOf(1, 2, 3))
    }

    @Test
    fun `a truncated archive is refused at every length`() {
        val whole = archive()
        for (length in 0 until whole.size - 400 step 37) refused(whole.copyOf(length))
    }

    private fun refused(content: ByteArray): String =
        assertThrows(ModelException::class.java) { GoldenWindows.read(content) }.message.orEmpty()
}
