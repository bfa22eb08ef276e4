package dev.smldist.inference

import dev.smldist.sensing.ModelFile
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonNull
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.put

private const val WARM_UP = 5

/**
 * What one model does on this device, in the format of `verifications` in a manifest.
 *
 * @property golden the build's golden pack, with the reference's logits
 * @property test the test split with labels and subjects; null measures parity and latency alone
 * @property runs timed inferences
 */
public class Verification(
    private val golden: GoldenWindows,
    private val test: GoldenWindows?,
    private val runs: Int,
) {
    /**
     * Measures a model.
     *
     * @throws ModelException the windows do not fit the model, or it fails
     */
    public fun run(
        classifier: Classifier,
        device: String,
    ): JsonObject {
        val reference = golden.logits ?: throw ModelException("the windows hold no logits: push golden.npz of a build")
        val measured = parity(logits(classifier, golden), reference)
        val accuracy = test?.let { accuracy(logits(classifier, it), it) }
        return buildJsonObject {
            put("subject", classifier.model.path)
            put("precision", classifier.model.precision)
            put("runner", "${classifier.runtime}, $device")
            put("parity", measured)
            put("accuracy", accuracy ?: JsonNull)
            put("latency", latency(classifier))
        }
    }

    private fun logits(
        classifier: Classifier,
        windows: GoldenWindows,
    ): List<FloatArray> =
        windows.x.map { window ->
            FloatArray(windows.labels.size).also { classifier.classify(window, it) }
        }

    private fun latency(classifier: Classifier): JsonObject {
        val meter = LatencyMeter(runs)
        val logits = FloatArray(golden.labels.size)
        repeat(WARM_UP + runs) { index ->
            val begin = System.nanoTime()
            classifier.classify(golden.x[0], logits)
            if (index >= WARM_UP) meter.add(System.nanoTime() - begin)
        }
        return buildJsonObject {
            put("runs", runs)
            put("median_us", meter.percentileUs(MEDIAN))
            put("p05_us", meter.percentileUs(FAST))
            put("p95_us", meter.percentileUs(SLOW))
        }
    }

    public companion object {
        private const val MEDIAN = 0.5
        private const val FAST = 0.05
        private const val SLOW = 0.95
        private val LAYOUT = Json { prettyPrint = true }

        /** A model that this app cannot run, as a check of a manifest. */
        public fun notRun(
            model: ModelFile,
            device: String,
            why: String,
        ): JsonObject =
            buildJsonObject {
                put("gate", "runtime")
                put("target", model.target)
                put("precision", model.precision)
                put("outcome", "not_run")
                put("where", device)
                put("note", why)
            }

        /**
         * A report as `factory verify --json` writes it.
         *
         * @param name of the build
         * @param checks what was not run; the tolerances are judged on the host
         */
        public fun report(
            name: String,
            verifications: List<JsonObject>,
            checks: List<JsonObject>,
        ): String {
            val values =
                buildJsonObject {
                    put("name", name)
                    put("files", "intact")
                    put("verifications", JsonArray(verifications))
                    put("checks", JsonArray(checks))
                }
            return LAYOUT.encodeToString(JsonElement.serializer(), values) + "\n"
        }
    }
}
