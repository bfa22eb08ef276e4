package dev.smldist.sensing

import kotlinx.serialization.SerialName
import kotlinx.serialization.Serializable
import kotlinx.serialization.json.JsonElement

/** The schema version of contract.json that this library reads. */
internal const val CONTRACT_SCHEMA = 1

/** The schema version of manifest.json that this library reads. */
internal const val MANIFEST_SCHEMA = 2

private const val MOST_SAMPLES = 4096
private const val FEWEST_SAMPLES = 8
private const val HIGHEST_RATE_HZ = 1000.0
private const val HIGHEST_TEMPERATURE = 100f
private const val RESAMPLING = "linear_by_timestamp"

@Serializable
private class SchemaFields(
    @SerialName("schema_version") val schemaVersion: Int,
)

/** `window` of a contract.json, `contract` of a manifest.json. */
@Serializable
internal class WindowFields(
    val channels: List<Channel>,
    @SerialName("rate_hz") val rateHz: Double,
    val length: Int,
    val hop: Int,
    val labels: List<String>,
    val axes: String,
    val resampling: String,
    val filters: List<JsonElement>,
)

/** `normalisation` of either: it stands inside the model, and tells here what the model was trained on. */
@Serializable
internal class NormalisationFields(
    val mean: List<Double> = emptyList(),
)

/** contract.json. */
@Serializable
internal class ContractFields(
    val name: String,
    val window: WindowFields,
    @SerialName("phone_obstacles") val obstacles: List<String>,
    val rejection: Rejection = Rejection(),
    val normalisation: NormalisationFields = NormalisationFields(),
)

/** A JSON file of schema version [expected]; of another version nothing else is read. */
internal fun openSchema(
    name: String,
    text: String,
    expected: Int,
): JsonFile {
    val file = JsonFile(name, text)
    val version = file.read(SchemaFields.serializer()).schemaVersion
    if (version != expected) {
        val remedy = "update this library, or build with a factory that writes that version"
        throw wrong("$name.schema_version", version, "$expected: $remedy")
    }
    return file
}

/** The sensor contract of [window], which stands at [path] in its file. */
internal fun contractOf(
    name: String,
    window: WindowFields,
    path: String,
    maxGapS: Double,
    obstacles: List<String>,
): SensorContract {
    requireRange(window, path)
    window.channels.forEachIndexed { index, channel -> requireSi(channel, "$path.channels[$index]") }
    requireDistinct("$path.channels", window.channels.map { it.name }, 1)
    requireDistinct("$path.labels", window.labels, 2)
    // A contract that names its obstacles says so itself, see SensorContract.requirePhone.
    if (obstacles.isEmpty()) requireReproducible(window, path)
    return SensorContract(
        name = name,
        channels = window.channels,
        rateHz = window.rateHz,
        length = window.length,
        hop = window.hop,
        labels = window.labels,
        axes = window.axes,
        maxGapS = maxGapS,
        obstacles = obstacles,
    )
}

/** [rejection], which stands at [path] in its file, if its numbers mean something. */
internal fun usable(
    rejection: Rejection,
    path: String,
): Rejection {
    if (!(rejection.temperature > 0 && rejection.temperature <= HIGHEST_TEMPERATURE)) {
        throw wrong("$path.temperature", rejection.temperature, "above 0 and up to 100")
    }
    if (rejection.threshold !in 0f..<1f) throw wrong("$path.threshold", rejection.threshold, "from 0 to below 1")
    return rejection
}

/** The means in [normalisation], which stands at [path] in its file, if they are those of the channels. */
internal fun fitting(
    normalisation: NormalisationFields,
    contract: SensorContract,
    path: String,
): List<Double> {
    val mean = normalisation.mean
    if (mean.isNotEmpty() && mean.size != contract.channels.size) {
        throw wrong("$path.mean", mean, "${contract.channels.size} numbers, one a channel")
    }
    return mean
}

private fun requireRange(
    window: WindowFields,
    path: String,
) {
    if (!(window.rateHz > 0 && window.rateHz <= HIGHEST_RATE_HZ)) {
        throw wrong("$path.rate_hz", window.rateHz, "a rate above 0 and up to 1000")
    }
    requireSamples("$path.length", window.length, FEWEST_SAMPLES)
    requireSamples("$path.hop", window.hop, 1)
}

private fun requireSamples(
    path: String,
    samples: Int,
    fewest: Int,
) {
    if (samples !in fewest..MOST_SAMPLES) throw wrong(path, samples, "a whole number from $fewest to $MOST_SAMPLES")
}

private fun requireSi(
    channel: Channel,
    path: String,
) {
    val quantity = channel.quantity
    if (quantity != Quantity.MAGNETOMETER && channel.unit != quantity.unit) {
        throw wrong("$path.unit", channel.unit.key, "${quantity.unit.key}, the SI unit of ${quantity.key}")
    }
    if (channel.gravity && quantity != Quantity.ACCELEROMETER) {
        throw wrong("$path.gravity", true, "false: ${quantity.key} holds no gravity")
    }
}

/** A contract that claims to be a phone's but asks for what this library does not do is refused, not approximated. */
private fun requireReproducible(
    window: WindowFields,
    path: String,
) {
    if (window.resampling != RESAMPLING) {
        throw wrong("$path.resampling", window.resampling, "\"$RESAMPLING\" without phone_obstacles")
    }
    if (window.filters.isNotEmpty()) throw wrong("$path.filters", window.filters, "no filters without phone_obstacles")
    val odd = window.channels.indexOfFirst { it.quantity == Quantity.ACCELEROMETER && !it.gravity }
    if (odd >= 0) throw wrong("$path.channels[$odd].gravity", false, "true without phone_obstacles")
    val places = window.channels.map { it.placement }.distinct()
    if (places.size > 1) throw wrong("$path.channels", places, "one placement without phone_obstacles")
}

private fun requireDistinct(
    path: String,
    names: List<String>,
    fewest: Int,
) {
    if (names.size < fewest || names.distinct().size != names.size) {
        throw wrong(path, names, "at least $fewest, each name once")
    }
}
