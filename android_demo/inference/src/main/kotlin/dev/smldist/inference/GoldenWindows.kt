package dev.smldist.inference

import dev.smldist.sensing.JsonFile
import kotlinx.serialization.Serializable

/**
 * Real windows with what they are, from a golden pack (`golden.npz`, `selftest.npz`) or a test split in its format.
 *
 * @property channels C
 * @property length T, samples in a window
 * @property x N windows `[T, C]` in raw SI units, as `SensorWindow.values` holds them
 * @property y N class indices
 * @property subject N names; empty strings where the file has none
 * @property logits N rows of K scores of the reference network; null where the file has none
 */
public class GoldenWindows private constructor(
    public val channels: Int,
    public val length: Int,
    public val labels: List<String>,
    public val x: List<FloatArray>,
    public val y: IntArray,
    public val subject: List<String>,
    public val logits: List<FloatArray>?,
) {
    /** N. */
    public val size: Int get() = x.size

    public companion object {
        private const val FORMAT = "smldist-golden"
        private const val VERSION = 1

        /**
         * Read a pack.
         *
         * @throws ModelException damaged, of another format or version, or inconsistent
         */
        public fun read(content: ByteArray): GoldenWindows {
            val archive = Npz.read(content)
            val labels = labels(archive)
            val windows = archive.array("x")
            val x = rows(windows.floats(3), windows.shape).map { timeFirst(it, windows.shape[1], windows.shape[2]) }
            val y = archive.array("y").ints()
            val subject = archive.arrays["subject"]?.texts() ?: List(x.size) { "" }
            val logits = archive.arrays["logits"]?.let { rows(it.floats(2), it.shape) }
            val consistent =
                x.isNotEmpty() && y.size == x.size && subject.size == x.size && y.all { it in labels.indices } &&
                    (logits == null || (logits.size == x.size && logits[0].size == labels.size))
            if (!consistent) throw ModelException("the windows' labels, subjects or logits do not fit them: $REINSTALL")
            return GoldenWindows(windows.shape[1], windows.shape[2], labels, x, y, subject, logits)
        }

        private fun rows(
            values: FloatArray,
            shape: List<Int>,
        ): List<FloatArray> {
            val width = shape.drop(1).fold(1, Int::times)
            return List(shape[0]) { values.copyOfRange(it * width, (it + 1) * width) }
        }

        private fun timeFirst(
            window: FloatArray,
            channels: Int,
            length: Int,
        ) = FloatArray(window.size) { window[it % channels * length + it / channels] }

        private fun labels(archive: Npz): List<String> {
            val text = archive.others["meta.json"] ?: throw ModelException("the archive lacks meta.json: $REINSTALL")
            return readable {
                val file = JsonFile("meta.json", text.decodeToString())
                val kind = file.read(GoldenKind.serializer())
                if (kind.format != FORMAT || kind.version != VERSION) {
                    val found = "${kind.format} ${kind.version}"
                    throw ModelException("the windows are $found, this app reads $FORMAT $VERSION: update it")
                }
                file.read(GoldenMeta.serializer()).labels
            }
        }
    }
}

/** What a meta.json of any version says of itself. */
@Serializable
private class GoldenKind(
    val format: String,
    val version: Int,
)

/** meta.json of a golden pack. */
@Serializable
private class GoldenMeta(
    val labels: List<String>,
)
