package dev.smldist.litert.docs

// Shown in docs/use-a-model.md; UseAModelTest holds the two equal and runs this.

import dev.smldist.litert.LiteRtClassifier
import dev.smldist.sensing.BuildManifest
import dev.smldist.sensing.Quantity
import dev.smldist.sensing.SensorPipeline
import dev.smldist.sensing.StableLabel

/** Sensor events to a label, by the files of `factory pull`. [open] gives one's content; use it from one thread. */
class PulledModel(
    open: (String) -> ByteArray,
    private val onLabel: (String?) -> Unit,
) : AutoCloseable {
    private val manifest = BuildManifest.parse(open("manifest.json").decodeToString())
    private val contract = manifest.contract.apply { requirePhone() }
    private val file = manifest.model("tflite", "int8_static")
    private val classifier = LiteRtClassifier(file, contract, open(file.path))
    private val stable = StableLabel(contract.labels, rejection = contract.rejection)
    private val logits = FloatArray(contract.labels.size)
    private val pipeline =
        SensorPipeline(contract) { window ->
            if (window.isFirst) stable.reset()
            classifier.classify(window.values, logits)
            stable.update(logits)
            onLabel(stable.label)
        }

    /** Android's types of the sensors to register, and the period to ask for. */
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

    override fun close() = classifier.close()
}
