package org.pytorch.executorch

import java.nio.FloatBuffer

/** A float tensor over a buffer. */
public class Tensor internal constructor(
    internal val buffer: FloatBuffer,
    internal val shape: LongArray,
) {
    /** A copy of the values. */
    public val dataAsFloatArray: FloatArray
        get() = FloatArray(buffer.capacity()) { buffer.get(it) }

    public companion object {
        /** A tensor that reads [data], a direct buffer, at each use. */
        @JvmStatic
        public fun fromBlob(
            data: FloatBuffer,
            shape: LongArray,
        ): Tensor {
            require(data.isDirect) { "a direct buffer is needed" }
            val size = shape.fold(1L, Long::times)
            require(data.capacity().toLong() == size) { "${data.capacity()} values for ${shape.toList()}" }
            return Tensor(data, shape)
        }
    }
}
