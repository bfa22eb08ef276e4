package dev.smldist.litert.docs

import dev.smldist.inference.Pack
import dev.smldist.litert.LiteRtClassifier
import dev.smldist.sensing.Quantity
import dev.smldist.sensing.SensorPipeline
import dev.smldist.sensing.StableLabel

/** Sensor events to a label, by a model of `android/`. [open] gives an asset's content; use it from one thread. */
class PhoneModel(
    open: (String) -> ByteArray,
    private val onLabel: (String?) -> Unit,
) : AutoCloseable {
    private val pack = Pack.read(open)
    private val contract = pack.manifest.contract.apply { requirePhone() }
    private val file = pack.manifest.model("tflite", "fp32")
    private val classifier = LiteRtClassifier(file, contract, pack.file(file.path))
    private val stable = StableLabel(contract.labels, rejection = contract.rejection)
    private val logits = FloatArray(contract.labels.size)
    private val pipeline =
        SensorPipeline(contract) { window ->
            if (window.isFirst) stable.reset()
            classifier.classify(window.values, logits)
            stable.update(logits)
            onLabel(stable.label)
        }

    /** Known windows must give the known scores on this very phone: show nothing if they do not. */
    fun passesSelfTest(): Boolean = pack.selfTest(file).run(classifier).passed

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
