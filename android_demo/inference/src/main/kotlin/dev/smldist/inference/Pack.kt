package dev.smldist.inference

import dev.smldist.sensing.BuildManifest
import dev.smldist.sensing.ContractException
import dev.smldist.sensing.JsonFile
import dev.smldist.sensing.ModelFile
import kotlinx.serialization.SerialName
import kotlinx.serialization.Serializable
import java.io.IOException

/**
 * The assets: a copy of the folder `android/` that `factory build --target android` writes. A file's hash is checked when it
 * is read.
 *
 * @property manifest of the build, with the sensor contract
 * @property models those of the manifest that were packed
 */
public class Pack private constructor(
    private val files: CheckedFiles,
    public val manifest: BuildManifest,
    public val models: List<ModelFile>,
    private val expected: Map<String, PackedModel>,
) {
    /**
     * One asset's content.
     *
     * @throws ModelException missing, or not what was packed
     */
    public fun file(path: String): ByteArray = files.read(path)

    /**
     * The known windows of a model.
     *
     * @throws ModelException damaged
     */
    public fun selfTest(model: ModelFile): SelfTest {
        val wanted = expected.getValue(model.path)
        return SelfTest(GoldenWindows.read(file("selftest.npz")).x, wanted.logits, wanted.maxAbs, wanted.xnnpackMeanAbs)
    }

    private class CheckedFiles(
        private val open: (String) -> ByteArray,
        private val hashes: Map<String, String>,
    ) {
        fun read(path: String): ByteArray {
            val hash = hashes[path] ?: throw ModelException("pack.json does not list $path: $REINSTALL")
            return opened(path, open).also { requireSha256(path, it, hash) }
        }
    }

    public companion object {
        /** The file that names and checks all others. */
        public const val INDEX: String = "pack.json"
        private const val SCHEMA_VERSION = 1

        /**
         * Reads the index and the manifest.
         *
         * @param open gives an asset's content; throws IOException where there is none
         * @throws ModelException a file is missing, damaged or of another version; names it
         * @throws dev.smldist.sensing.ContractException the manifest cannot be used
         */
        public fun read(open: (String) -> ByteArray): Pack {
            val index = readIndex(opened(INDEX, open).decodeToString())
            val files = CheckedFiles(open, index.files.associate { it.path to it.sha256 })
            val manifest = BuildManifest.parse(files.read("manifest.json").decodeToString())
            val expected = index.models.associateBy { it.path }
            return Pack(files, manifest, manifest.models.filter { it.path in expected }, expected)
        }

        private fun readIndex(text: String): PackIndex =
            readable {
                val file = JsonFile(INDEX, text)
                val version = file.read(PackVersion.serializer()).schemaVersion
                if (version != SCHEMA_VERSION) {
                    val expected = "this app reads $SCHEMA_VERSION: update it"
                    throw ModelException("$INDEX has schema version $version, $expected")
                }
                file.read(PackIndex.serializer())
            }

        private fun opened(
            path: String,
            open: (String) -> ByteArray,
        ): ByteArray =
            try {
                open(path)
            } catch (error: IOException) {
                throw ModelException("$path is not among the assets (${error.message}): $REINSTALL", error)
            }
    }
}

@Serializable
private class PackVersion(
    @SerialName("schema_version") val schemaVersion: Int,
)

/** pack.json. */
@Serializable
private class PackIndex(
    val files: List<PackedFile>,
    val models: List<PackedModel>,
)

@Serializable
private class PackedFile(
    val path: String,
    val sha256: String,
)

/** A model with the logits that it must give for the windows of the self-test, and the largest error allowed. */
@Serializable
private class PackedModel(
    val path: String,
    @SerialName("max_abs") val maxAbs: Float,
    val logits: List<FloatArray>,
    @SerialName("xnnpack_mean_abs") val xnnpackMeanAbs: Float? = null,
)

/** Turns a JSON file that cannot be used into the error of an asset. */
internal fun <T> readable(read: () -> T): T =
    try {
        read()
    } catch (error: ContractException) {
        throw ModelException("${error.message}: $REINSTALL", error)
    }
