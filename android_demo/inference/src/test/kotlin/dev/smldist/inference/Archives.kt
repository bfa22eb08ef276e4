package dev.smldist.inference

import java.io.ByteArrayOutputStream
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.util.zip.ZipEntry
import java.util.zip.ZipOutputStream

/** A golden pack of [count] windows of 2 channels and 3 samples, as NumPy writes it. */
internal fun archive(
    count: Int = 2,
    meta: String = """{"format": "smldist-golden", "version": 1, "labels": ["walk", "sit"]}""",
    labels: List<Long> = List(count) { it % 2L },
    subjects: String? = null,
    width: Int = 2,
): ByteArray {
    val bytes = ByteArrayOutputStream()
    ZipOutputStream(bytes).use { zip ->
        fun add(
            name: String,
            content: ByteArray,
        ) {
            zip.putNextEntry(ZipEntry(name))
            zip.write(content)
            zip.closeEntry()
        }
        add("meta.json", meta.toByteArray())
        add("x.npy", npy("<f4", "$count, 2, 3", floats(FloatArray(count * 6) { it.toFloat() })))
        add("y.npy", npy("<i8", "${labels.size},", longs(labels)))
        add("logits.npy", npy("<f4", "$count, $width", floats(FloatArray(count * width) { it / 2f })))
        if (subjects != null) add("subject.npy", npy("|S2", "$count,", subjects.toByteArray()))
    }
    return bytes.toByteArray()
}

private fun npy(
    descr: String,
    shape: String,
    content: ByteArray,
): ByteArray {
    val header = "{'descr': '$descr', 'fortran_order': False, 'shape': ($shape), }\n".toByteArray()
    val magic = byteArrayOf(0x93.toByte()) + "NUMPY".toByteArray() + byteArrayOf(1, 0, header.size.toByte(), 0)
    return magic + header + content
}

private fun floats(values: FloatArray): ByteArray =
    ByteBuffer.allocate(values.size * 4).order(ByteOrder.LITTLE_ENDIAN).also { it.asFloatBuffer().put(values) }.array()

private fun longs(values: List<Long>): ByteArray =
    ByteBuffer
        .allocate(values.size * 8)
        .order(ByteOrder.LITTLE_ENDIAN)
        .also { it.asLongBuffer().put(values.toLongArray()) }
        .array()
