package dev.smldist.sensing

import kotlinx.serialization.json.Json
import kotlinx.serialization.json.double
import kotlinx.serialization.json.int
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import kotlinx.serialization.json.long
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.util.Base64

/** One sensor event in order of arrival. */
class Event(
    val quantity: Quantity,
    val timeNs: Long,
    val values: FloatArray,
)

/** A window as it was handed out. */
class Kept(
    window: SensorWindow,
) {
    val values: FloatArray = window.values.copyOf()
    val startNs: Long = window.startNs
    val endNs: Long = window.endNs
    val isFirst: Boolean = window.isFirst
}

/** A recording of irregular events and the windows that Python computed from it; written by `tests.replay.make`. */
class Replay(
    private val name: String,
) {
    private val expected = Json.parseToJsonElement(resource("expected.json")).jsonObject

    val contractJson: String = resource("contract.json")
    val maxGapS: Double = expected.getValue("max_gap_s").jsonPrimitive.double
    val reorderNs: Long = expected.getValue("reorder_ns").jsonPrimitive.long
    val contract: SensorContract = SensorContract.fromContract(contractJson, maxGapS)

    val events: List<Event> =
        resource("events.csv").lines().drop(1).filter { it.isNotEmpty() }.map { line ->
            val cells = line.split(",")
            val quantity = checkNotNull(Quantity.ofAndroidType(cells[0].toInt()))
            Event(quantity, cells[1].toLong(), FloatArray(3) { cells[2 + it].number() })
        }

    val startNs: List<Long> = expected.getValue("start_ns").jsonArray.map { it.jsonPrimitive.long }

    /** (N, T * C) */
    val windows: List<FloatArray> = decode(expected.getValue("windows").jsonPrimitive.content)

    fun dropped(
        quantity: Quantity,
        reason: String,
    ): Long =
        expected
            .getValue("dropped")
            .jsonObject
            .getValue(quantity.key)
            .jsonObject
            .getValue(reason)
            .jsonPrimitive
            .int
            .toLong()

    private fun decode(text: String): List<FloatArray> {
        val floats = ByteBuffer.wrap(Base64.getDecoder().decode(text)).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer()
        val size = contract.length * contract.channels.size
        return List(floats.remaining() / size) { FloatArray(size).also(floats::get) }
    }

    private fun resource(file: String): String =
        checkNotNull(javaClass.getResource("/replay/$name/$file")) { "no replay/$name/$file" }.readText()

    companion object {
        val NAMES: List<String> = listOf("watch", "pocket")

        private fun String.number(): Float = if (this == "nan") Float.NaN else toFloat()
    }
}

/** Feeds [events] to a new pipeline and returns its windows. */
fun windowsOf(
    contract: SensorContract,
    events: List<Event>,
    reorderNs: Long,
    sources: List<SensorSource> = contract.quantities.map { SensorSource(it) },
): List<Kept> {
    val kept = mutableListOf<Kept>()
    val pipeline = SensorPipeline(contract, sources, reorderNs) { kept += Kept(it) }
    for (event in events) pipeline.add(event.quantity, event.timeNs, event.values)
    pipeline.finish()
    return kept
}

/** Largest absolute difference between two lists of windows; infinite where their number differs. */
fun difference(
    one: List<FloatArray>,
    other: List<FloatArray>,
): Double {
    if (one.size != other.size) return Double.POSITIVE_INFINITY
    return one.indices.maxOfOrNull { window ->
        one[window].indices.maxOf { Math.abs(one[window][it].toDouble() - other[window][it]) }
    } ?: 0.0
}

/** A manifest.json of the least that is read from one, around the contract of [replay]. */
fun manifestOf(
    replay: Replay,
    maxGapS: Double = replay.maxGapS,
): String =
    """
    {"schema_version": 2, "name": "watch", "recipe": {"data": {"max_gap_s": $maxGapS}}, "later": [],
     "contract": ${replay.contractJson.substringAfter("\"window\":").substringBefore(",\n  \"normalisation\"")},
     "normalisation": {"mean": ${replay.contract.trainedMean}},
     "phone_obstacles": [],
     "artifacts": [{"target": "tflite", "precision": "fp32", "path": "tflite/model_fp32.tflite",
       "sha256": "${"0a".repeat(32)}", "size_bytes": 191469,
       "inputs": [{"name": "imu", "shape": [1, 1, 128, 6], "dtype": "float32", "layout": "1, 1, time, channel"}],
       "outputs": [{"name": "logits", "shape": [1, 7], "dtype": "float32", "layout": "1, class"}],
       "tool": "onnx2tf", "runtime": "LiteRT 2.3.0"}]}
    """.trimIndent()
