package dev.smldist.sensing

import kotlinx.serialization.SerialName
import kotlinx.serialization.Serializable

/** One input or output of a model file. */
@Serializable
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
@Serializable
public data class ModelFile(
    val target: String,
    val precision: String,
    val variant: String = "",
    val path: String,
    val sha256: String,
    @SerialName("size_bytes") val sizeBytes: Long,
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
            val fields = openSchema(FILE, text, MANIFEST_SCHEMA).read(ManifestFields.serializer())
            val maxGapS = fields.recipe.data.maxGapS
            if (maxGapS <= 0) throw wrong("$FILE.recipe.data.max_gap_s", maxGapS, "seconds above 0")
            fields.artifacts.forEachIndexed { index, model ->
                if (!SHA256.matches(model.sha256)) {
                    throw wrong("$FILE.artifacts[$index].sha256", model.sha256, "64 hex digits")
                }
            }
            val contract =
                contractOf(fields.name, fields.contract, "$FILE.contract", maxGapS, fields.obstacles)
            val whole =
                contract.copy(
                    rejection = usable(fields.rejection, "$FILE.rejection"),
                    trainedMean = fitting(fields.normalisation, contract, "$FILE.normalisation"),
                )
            return BuildManifest(whole, fields.artifacts)
        }
    }
}

private const val FILE = "manifest.json"
private val SHA256 = Regex("[0-9a-f]{64}")

@Serializable
private class ManifestFields(
    val name: String,
    val recipe: RecipeFields,
    val contract: WindowFields,
    @SerialName("phone_obstacles") val obstacles: List<String>,
    val artifacts: List<ModelFile>,
    val rejection: Rejection = Rejection(),
    val normalisation: NormalisationFields = NormalisationFields(),
)

@Serializable
private class RecipeFields(
    val data: DataFields,
)

@Serializable
private class DataFields(
    @SerialName("max_gap_s") val maxGapS: Double,
)
