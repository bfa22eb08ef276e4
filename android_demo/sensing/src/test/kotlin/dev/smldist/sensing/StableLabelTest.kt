package dev.smldist.sensing

import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Test
import kotlin.math.ln

class StableLabelTest {
    private val labels = listOf("still", "walk", "run")
    private val stable = StableLabel(labels, smoothing = 0.5f, enter = 0.6f, leave = 0.4f)

    private fun see(vararg probabilities: Double): String? {
        stable.update(FloatArray(probabilities.size) { ln(probabilities[it]).toFloat() })
        return stable.label
    }

    @Test
    fun `softmax of large logits is finite and sums to one`() {
        val into = FloatArray(3)
        softmax(floatArrayOf(1000f, 1000f, -1000f), into)
        assertArrayEquals(floatArrayOf(0.5f, 0.5f, 0f), into, 1e-6f)
    }

    @Test
    fun `probabilities are smoothed over windows, the first as it is`() {
        see(0.8, 0.1, 0.1)
        assertArrayEquals(floatArrayOf(0.8f, 0.1f, 0.1f), stable.probabilities, 1e-6f)
        see(0.2, 0.7, 0.1)
        assertArrayEquals(floatArrayOf(0.5f, 0.4f, 0.1f), stable.probabilities, 1e-6f)
    }

    @Test
    fun `no label holds before one is certain enough`() = assertEquals(null, see(0.5, 0.3, 0.2))

    @Test
    fun `one odd window does not change the label`() {
        assertEquals("still", see(0.9, 0.05, 0.05))
        assertEquals("still", see(0.05, 0.9, 0.05))
        assertEquals("still", see(0.9, 0.05, 0.05))
    }

    @Test
    fun `another label takes over once it is certain enough`() {
        assertEquals("still", see(0.9, 0.05, 0.05))
        assertEquals("still", see(0.05, 0.9, 0.05))
        assertEquals("walk", see(0.05, 0.9, 0.05))
    }

    @Test
    fun `between the limits the label is kept, below it is given up`() {
        assertEquals("still", see(0.7, 0.2, 0.1))
        assertEquals("still", see(0.3, 0.4, 0.3))
        assertEquals(null, see(0.1, 0.45, 0.45))
        assertEquals(StableLabel.NONE, stable.index)
    }

    @Test
    fun `reset forgets`() {
        see(0.9, 0.05, 0.05)
        stable.reset()
        assertEquals(null, stable.label)
        assertEquals("walk", see(0.05, 0.9, 0.05))
    }

    @Test
    fun `logits of another model and logits that are not finite are refused`() {
        assertThrows(ContractException::class.java) { stable.update(FloatArray(4)) }
        assertThrows(ContractException::class.java) { stable.update(floatArrayOf(0f, Float.NaN, 0f)) }
    }

    @Test
    fun `limits in the wrong order are refused`() {
        assertThrows(ContractException::class.java) { StableLabel(labels, enter = 0.5f) }
        assertThrows(ContractException::class.java) { StableLabel(labels, enter = 0.6f, leave = 0.7f) }
        assertThrows(ContractException::class.java) { StableLabel(labels, smoothing = 1f) }
    }
}
