package org.tensorflow.lite

import com.sun.jna.NativeLibrary
import com.sun.jna.Pointer
import org.bytedeco.javacpp.Loader
import org.bytedeco.tensorflowlite.TfLiteOpaqueDelegateStruct
import org.bytedeco.tensorflowlite.global.tensorflowlite

/** XNNPACK's kernels, which the host's library holds but its C interface does not use by itself, as Android's does. */
internal class XnnPack : AutoCloseable {
    private val library = NativeLibrary.getInstance(Loader.load(tensorflowlite::class.java))

    // Without options: its defaults, one thread.
    private val delegate: Pointer = library.getFunction("TfLiteXNNPackDelegateCreate").invokePointer(arrayOf(null))

    /** To be added to an interpreter's options. */
    val struct: TfLiteOpaqueDelegateStruct = TfLiteOpaqueDelegateStruct(Address(Pointer.nativeValue(delegate)))

    override fun close() {
        library.getFunction("TfLiteXNNPackDelegateDelete").invokeVoid(arrayOf(delegate))
    }

    private class Address(
        value: Long,
    ) : org.bytedeco.javacpp.Pointer() {
        init {
            address = value
        }
    }
}
