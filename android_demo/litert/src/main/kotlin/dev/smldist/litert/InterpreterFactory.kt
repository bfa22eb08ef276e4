package dev.smldist.litert

import org.tensorflow.lite.Interpreter
import org.tensorflow.lite.InterpreterApi
import java.nio.ByteBuffer

/** Makes the interpreter of a model file; throws IllegalArgumentException or IllegalStateException if it cannot. */
public fun interface InterpreterFactory {
    /** @param model a direct buffer of the file, which must stay unchanged */
    public fun create(model: ByteBuffer): InterpreterApi

    public companion object {
        /**
         * The library in the app, on one thread of the CPU, with XNNPACK's kernels.
         *
         * Without them int8 files are slower and answer otherwise; the self-test says which kernels computed.
         */
        @JvmField
        public val BUNDLED: InterpreterFactory =
            InterpreterFactory { model ->
                Interpreter(model, Interpreter.Options().setNumThreads(1).setUseXNNPACK(true))
            }
    }
}
