package dev.smldist.inference

import java.io.ByteArrayInputStream
import java.io.IOException
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.util.zip.ZipInputStream

/** An array of a `.npy` member: [descr] as NumPy writes it (`<f4`, `<i8`, `|S10`), C order, little endian. */
internal class NpyArray(
    val name: String,
    val descr: String,
    val shape: List<Int>,
    private val data: ByteBuffer,
) {
    fun floats(axes: Int): FloatArray {
        require("<f4", axes)
        val source = data.duplicate().order(data.order()).asFloatBuffer()
        return FloatArray(shape.fold(1, Int::times)).also { source.get(it) }
    }

    fun ints(): IntArray {
        require("<i8", 1)
        val longs = data.duplicate().order(data.order()).asLongBuffer()
        return IntArray(shape[0]) { Math.toIntExact(longs.get(it)) }
    }

    fun texts(): List<String> {
        if (!descr.startsWith("|S") || shape.size != 1) throw broken("byte strings")
        val width = descr.drop(2).toInt()
        return List(shape[0]) { row ->
            val start = data.arrayOffset() + data.position() + row * width
            String(data.array(), start, width, Charsets.UTF_8).trimEnd('\u0000')
        }
    }

    private fun require(
        expected: String,
        axes: Int,
    ) {
        if (descr != expected || shape.size != axes) throw broken("$expected with $axes axes")
    }

    private fun broken(expected: String) =
        ModelException("$name is $descr with shape $shape, expected $expected: $REINSTALL")
}

/** Members of a NumPy archive by name; `meta.json` stays bytes. */
internal class Npz(
    val arrays: Map<String, NpyArray>,
    val others: Map<String, ByteArray>,
) {
    fun array(name: String): NpyArray = arrays[name] ?: throw ModelException("the archive lacks $name.npy: $REINSTALL")

    companion object {
        private val DESCR = Regex("""'descr':\s*'([^']+)'""")
        private val SHAPE = Regex("""'shape':\s*\(([^)]*)\)""")
        private val MAGIC = byteArrayOf(0x93.toByte()) + "NUMPY".toByteArray(Charsets.US_ASCII)
        private val WIDTHS = mapOf("<f4" to 4, "<i8" to 8)

        /** @throws ModelException not a zip, or a member that is not a version 1 `.npy` in C order */
        fun read(content: ByteArray): Npz {
            val arrays = HashMap<String, NpyArray>()
            val others = HashMap<String, ByteArray>()
            try {
                ZipInputStream(ByteArrayInputStream(content)).use { zip ->
                    generateSequence { zip.nextEntry }.forEach { entry ->
                        val bytes = zip.readBytes()
                        if (entry.name.endsWith(".npy")) {
                            val name = entry.name.removeSuffix(".npy")
                            arrays[name] = npy(name, bytes)
                        } else {
                            others[entry.name] = bytes
                        }
                    }
                }
            } catch (error: IOException) {
                throw ModelException("the archive is damaged (${error.message}): $REINSTALL", error)
            }
            return Npz(arrays, others)
        }

        private fun npy(
            name: String,
            bytes: ByteArray,
        ): NpyArray {
            val known = bytes.size > 10 && bytes.copyOf(6).contentEquals(MAGIC) && bytes[6].toInt() == 1
            val start = if (known) 10 + (bytes[8].toInt() and 0xff) + 256 * (bytes[9].toInt() and 0xff) else 0
            if (start == 0 || start > bytes.size) {
                throw ModelException("$name.npy is no NumPy array of version 1: $REINSTALL")
            }
            val header = String(bytes, 10, start - 10, Charsets.US_ASCII)
            val descr = DESCR.find(header)?.groupValues?.get(1)
            val shape = SHAPE.find(header)?.groupValues?.get(1)?.split(',')?.mapNotNull { it.trim().toIntOrNull() }
            if (descr == null || shape == null || "'fortran_order': False" !in header) {
                throw ModelException("$name.npy has header $header, expected C order: $REINSTALL")
            }
            val width = WIDTHS[descr] ?: descr.drop(2).toIntOrNull() ?: 0
            val expected = shape.fold(width.toLong(), Long::times)
            if (bytes.size - start.toLong() != expected) {
                val found = bytes.size - start
                throw ModelException("$name.npy holds $found bytes, its header says $expected: $REINSTALL")
            }
            val data = ByteBuffer.wrap(bytes, start, bytes.size - start).slice().order(ByteOrder.LITTLE_ENDIAN)
            return NpyArray(name, descr, shape, data)
        }
    }
}
