package dev.smldist.sensing

/** One input or output of a model file. */
public data class TensorShape(
    val name: String,
    val shape: List<Int>,
    val dtype: String,
    val layout: String,
)

/**
 * A model file of a build.
 *
 * @property path relative to the build folder
 * @property runtime the oldest runtime known to run it, in words
 */
public data class ModelFile(
    val target: String,
    val precision: String,
    val variant: String,
    val path: String,
    val sha256: String,
    val sizeBytes: Long,
    val inputs: List<TensorShape>,
    val outputs: List<TensorShape>,
    val tool: String,
    val runtime: String,
)

/** manifest.json of a factory build: the sensor contract and the model files that were verified with it. */
public data class BuildManifest(
    val contract: SensorContract,
    val models: List<ModelFile>,
) {
    /** The file of [target] in [precision]; [ContractException] lists what there is. */
    public fun model(
        target: String,
        precision: String,
    ): ModelFile =
        models.find { it.target == target && it.precision == precision && it.variant.isEmpty() }
            ?: throw ContractException(
                "the build holds no $target file in $precision: it has " +
                    models.joinToString { "${it.target} ${it.precision}" }.ifEmpty { "none" },
            )

    public companion object {
        /**
         * Reads a manifest.json. Keys it does not know are skipped, for later builds of the same schema version add some.
         *
         * @throws ContractException unknown schema version, missing field, wrong type or impossible value
         */
        public fun parse(text: String): BuildManifest {
            val top = JsonNode.parse("manifest.json", text)
            requireSchema(top)
            val maxGapS = top["recipe"]["data"]["max_gap_s"].within("seconds above 0") { it > 0 }
            return BuildManifest(
                contract = readContract(top, top["contract"], maxGapS),
                models = top["artifacts"].items().map(::readModel),
            )
        }
    }
}

private val SHA256 = Regex("[0-9a-f]{64}")

private fun readModel(node: JsonNode): ModelFile =
    ModelFile(
        target = node["target"].text(),
        precision = node["precision"].text(),
        variant = node.find("variant")?.text().orEmpty(),
        path = node["path"].text(),
        sha256 = node["sha256"].let { if (SHA256.matches(it.text())) it.text() else throw it.wrong("64 hex digits") },
        sizeBytes = node["size_bytes"].long(),
        inputs = node["inputs"].items().map(::readTensor),
        outputs = node["outputs"].items().map(::readTensor),
        tool = node["tool"].text(),
        runtime = node["runtime"].text(),
    )

private fun readTensor(node: JsonNode): TensorShape =
    TensorShape(
        name = node["name"].text(),
        shape = node["shape"].items().map { it.int() },
        dtype = node["dtype"].text(),
        layout = node["layout"].text(),
    )
