package dev.smldist.sensing.docs

// Shown in docs/targets/android.md; DocsTest holds the two equal and runs this.
import dev.smldist.sensing.Quantity
import dev.smldist.sensing.SensorContract
import dev.smldist.sensing.SensorPipeline
import dev.smldist.sensing.StableLabel

/** Sensor events to a label. [infer] runs the model: `[T, C]` values of a window to logits. */
class ActivityRecognition(
    manifestJson: String,
    private val infer: (FloatArray) -> FloatArray,
    private val onLabel: (String?) -> Unit,
) {
    private val contract = SensorContract.fromManifest(manifestJson)
    private val stable = StableLabel(contract.labels, rejection = contract.rejection)
    private val pipeline =
        SensorPipeline(contract) { window ->
            if (window.isFirst) stable.reset()
            stable.update(infer(window.values))
            onLabel(stable.label)
        }

    /** Android's types of the sensors to register, at [periodUs]. */
    val sensorTypes: List<Int> = contract.quantities.map { it.androidType }
    val periodUs: Int = (1_000_000 / contract.rateHz).toInt()

    /** `onSensorChanged(event)` passes on `event.sensor.type, event.timestamp, event.values`. */
    fun onEvent(
        type: Int,
        timestamp: Long,
        values: FloatArray,
    ) {
        Quantity.ofAndroidType(type)?.let { pipeline.add(it, timestamp, values) }
    }

    /** After sensors were unregistered: the next events begin anew. */
    fun onStopped() {
        pipeline.reset()
        stable.reset()
    }
}
