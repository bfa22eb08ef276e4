package dev.smldist.executorch.docs

// Shown in docs/use-a-model.md; UseAModelTest holds the two equal and runs this.

import dev.smldist.executorch.ExecuTorchClassifier
import dev.smldist.sensing.BuildManifest
import dev.smldist.sensing.Quantity
import dev.smldist.sensing.SensorPipeline
import dev.smldist.sensing.StableLabel
import java.io.File

/** The same by ExecuTorch, which maps a file: [folder] is where the pulled files lie on the phone. */
class PulledExecuTorchModel(
    folder: File,
    runtimeVersion: String,
    private val onLabel: (String?) -> Unit,
) : AutoCloseable {
    private val manifest = BuildManifest.parse(File(folder, "manifest.json").readText())
    private val contract = manifest.contract.apply { requirePhone() }
    private val file = manifest.model("executorch", "int8_static")
    private val classifier = ExecuTorchClassifier(file, contract, File(folder, file.path), runtimeVersion)
    private val stable = StableLabel(contract.labels, rejection = contract.rejection)
    private val logits = FloatArray(contract.labels.size)
    private val pipeline =
        SensorPipeline(contract) { window ->
            if (window.isFirst) stable.reset()
            classifier.classify(window.values, logits)
            stable.update(logits)
            onLabel(stable.label)
        }

    fun onEvent(
        type: Int,
        timestamp: Long,
        values: FloatArray,
    ) {
        Quantity.ofAndroidType(type)?.let { pipeline.add(it, timestamp, values) }
    }

    override fun close() = classifier.close()
}
