package dev.smldist.sensing

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import kotlin.math.floor
import kotlin.random.Random

private const val RUNS = 40
private const val HORIZON_NS = 50_000_000L

/** Properties over seeded random recordings; the seed is in the message. */
class PropertyTest {
    private val contract = phoneContract()

    @Test
    fun `any monotone recording gives the windows of the direct computation`() =
        forSeeds { random, seed ->
            val contract =
                phoneContract(
                    rateHz = random.nextDouble(20.0, 100.0),
                    length = 40,
                    hop =
                        1 + random.nextInt(60),
                )
            val events = irregularEvents(random)

            val windows = windowsOf(contract, events, HORIZON_NS)

            assertEquals(0.0, difference(direct(contract, events), windows.map { it.values }), 1e-4, "seed $seed")
        }

    @Test
    fun `any split into batches and any interleaving of sensors gives the same windows`() =
        forSeeds { random, seed ->
            val events = irregularEvents(random)
            val acceleration = ArrayDeque(events.of(Quantity.ACCELEROMETER))
            val rotation = ArrayDeque(events.of(Quantity.GYROSCOPE))
            val batched = mutableListOf<Event>()
            while (acceleration.isNotEmpty() || rotation.isNotEmpty()) {
                val sensor = if (random.nextBoolean()) acceleration else rotation
                repeat(minOf(random.nextInt(200), sensor.size)) { batched += sensor.removeFirst() }
            }

            assertSame(windowsOf(contract, events, HORIZON_NS), windowsOf(contract, batched, HORIZON_NS), seed)
        }

    @Test
    fun `an order of arrival shuffled within the horizon gives the same windows`() =
        forSeeds { random, seed ->
            val events = irregularEvents(random)
            val arrived = events.associateWith { it.timeNs + random.nextLong(HORIZON_NS + 1) }
            val shuffled = events.sortedBy { arrived.getValue(it) }

            assertSame(windowsOf(contract, events, HORIZON_NS), windowsOf(contract, shuffled, HORIZON_NS), seed)
        }

    @Test
    fun `events twice give the same windows`() =
        forSeeds { random, seed ->
            val events = irregularEvents(random)
            val doubled = events.flatMap { event -> List(1 + random.nextInt(2)) { event } }

            assertSame(windowsOf(contract, events, HORIZON_NS), windowsOf(contract, doubled, HORIZON_NS), seed)
        }

    @Test
    fun `no window spans a gap and each is as long as the contract says`() =
        forSeeds { random, seed ->
            val events = irregularEvents(random)
            for (window in windowsOf(contract, events, HORIZON_NS)) {
                val lasts = (contract.length - 1) * SECOND_NS / contract.rateHz
                assertEquals(lasts, (window.endNs - window.startNs).toDouble(), 1.0, "seed $seed")
                for (quantity in contract.quantities) {
                    val times = events.of(quantity).map { it.timeNs }
                    val gap =
                        times.zipWithNext().find { (a, b) ->
                            b - a > 100_001_000 && a < window.endNs && b > window.startNs
                        }
                    assertEquals(null, gap, "seed $seed")
                }
            }
        }

    @Test
    fun `a linear signal is reproduced at any rate`() =
        forSeeds { random, seed ->
            val events =
                irregularEvents(random).map {
                    val value = (it.timeNs / 1e9).toFloat()
                    Event(it.quantity, it.timeNs, floatArrayOf(value, -value, 2 * value))
                }
            for (window in windowsOf(contract, events, HORIZON_NS)) {
                assertEquals(window.startNs / 1e9, window.values[0].toDouble(), 1e-5, "seed $seed")
                assertEquals(-2 * window.endNs / 1e9, -window.values.last().toDouble(), 1e-5, "seed $seed")
            }
        }

    private fun forSeeds(check: (Random, Int) -> Unit) = repeat(RUNS) { check(Random(it), it) }

    private fun assertSame(
        expected: List<Kept>,
        actual: List<Kept>,
        seed: Int,
    ) {
        assertTrue(expected.size > 3) { "seed $seed gives ${expected.size} windows" }
        assertEquals(expected.map { it.startNs }, actual.map { it.startNs }, "seed $seed")
        assertEquals(0.0, difference(expected.map { it.values }, actual.map { it.values }), "seed $seed")
    }

    /** The rule once more, over whole lists: gap-free parts, their overlaps, interpolation by search. */
    private fun direct(
        contract: SensorContract,
        events: List<Event>,
    ): List<FloatArray> {
        val parts =
            contract.quantities.associateWith {
                gapFree(
                    events.of(it),
                    (contract.maxGapS * 1e9).toLong() + 1000,
                )
            }
        val overlaps =
            parts.getValue(Quantity.ACCELEROMETER).flatMap { a ->
                parts.getValue(Quantity.GYROSCOPE).map { g -> a to g }
            }
        return overlaps.flatMap { (a, g) -> windowsOfOverlap(contract, a, g) }
    }

    private fun windowsOfOverlap(
        contract: SensorContract,
        acceleration: List<Event>,
        rotation: List<Event>,
    ): List<FloatArray> {
        val begin = maxOf(acceleration.first().timeNs, rotation.first().timeNs)
        val end = minOf(acceleration.last().timeNs, rotation.last().timeNs)
        if (begin > end) return emptyList()
        val points = floor((end - begin) * contract.rateHz / 1e9 + 1e-6).toInt() + 1
        val rows =
            List(points) { index ->
                val at = index * 1e9 / contract.rateHz
                List(3) { between(acceleration, begin, at, it) } + List(3) { between(rotation, begin, at, it) }
            }
        return (0..points - contract.length step contract.hop).map { start ->
            rows.subList(start, start + contract.length).flatten().toFloatArray()
        }
    }

    private fun between(
        events: List<Event>,
        begin: Long,
        at: Double,
        axis: Int,
    ): Float {
        val found = events.binarySearch { if (it.timeNs - begin < at) -1 else 1 }
        val right = minOf(-found - 1, events.lastIndex)
        if (right == 0) return events[0].values[axis]
        val left = events[right - 1]
        val share = (at - (left.timeNs - begin)) / (events[right].timeNs - left.timeNs)
        return (left.values[axis] * (1 - share) + events[right].values[axis] * share).toFloat()
    }

    private fun gapFree(
        events: List<Event>,
        limitNs: Long,
    ): List<List<Event>> {
        val parts = mutableListOf<MutableList<Event>>()
        for (event in events) {
            if (parts.isEmpty() || event.timeNs - parts.last().last().timeNs > limitNs) parts += mutableListOf<Event>()
            parts.last() += event
        }
        return parts
    }
}
