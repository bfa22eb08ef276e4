package dev.smldist.sensing

import kotlin.math.roundToLong

/**
 * Sensor events in, windows out, as the model's contract asks for them.
 *
 * Feed each `SensorEvent` as it comes: sensors in any interleaving, in batches or one by one, at whatever rate the phone
 * delivers. Allocates nothing an event. Use it from one thread, such as the sensor handler's.
 *
 * @param sources the sensors that will be fed; by default what the contract needs, as Android reports it
 * @param reorderNs how late an event may arrive after a newer one of the same sensor; delays windows by as much
 * @param capacity events held a sensor while another sensor's events are awaited, for example of a later batch
 * @param sink is given each window
 * @throws ContractException a phone cannot feed the model, or [sources] are not what the contract asks for
 */
public class SensorPipeline(
    private val contract: SensorContract,
    sources: List<SensorSource> = contract.quantities.map { SensorSource(it) },
    reorderNs: Long = DEFAULT_REORDER_NS,
    capacity: Int = DEFAULT_CAPACITY,
    sink: WindowSink,
) {
    private val tracks: Array<EventTrack>
    private val trackOf = IntArray(Quantity.entries.size) { -1 }
    private val channelTrack: IntArray
    private val channelAxis = IntArray(contract.channels.size) { contract.channels[it].axis.ordinal }
    private val stepper: GridStepper
    private val cutter = WindowCutter(contract, sink)
    private var unused = 0L

    init {
        contract.requirePhone()
        requireSources(contract, sources)
        require(reorderNs >= 0) { "reorderNs is $reorderNs, expected 0 or more" }
        require(capacity >= LEAST_CAPACITY) { "capacity is $capacity, expected at least $LEAST_CAPACITY events" }
        // The same limit in Python: a microsecond is forgiven, for what a clock rounds.
        val maxGapNs = (contract.maxGapS * NANOSECONDS).roundToLong() + CLOCK_NS
        tracks = Array(sources.size) { EventTrack(sources[it], capacity, reorderNs, maxGapNs) }
        tracks.forEachIndexed { index, track -> trackOf[track.quantity.ordinal] = index }
        channelTrack = IntArray(contract.channels.size) { trackOf[contract.channels[it].quantity.ordinal] }
        stepper = GridStepper(tracks, contract.rateHz)
    }

    /** With the defaults, for callers in Java. */
    public constructor(contract: SensorContract, sink: WindowSink) :
        this(contract, contract.quantities.map { SensorSource(it) }, DEFAULT_REORDER_NS, DEFAULT_CAPACITY, sink)

    /**
     * Takes in one event; an event of a sensor that the contract does not use is counted and left.
     *
     * @param timeNs `SensorEvent.timestamp`
     * @param values `SensorEvent.values`, of which the first three are read at once
     */
    public fun add(
        quantity: Quantity,
        timeNs: Long,
        values: FloatArray,
    ) {
        add(quantity, timeNs, values[0], values[1], values[2])
    }

    /** The same with the three values apart. */
    public fun add(
        quantity: Quantity,
        timeNs: Long,
        x: Float,
        y: Float,
        z: Float,
    ) {
        val index = trackOf[quantity.ordinal]
        if (index < 0) {
            unused++
            return
        }
        val track = tracks[index]
        if (track.isFull) {
            track.dropOldest()
            stepper.interrupt()
            cutter.restart()
        }
        if (track.add(timeNs, x, y, z)) {
            stepper.interrupt()
            cutter.restart()
        }
        drain()
    }

    /** Emits what the reorder horizon still held back, then is ready for another recording. */
    public fun finish() {
        for (track in tracks) track.end()
        drain()
        reset()
    }

    /** Forgets all events, for example when sensors are registered anew; counts stay. */
    public fun reset() {
        for (track in tracks) track.clear()
        stepper.clear()
        cutter.restart()
    }

    /** What was received, dropped and measured since construction. */
    public fun report(): IntakeReport =
        IntakeReport(
            sensors = tracks.map { it.report() },
            unused = unused,
            segments = cutter.segments,
            windows = cutter.windows,
        )

    private fun drain() {
        while (true) {
            when (stepper.advance()) {
                Step.WAIT -> return
                Step.BREAK -> cutter.restart()
                Step.ROW -> takeRow()
            }
        }
    }

    private fun takeRow() {
        for (channel in channelTrack.indices) {
            cutter.row[channel] = stepper.value(channelTrack[channel], channelAxis[channel])
        }
        if (cutter.push()) cutter.emit(stepper.timeOf(contract.length - 1), stepper.timeNs)
    }

    public companion object {
        /** 50 ms: more than HALs are seen to swap, little against a window. */
        public const val DEFAULT_REORDER_NS: Long = 50_000_000

        /** More than a minute at 110 Hz. */
        public const val DEFAULT_CAPACITY: Int = 8192
        private const val LEAST_CAPACITY = 64
        private const val CLOCK_NS = 1_000L
    }
}

private fun requireSources(
    contract: SensorContract,
    sources: List<SensorSource>,
) {
    val given = sources.map { it.quantity }
    val needed = contract.quantities
    if (given.distinct().size != given.size) throw ContractException("a sensor is given twice: ${given.keys()}")
    if (Quantity.LINEAR_ACCELERATION in given && Quantity.LINEAR_ACCELERATION !in needed) {
        throw ContractException(
            "the model '${contract.name}' was trained on acceleration with gravity (TYPE_ACCELEROMETER), and " +
                "linear_acceleration (TYPE_LINEAR_ACCELERATION) lacks it: register the accelerometer",
        )
    }
    if (given.toSet() != needed.toSet()) {
        throw ContractException("sensors given are ${given.keys()}, the contract needs ${needed.keys()}")
    }
}

private fun List<Quantity>.keys(): String = joinToString { it.key }
