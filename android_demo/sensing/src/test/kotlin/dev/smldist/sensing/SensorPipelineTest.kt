package dev.smldist.sensing

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

class SensorPipelineTest {
    private val contract = phoneContract()
    private val kept = mutableListOf<Kept>()
    private val pipeline = SensorPipeline(contract) { kept += Kept(it) }
    private val stepNs = SECOND_NS / 50

    private fun feed(
        from: Int,
        until: Int,
    ) {
        for (index in from until until) {
            for (quantity in contract.quantities) pipeline.add(quantity, index * stepNs, index.toFloat(), 0f, 9.81f)
        }
    }

    @Test
    fun `the report tells what was received, dropped and measured`() {
        feed(0, 100)
        pipeline.add(Quantity.ACCELEROMETER, 99 * stepNs, 0f, 0f, 0f)
        pipeline.add(Quantity.ACCELEROMETER, 0, 0f, 0f, 0f)
        pipeline.add(Quantity.GYROSCOPE, 100 * stepNs, Float.NaN, 0f, 0f)
        pipeline.add(Quantity.MAGNETOMETER, 100 * stepNs, 1f, 2f, 3f)
        feed(120, 130)

        val report = pipeline.report()

        val (acceleration, rotation) = report.sensors
        assertEquals(listOf(112L, 1L, 1L, 0L), acceleration.run { listOf(received, duplicates, late, notFinite) })
        assertEquals(listOf(110L, 111L, 1L), listOf(acceleration.used, rotation.received, rotation.notFinite))
        assertEquals(1L, report.unused)
        assertEquals(50.0, acceleration.rateHz!!, 1e-9)
        assertEquals(1L, acceleration.gaps + rotation.gaps)
        assertEquals(2L, report.segments)
    }

    /** tests/unit/data/test_streams.py has the same numbers. */
    @Test
    fun `an event stamped an hour ahead costs fifty events, not the recording`() {
        feed(0, 101)
        pipeline.add(Quantity.ACCELEROMETER, 100 * stepNs + HOUR_NS, 0f, 0f, 0f)
        feed(101, 400)
        pipeline.finish()

        val starts = listOf(0L, 32L) + (150L..310L step 32)
        assertEquals(starts, kept.map { it.startNs / stepNs })
        assertEquals(starts.map { it.toFloat() }, kept.map { it.values[0] })
        assertEquals(listOf(true, false, true), kept.take(3).map { it.isFirst })
        val acceleration = pipeline.report().sensors[0]
        assertEquals(listOf(49L, 1L, 1L), acceleration.run { listOf(late, ahead, restarts) })
        assertEquals(401L - 50, acceleration.used)
        assertEquals(0L, pipeline.report().sensors[1].restarts)
    }

    @Test
    fun `the first event stamped ahead is dropped, too`() {
        pipeline.add(Quantity.ACCELEROMETER, HOUR_NS, 0f, 0f, 0f)
        feed(0, 200)
        pipeline.finish()

        assertEquals(listOf(49L, 81L, 113L), kept.map { it.startNs / stepNs })
    }

    @Test
    fun `clocks that go ahead for a while and come back lose no more than the way back`() {
        feed(0, 101)
        for (index in 101 until 201) {
            for (quantity in contract.quantities) pipeline.add(quantity, index * stepNs + HOUR_NS, 0f, 0f, 0f)
        }
        feed(201, 400)
        pipeline.finish()

        val back = kept.filter { it.startNs in 201 * stepNs..400 * stepNs }.map { it.startNs / stepNs }
        assertEquals((250L..314L step 32).toList(), back)
        assertEquals(listOf(1L, 1L), pipeline.report().sensors.map { it.restarts })
    }

    @Test
    fun `fewer late events in a row are only late`() {
        feed(0, 101)
        repeat(3) { round ->
            repeat(LATE_IN_A_ROW - 1) { pipeline.add(Quantity.ACCELEROMETER, it * stepNs, 0f, 0f, 0f) }
            feed(101 + round, 102 + round)
        }

        val acceleration = pipeline.report().sensors[0]
        assertEquals(listOf(3L * (LATE_IN_A_ROW - 1), 0L), acceleration.run { listOf(late, restarts) })
    }

    @Test
    fun `after a gap windows begin anew and say so`() {
        feed(0, 100)
        feed(120, 260)
        pipeline.finish()

        assertEquals(listOf(0L, 32L, 120L, 152L, 184L), kept.map { it.startNs / stepNs })
        assertEquals(listOf(true, false, true, false, false), kept.map { it.isFirst })
        assertEquals(120f, kept[2].values[0])
    }

    @Test
    fun `finish makes ready for a recording of any other time`() {
        feed(5_000, 5_064)
        pipeline.finish()
        feed(0, 64)
        pipeline.finish()

        assertEquals(listOf(5_000L, 0L), kept.map { it.startNs / stepNs })
    }

    @Test
    fun `windows come without finish, at most the reorder horizon later`() {
        feed(0, 64 + 2)
        assertTrue(kept.isEmpty())
        feed(66, 67)

        assertEquals(63 * stepNs, kept.single().endNs)
    }

    @Test
    fun `channels first is the transpose`() {
        val first = FloatArray(64 * 6)
        val pipeline = SensorPipeline(contract) { it.channelsFirst(first) }
        for (index in 0 until 64) {
            for (quantity in contract.quantities) pipeline.add(quantity, index * stepNs, index.toFloat(), -1f, -2f)
        }
        pipeline.finish()

        assertEquals(List(64) { it.toFloat() }, first.take(64))
        assertEquals(-2f, first.last())
    }

    @Test
    fun `a sensor that falls silent costs its time and no memory, and windows go on when it is back`() {
        val small = SensorPipeline(contract, capacity = 200) { kept += Kept(it) }
        for (index in 0 until 1_000) small.add(Quantity.ACCELEROMETER, index * stepNs, 0f, 0f, 0f)
        for (index in 700 until 1_000) small.add(Quantity.GYROSCOPE, index * stepNs, 0f, 0f, 0f)
        small.finish()

        assertEquals(800L, small.report().sensors[0].overflowed)
        assertEquals(800 * stepNs, kept.first().startNs)
        assertEquals((200 - 64) / 32 + 1, kept.size)
    }

    @Test
    fun `linear acceleration is refused for a model of acceleration with gravity`() {
        val sources = listOf(SensorSource(Quantity.LINEAR_ACCELERATION), SensorSource(Quantity.GYROSCOPE))
        assertRefused("was trained on acceleration with gravity (TYPE_ACCELEROMETER)", sources)
    }

    @Test
    fun `a missing, superfluous or repeated sensor is refused by name`() {
        val acceleration = SensorSource(Quantity.ACCELEROMETER)
        val rotation = SensorSource(Quantity.GYROSCOPE)
        assertRefused(
            "sensors given are accelerometer, the contract needs accelerometer, gyroscope",
            listOf(acceleration),
        )
        assertRefused("magnetometer", listOf(acceleration, rotation, SensorSource(Quantity.MAGNETOMETER)))
        assertRefused("a sensor is given twice", listOf(acceleration, rotation, rotation))
    }

    @Test
    fun `a unit that a sensor cannot have and axes that are none are refused`() {
        assertThrows(ContractException::class.java) { SensorSource(Quantity.GYROSCOPE, SensorUnit.G) }
        assertThrows(ContractException::class.java) { AxisMap.of("x", "-x", "z") }
        assertThrows(ContractException::class.java) { AxisMap.of("x", "y", "up") }
    }

    @Test
    fun `sensor types are Android's`() {
        val types = Quantity.entries.associateBy { it.androidType }

        assertEquals(Quantity.ACCELEROMETER, types[1])
        assertEquals(Quantity.GYROSCOPE, Quantity.ofAndroidType(4))
        assertEquals(null, Quantity.ofAndroidType(6))
        assertFalse(types.size < Quantity.entries.size)
    }

    private companion object {
        const val HOUR_NS = 3_600 * SECOND_NS
    }

    private fun assertRefused(
        message: String,
        sources: List<SensorSource>,
    ) {
        val error = assertThrows(ContractException::class.java) { SensorPipeline(contract, sources) {} }
        assertTrue(message in error.message!!) { "said: ${error.message}" }
    }
}
