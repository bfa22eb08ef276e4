package dev.smldist.inference

import dev.smldist.sensing.BuildManifest
import dev.smldist.sensing.ModelFile
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.float
import kotlinx.serialization.json.int
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
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
    private val expected: Map<String, Expected>,
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
        return SelfTest(GoldenWindows.read(file("selftest.npz")).x, wanted.logits, wanted.maxAbs)
    }

    private class Expected(
        val maxAbs: Float,
        val logits: List<FloatArray>,
    )

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
        private const val INDEX = "pack.json"
        private const val SCHEMA_VERSION = 1

        /**
         * Reads the index and the manifest.
         *
         * @param open gives an asset's content; throws IOException where there is none
         * @throws ModelException a file is missing, damaged or of another version; names it
         * @throws dev.smldist.sensing.ContractException the manifest cannot be used
         */
        public fun read(open: (String) -> ByteArray): Pack {
            val content = opened(INDEX, open).decodeToString()
            val (hashes, expected) = malformed(INDEX) { readIndex(Json.parseToJsonElement(content).jsonObject) }
            val files = CheckedFiles(open, hashes)
            val manifest = BuildManifest.parse(files.read("manifest.json").decodeToString())
            return Pack(files, manifest, manifest.models.filter { it.path in expected }, expected)
        }

        private fun readIndex(index: JsonObject): Pair<Map<String, String>, Map<String, Expected>> {
            val version = index.getValue("schema_version").jsonPrimitive.int
            if (version != SCHEMA_VERSION) {
                throw ModelException("$INDEX has schema version $version, this app reads $SCHEMA_VERSION: update it")
            }
            val files = index.getValue("files").jsonArray.map { it.jsonObject }
            val models = index.getValue("models").jsonArray.map { it.jsonObject }
            val hashes = files.associate { it.text("path") to it.text("sha256") }
            return hashes to models.associate { it.text("path") to expected(it) }
        }

        private fun expected(values: JsonObject): Expected {
            val rows = values.getValue("logits").jsonArray.map { row -> row.jsonArray.map { it.jsonPrimitive.float } }
            return Expected(values.getValue("max_abs").jsonPrimitive.float, rows.map { it.toFloatArray() })
        }

        private fun JsonObject.text(key: String): String = getValue(key).jsonPrimitive.content

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

/** Turns what a JSON reader throws at a missing field, another type or no JSON into one error that names [path]. */
internal fun <T> malformed(
    path: String,
    read: () -> T,
): T =
    try {
        read()
    } catch (error: NoSuchElementException) {
        throw ModelException("$path lacks a field (${error.message}): $REINSTALL", error)
    } catch (error: IllegalArgumentException) {
        throw ModelException("$path is damaged (${error.message?.lineSequence()?.first()}): $REINSTALL", error)
    }
