package dev.smldist.sensing

import com.sun.management.ThreadMXBean
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import java.lang.management.ManagementFactory
import kotlin.random.Random

private const val HOUR_S = 3600
private const val RATE_HZ = 50

/** What an hour of two 50 Hz sensors costs. */
class CostTest {
    private val threads = ManagementFactory.getThreadMXBean() as ThreadMXBean

    private val random = Random(0)
    private val count = HOUR_S * RATE_HZ
    private val times = LongArray(count) { it * SECOND_NS / RATE_HZ + random.nextLong(SECOND_NS / RATE_HZ / 2) }
    private val values = FloatArray(count + 2) { random.nextDouble(-20.0, 20.0).toFloat() }

    @Test
    fun `an hour takes at most two seconds and allocates nothing an event`() {
        var windows = 0L
        val contract = phoneContract(length = 128, hop = 64)
        val stable = StableLabel(contract.labels)
        val check = SignalCheck(contract)
        val logits = FloatArray(contract.labels.size)
        val channelsFirst = FloatArray(128 * 6)
        val pipeline =
            SensorPipeline(contract) { window ->
                windows++
                if (window.isFirst) stable.reset()
                window.channelsFirst(channelsFirst)
                logits[0] = window.values[0]
                stable.update(logits)
                check.update(window)
            }
        feed(pipeline, 0, count / 10) // loads the classes
        val nothing = allocatedBy { feed(pipeline, 0, 0) }
        val began = threads.currentThreadCpuTime

        val allocated = allocatedBy { feed(pipeline, count / 10, count) } - nothing

        // Processor time: other processes on the machine do not count.
        val seconds = (threads.currentThreadCpuTime - began) / 1e9 / 0.9
        println(
            "an hour of 50 Hz, 6 channels: %.3f s, %d bytes allocated, %d windows".format(seconds, allocated, windows),
        )
        // The JVM itself was seen to take 80 bytes once. An object a window would be 16 bytes for each of them.
        assertTrue(allocated < windows) { "$allocated bytes" }
        assertTrue(seconds <= 2) { "$seconds s" }
        assertTrue(windows > 2_700) { "$windows windows" }
    }

    /** Bytes, with those of the measurement itself. */
    private inline fun allocatedBy(work: () -> Unit): Long {
        val before = threads.currentThreadAllocatedBytes
        work()
        return threads.currentThreadAllocatedBytes - before
    }

    private fun feed(
        pipeline: SensorPipeline,
        from: Int,
        until: Int,
    ) {
        for (index in from until until) {
            pipeline.add(Quantity.ACCELEROMETER, times[index], values[index], values[index + 1], values[index + 2])
            pipeline.add(
                Quantity.GYROSCOPE,
                times[index] + 3_000_000,
                values[index + 1],
                values[index],
                values[index + 2],
            )
        }
    }
}
