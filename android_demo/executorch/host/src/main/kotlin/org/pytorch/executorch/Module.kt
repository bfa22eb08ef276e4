package org.pytorch.executorch

import com.sun.jna.Library
import com.sun.jna.Native
import com.sun.jna.Pointer
import com.sun.jna.ptr.IntByReference
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.nio.FloatBuffer

/** Android's module as far as the classifier uses it, over the C++ runtime of the host's wheel. */
public class Module private constructor(
    private val handle: Pointer,
) {
    /** Runs the method `forward`. */
    public fun forward(vararg inputs: EValue): Array<EValue> {
        val tensor = inputs.single().toTensor()
        val shape = IntArray(tensor.shape.size) { tensor.shape[it].toInt() }
        val scores = FloatArray(MOST_SCORES)
        val count = IntByReference(scores.size)
        val status = SHIM.smldist_forward(handle, tensor.buffer, shape, shape.size, scores, count)
        check(status == 0) { "forward failed with error $status" }
        val bytes = ByteBuffer.allocateDirect(FLOAT_BYTES * count.value).order(ByteOrder.nativeOrder())
        val buffer = bytes.asFloatBuffer()
        for (index in 0 until count.value) buffer.put(index, scores[index])
        return arrayOf(EValue.from(Tensor.fromBlob(buffer, longArrayOf(1, count.value.toLong()))))
    }

    public fun destroy() {
        SHIM.smldist_close(handle)
    }

    public companion object {
        private const val MOST_SCORES = 1024
        private const val FLOAT_BYTES = 4

        @JvmStatic
        public fun load(path: String): Module =
            Module(SHIM.smldist_load(path) ?: throw IllegalStateException("not an ExecuTorch program"))
    }
}

private val SHIM: Shim by lazy {
    Native.load(checkNotNull(System.getProperty("smldist.executorch.shim")), Shim::class.java)
}

/** The functions of shim.cpp. */
@Suppress("ktlint:standard:function-naming")
internal interface Shim : Library {
    fun smldist_load(path: String): Pointer?

    fun smldist_forward(
        handle: Pointer,
        input: FloatBuffer,
        shape: IntArray,
        axes: Int,
        output: FloatArray,
        count: IntByReference,
    ): Int

    fun smldist_close(handle: Pointer)
}
