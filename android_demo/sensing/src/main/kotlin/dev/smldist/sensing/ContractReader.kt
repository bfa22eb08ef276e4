package dev.smldist.sensing

/** The schema version that this library reads, of contract.json and manifest.json alike. */
internal const val SCHEMA_VERSION = 1

private const val MOST_SAMPLES = 4096
private const val FEWEST_SAMPLES = 8
private const val HIGHEST_RATE_HZ = 1000.0
private const val RESAMPLING = "linear_by_timestamp"

internal fun requireSchema(top: JsonNode) {
    val version = top["schema_version"]
    if (version.int() != SCHEMA_VERSION) {
        throw version.wrong("$SCHEMA_VERSION: update this library, or build with a factory that writes that version")
    }
}

/** The sensor contract in [window]; [top] holds the name and the obstacles of its file. */
internal fun readContract(
    top: JsonNode,
    window: JsonNode,
    maxGapS: Double,
): SensorContract {
    val contract =
        SensorContract(
            name = top["name"].text(),
            channels = window["channels"].items().map(::readChannel),
            rateHz = window["rate_hz"].within("a rate above 0 and up to 1000") { it > 0 && it <= HIGHEST_RATE_HZ },
            length = window["length"].within(FEWEST_SAMPLES),
            hop = window["hop"].within(1),
            labels = window["labels"].items().map { it.text() },
            axes = window["axes"].text(),
            maxGapS = maxGapS,
            obstacles = top["phone_obstacles"].items().map { it.text() },
        )
    requireDistinct(window["channels"], contract.channels.map { it.name }, 1)
    requireDistinct(window["labels"], contract.labels, 2)
    requireReproducible(window, contract)
    return contract
}

private fun readChannel(node: JsonNode): Channel {
    val quantity = node["quantity"].choice(Quantity.entries) { it.key }
    val unit = node["unit"].choice(SensorUnit.entries) { it.key }
    val gravity = node["gravity"].flag()
    if (quantity != Quantity.MAGNETOMETER && unit != quantity.unit) {
        throw node["unit"].wrong("${quantity.unit.key}, the SI unit of ${quantity.key}")
    }
    if (gravity && quantity != Quantity.ACCELEROMETER) {
        throw node["gravity"].wrong("false: ${quantity.key} holds no gravity")
    }
    return Channel(
        name = node["name"].text(),
        quantity = quantity,
        axis = node["axis"].choice(Axis.entries) { it.name.lowercase() },
        unit = unit,
        gravity = gravity,
        placement = node["placement"].text(),
    )
}

/** A contract that claims to be a phone's but asks for what this library does not do is refused, not approximated. */
private fun requireReproducible(
    window: JsonNode,
    contract: SensorContract,
) {
    if (contract.obstacles.isNotEmpty()) return // says so itself, see SensorContract.requirePhone
    window["resampling"].let { if (it.text() != RESAMPLING) throw it.wrong("\"$RESAMPLING\" without phone_obstacles") }
    window["filters"].let { if (it.items().isNotEmpty()) throw it.wrong("no filters without phone_obstacles") }
    val odd = contract.channels.indexOfFirst { it.quantity == Quantity.ACCELEROMETER && !it.gravity }
    if (odd >= 0) throw window["channels"].items()[odd]["gravity"].wrong("true without phone_obstacles")
    val places = contract.channels.map { it.placement }.distinct()
    if (places.size > 1) throw window["channels"].wrong("one placement without phone_obstacles, not $places")
}

private fun requireDistinct(
    node: JsonNode,
    names: List<String>,
    fewest: Int,
) {
    if (names.size < fewest || names.distinct().size != names.size) {
        throw node.wrong("at least $fewest, each name once")
    }
}

private fun JsonNode.within(fewest: Int): Int =
    int().takeIf { it in fewest..MOST_SAMPLES } ?: throw wrong("a whole number from $fewest to $MOST_SAMPLES")

internal fun JsonNode.within(
    expected: String,
    allowed: (Double) -> Boolean,
): Double = number().takeIf(allowed) ?: throw wrong(expected)

internal fun <T> JsonNode.choice(
    among: List<T>,
    key: (T) -> String,
): T {
    val text = text()
    return among.find { key(it) == text } ?: throw wrong("one of ${among.joinToString { key(it) }}")
}
