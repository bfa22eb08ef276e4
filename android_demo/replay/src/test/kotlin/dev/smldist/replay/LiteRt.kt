package dev.smldist.replay

import com.sun.jna.Library
import com.sun.jna.Memory
import com.sun.jna.NativeLong
import com.sun.jna.Pointer
import com.sun.jna.ptr.NativeLongByReference
import com.sun.jna.ptr.PointerByReference

/**
 * The C functions of LiteRT 2 that run a model on the CPU. Each returns a status, 0 if it did what it says; an object
 * that it makes is written to the last argument.
 */
@Suppress("ktlint:standard:function-naming")
interface LiteRt : Library {
    fun LiteRtCreateEnvironment(
        count: Int,
        options: Pointer,
        environment: PointerByReference,
    ): Int

    fun LiteRtDestroyEnvironment(environment: Pointer)

    fun LiteRtCreateModelFromFile(
        environment: Pointer,
        path: String,
        model: PointerByReference,
    ): Int

    fun LiteRtDestroyModel(model: Pointer)

    fun LiteRtCreateOptions(options: PointerByReference): Int

    fun LiteRtSetOptionsHardwareAccelerators(
        options: Pointer,
        accelerators: Int,
    ): Int

    fun LiteRtDestroyOptions(options: Pointer)

    fun LiteRtCreateCompiledModel(
        environment: Pointer,
        model: Pointer,
        options: Pointer,
        compiled: PointerByReference,
    ): Int

    fun LiteRtDestroyCompiledModel(compiled: Pointer)

    fun LiteRtGetModelSignature(
        model: Pointer,
        index: NativeLong,
        signature: PointerByReference,
    ): Int

    fun LiteRtGetSignatureInputTensorByIndex(
        signature: Pointer,
        index: NativeLong,
        tensor: PointerByReference,
    ): Int

    fun LiteRtGetSignatureOutputTensorByIndex(
        signature: Pointer,
        index: NativeLong,
        tensor: PointerByReference,
    ): Int

    fun LiteRtGetRankedTensorType(
        tensor: Pointer,
        type: Pointer,
    ): Int

    fun LiteRtGetCompiledModelInputBufferRequirements(
        compiled: Pointer,
        signature: NativeLong,
        index: NativeLong,
        requirements: PointerByReference,
    ): Int

    fun LiteRtGetCompiledModelOutputBufferRequirements(
        compiled: Pointer,
        signature: NativeLong,
        index: NativeLong,
        requirements: PointerByReference,
    ): Int

    fun LiteRtCreateManagedTensorBufferFromRequirements(
        environment: Pointer,
        type: Pointer,
        requirements: Pointer,
        buffer: PointerByReference,
    ): Int

    fun LiteRtDestroyTensorBuffer(buffer: Pointer)

    fun LiteRtGetTensorBufferPackedSize(
        buffer: Pointer,
        bytes: NativeLongByReference,
    ): Int

    fun LiteRtLockTensorBuffer(
        buffer: Pointer,
        address: PointerByReference,
        mode: Int,
    ): Int

    fun LiteRtUnlockTensorBuffer(buffer: Pointer): Int

    fun LiteRtRunCompiledModel(
        compiled: Pointer,
        signature: NativeLong,
        inputs: NativeLong,
        input: PointerByReference,
        outputs: NativeLong,
        output: PointerByReference,
    ): Int

    companion object {
        /** Accelerator. */
        const val CPU: Int = 1

        /** Lock modes. */
        const val READ: Int = 0
        const val WRITE: Int = 1

        /** Room for a ranked tensor type (element type, up to 8 sizes and strides), which is only handed through. */
        const val TYPE_BYTES: Long = 512

        private const val MIN_LOGGER_SEVERITY = 25
        private const val ERROR = 3L
        private const val INTEGER = 2

        /** One option of an environment, `{int tag; {int type; int64 value}}`: only errors are logged. */
        fun quiet(): Pointer =
            Memory(24).apply {
                setInt(0, MIN_LOGGER_SEVERITY)
                setInt(8, INTEGER)
                setLong(16, ERROR)
            }
    }
}
