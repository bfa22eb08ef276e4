package dev.smldist.recognizer

import dev.smldist.inference.Classifier
import dev.smldist.inference.LatencyMeter
import dev.smldist.sensing.AxisMap
import dev.smldist.sensing.Quantity
import dev.smldist.sensing.SensorContract
import dev.smldist.sensing.SensorPipeline
import dev.smldist.sensing.SensorSource
import dev.smldist.sensing.SensorWindow
import dev.smldist.sensing.SignalCheck
import dev.smldist.sensing.SignalVerdict
import dev.smldist.sensing.StableLabel
import kotlin.math.ceil

/**
 * Sensor events to answers. Use it from one thread, and [close] it there.
 *
 * @param axes which axes of the sensors are the model's
 * @param batchS how long events may be held back, in seconds
 * @param standing what is odd as long as nothing worse is
 * @param onWindow is told each window once it is answered
 */
internal class WindowAnswers(
    private val contract: SensorContract,
    private val classifier: Classifier,
    axes: AxisMap,
    batchS: Double,
    private val standing: Notice?,
    private val onWindow: (SensorWindow) -> Unit,
) : AutoCloseable {
    private val stable = StableLabel(contract.labels, rejection = contract.rejection)
    private val check = SignalCheck(contract)
    private val latency = LatencyMeter()
    private val logits = FloatArray(contract.labels.size)
    private val pipeline =
        SensorPipeline(contract, contract.quantities.map { SensorSource(it, axes = axes) }, sink = ::take)
    private var before = pipeline.report()
    private val silentLooks = IntArray(contract.quantities.size)
    private var looksWithoutWindow = 0
    private var looksToTellRestart = 0

    /** Looks at which a sensor may deliver nothing because its events are held back. */
    private val batchLooks = ceil(batchS).toInt()

    /** Looks between two windows, at which none can come. */
    private val patience = LEAST_PATIENCE + batchLooks + ceil(contract.hop / contract.rateHz).toInt()

    /** Place of the answer among the labels, or [StableLabel.NONE]. */
    val index: Int get() = stable.index

    /** Smoothed, in the order of the labels. */
    val probabilities: FloatArray get() = stable.probabilities

    /** Takes in one event. */
    fun add(
        quantity: Quantity,
        timeNs: Long,
        values: FloatArray,
    ) {
        pipeline.add(quantity, timeNs, values)
    }

    /** What was measured up to now. */
    fun health(): Health {
        val sensors = pipeline.report().sensors
        return Health(
            rateHz = sensors.mapNotNull { it.rateHz }.minOrNull(),
            received = sensors.sumOf { it.received },
            dropped = sensors.sumOf { it.received - it.used },
            p50Us = latency.percentileUs(MEDIAN),
            p95Us = latency.percentileUs(SLOW),
        )
    }

    /** What is odd since the last call; call it once a second. An answer that became too old is taken back. */
    fun look(): Notice? {
        val now = pipeline.report()
        now.sensors.zip(before.sensors).forEachIndexed { place, (new, old) ->
            silentLooks[place] = if (new.received == old.received) silentLooks[place] + 1 else 0
        }
        val silent = silentLooks.any { it > batchLooks }
        looksWithoutWindow = if (now.windows == before.windows) looksWithoutWindow + 1 else 0
        val restarted = now.sensors.sumOf { it.restarts } != before.sensors.sumOf { it.restarts }
        looksToTellRestart = if (restarted) TOLD else maxOf(0, looksToTellRestart - 1)
        before = now
        if (silent || looksWithoutWindow > patience) stable.reset()
        val rateHz = now.sensors.mapNotNull { it.rateHz }.minOrNull()
        return when {
            silent -> Notice.SILENT
            looksToTellRestart > 0 -> Notice.CLOCK_WENT_BACK
            check.verdict == SignalVerdict.LOOKS_LIKE_G -> Notice.LOOKS_LIKE_G
            check.verdict == SignalVerdict.LACKS_GRAVITY -> Notice.LACKS_GRAVITY
            check.verdict == SignalVerdict.TOO_LARGE -> Notice.TOO_LARGE
            check.verdict == SignalVerdict.TURNED -> Notice.TURNED
            rateHz != null && rateHz < contract.rateHz * LEAST_SHARE -> Notice.LOW_RATE
            else -> standing
        }
    }

    override fun close() {
        classifier.close()
    }

    private fun take(window: SensorWindow) {
        if (window.isFirst) stable.reset()
        check.update(window)
        val begin = System.nanoTime()
        classifier.classify(window.values, logits)
        latency.add(System.nanoTime() - begin)
        stable.update(logits)
        onWindow(window)
    }

    private companion object {
        const val LEAST_PATIENCE = 2

        /** Looks at which a restart is told. */
        const val TOLD = 10
        const val MEDIAN = 0.5
        const val SLOW = 0.95

        /** Phones that are asked for 50 Hz deliver 40 and more; interpolating that far is harmless. */
        const val LEAST_SHARE = 0.8
    }
}
