package dev.smldist.app

import dev.smldist.inference.Classifier
import dev.smldist.inference.LatencyMeter
import dev.smldist.sensing.Quantity
import dev.smldist.sensing.SensorContract
import dev.smldist.sensing.SensorPipeline
import dev.smldist.sensing.SensorWindow
import dev.smldist.sensing.SignalCheck
import dev.smldist.sensing.SignalVerdict
import dev.smldist.sensing.StableLabel

/**
 * Sensor events to answers. Use it from one thread, and [close] it there.
 *
 * @param onWindow is told each window, for recording
 * @param onAnswer is called after each window
 */
internal class Recognizer(
    private val contract: SensorContract,
    private val classifier: Classifier,
    private val onWindow: (SensorWindow) -> Unit,
    private val onAnswer: (Recognition) -> Unit,
) : AutoCloseable {
    private val stable = StableLabel(contract.labels)
    private val check = SignalCheck(contract)
    private val latency = LatencyMeter()
    private val logits = FloatArray(contract.labels.size)
    private val pipeline = SensorPipeline(contract, sink = ::take)
    private var receivedBefore = 0L

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

    /** What is odd since the last call; call it once a second. */
    fun notice(health: Health): Notice? {
        val silent = health.received == receivedBefore
        receivedBefore = health.received
        return when {
            silent -> Notice.NO_EVENTS
            check.verdict == SignalVerdict.LOOKS_LIKE_G -> Notice.LOOKS_LIKE_G
            check.verdict == SignalVerdict.LACKS_GRAVITY -> Notice.LACKS_GRAVITY
            check.verdict == SignalVerdict.TOO_LARGE -> Notice.TOO_LARGE
            health.rateHz != null && health.rateHz < contract.rateHz * LEAST_SHARE -> Notice.LOW_RATE
            else -> null
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
        onAnswer(Recognition(stable.label, stable.probabilities.toList()))
    }

    private companion object {
        const val MEDIAN = 0.5
        const val SLOW = 0.95

        /** Phones that are asked for 50 Hz deliver 40 and more; interpolating that far is harmless. */
        const val LEAST_SHARE = 0.8
    }
}
