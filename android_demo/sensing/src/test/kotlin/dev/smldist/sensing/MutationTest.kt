package dev.smldist.sensing

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNotEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.ValueSource

private const val TOLERANCE = 1e-5

/** What a wrong app does to the replay; each mistake must move the windows or the label. */
class MutationTest {
    @ParameterizedTest
    @ValueSource(strings = ["watch", "pocket"])
    fun `swapped axes fail`(name: String) =
        assertFails(name, sources = listOf(source(AxisMap.of("y", "x", "z")), SensorSource(Quantity.GYROSCOPE)))

    @ParameterizedTest
    @ValueSource(strings = ["watch", "pocket"])
    fun `a turned sign fails`(name: String) =
        assertFails(name, sources = listOf(source(AxisMap.of("x", "y", "-z")), SensorSource(Quantity.GYROSCOPE)))

    @ParameterizedTest
    @ValueSource(strings = ["watch", "pocket"])
    fun `acceleration in g fails, unless it is said to be in g`(name: String) {
        val inG = Replay(name).events.map { it.scaled(Quantity.ACCELEROMETER, 1 / 9.80665) }

        assertFails(name, events = inG)
        val said = listOf(SensorSource(Quantity.ACCELEROMETER, SensorUnit.G), SensorSource(Quantity.GYROSCOPE))
        assertMatches(name, events = inG, sources = said)
    }

    @ParameterizedTest
    @ValueSource(strings = ["watch", "pocket"])
    fun `degrees a second fail, unless they are said to be`(name: String) {
        val degrees = Replay(name).events.map { it.scaled(Quantity.GYROSCOPE, 180 / Math.PI) }

        assertFails(name, events = degrees)
        val said =
            listOf(SensorSource(Quantity.ACCELEROMETER), SensorSource(Quantity.GYROSCOPE, SensorUnit.DEGREE_PER_SECOND))
        assertMatches(name, events = degrees, sources = said)
    }

    @ParameterizedTest
    @ValueSource(strings = ["watch", "pocket"])
    fun `a mounted sensor matches once its axes are named`(name: String) {
        val mounted =
            Replay(name).events.map {
                val (x, y, z) = it.values
                Event(it.quantity, it.timeNs, floatArrayOf(-y, x, z))
            }
        val axes = AxisMap.of("y", "-x", "z")

        assertFails(name, events = mounted)
        assertMatches(
            name,
            events = mounted,
            sources = listOf(source(axes), SensorSource(Quantity.GYROSCOPE, axes = axes)),
        )
    }

    @ParameterizedTest
    @ValueSource(strings = ["watch", "pocket"])
    fun `another rate, length, hop, gap or channel order fails`(name: String) {
        val contract = Replay(name).contract
        assertFails(name, contract = contract.copy(rateHz = contract.rateHz * 1.01))
        assertFails(name, contract = contract.copy(length = contract.length - 1))
        assertFails(name, contract = contract.copy(hop = contract.hop + 1))
        assertFails(name, contract = contract.copy(maxGapS = 1.0))
        assertFails(name, contract = contract.copy(channels = contract.channels.reversed()))
    }

    @ParameterizedTest
    @ValueSource(strings = ["watch", "pocket"])
    fun `events counted instead of resampled fail`(name: String) {
        val replay = Replay(name)
        val counts = IntArray(Quantity.entries.size)
        val counted =
            replay.events.map {
                val step = SECOND_NS / replay.contract.rateHz
                Event(it.quantity, (counts[it.quantity.ordinal]++ * step).toLong(), it.values)
            }

        assertFails(name, events = counted)
    }

    @ParameterizedTest
    @ValueSource(strings = ["watch", "pocket"])
    fun `a shuffled label list gives another label`(name: String) {
        val labels = Replay(name).contract.labels
        val logits = FloatArray(labels.size) { if (it == 1) 9f else 0f }

        val right = StableLabel(labels).apply { update(logits) }
        val wrong = StableLabel(labels.reversed()).apply { update(logits) }

        assertEquals(labels[1], right.label)
        assertNotEquals(right.label, wrong.label)
    }

    private fun source(axes: AxisMap) = SensorSource(Quantity.ACCELEROMETER, axes = axes)

    private fun Event.scaled(
        quantity: Quantity,
        by: Double,
    ) = if (this.quantity == quantity) Event(quantity, timeNs, FloatArray(3) { (values[it] * by).toFloat() }) else this

    private fun assertMatches(
        name: String,
        events: List<Event> = Replay(name).events,
        sources: List<SensorSource>,
    ) {
        val replay = Replay(name)
        val windows = windowsOf(replay.contract, events, replay.reorderNs, sources)
        // Values went through another unit and back, which costs two roundings.
        assertTrue(difference(replay.windows, windows.map { it.values }) <= 2 * TOLERANCE)
    }

    private fun assertFails(
        name: String,
        events: List<Event> = Replay(name).events,
        contract: SensorContract = Replay(name).contract,
        sources: List<SensorSource> = contract.quantities.map { SensorSource(it) },
    ) {
        val replay = Replay(name)
        val windows = windowsOf(contract, events, replay.reorderNs, sources)
        val same =
            windows.map { it.startNs } == replay.startNs && windows.all { it.values.size == replay.windows[0].size }
        assertTrue(
            !same || difference(replay.windows, windows.map { it.values }) > TOLERANCE,
        ) { "$name went unnoticed" }
    }
}
