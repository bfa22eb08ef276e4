package dev.smldist.recognizer

import android.content.Context
import dev.smldist.inference.Classifier
import dev.smldist.litert.InterpreterFactory
import dev.smldist.litert.LiteRtClassifier
import dev.smldist.sensing.ModelFile
import dev.smldist.sensing.SensorContract

/** Runs model files of one format. */
public interface InferenceRuntime {
    /** The format, as a manifest names it: `tflite` or `executorch`. */
    public val target: String

    /**
     * A checked classifier. Called on the recogniser's thread, which alone will use and close it.
     *
     * @param content of the file, which is the manifest's
     * @throws dev.smldist.inference.ModelException the file does not fit, or the runtime refuses it
     */
    public fun open(
        context: Context,
        model: ModelFile,
        contract: SensorContract,
        content: ByteArray,
    ): Classifier
}

/**
 * LiteRT, whose library the app bundles.
 *
 * @param interpreters makes interpreters elsewhere than in the bundled library, for example in Google Play services
 */
public class LiteRtRuntime
    @JvmOverloads
    constructor(
        private val interpreters: InterpreterFactory = InterpreterFactory.BUNDLED,
    ) : InferenceRuntime {
        override val target: String get() = "tflite"

        override fun open(
            context: Context,
            model: ModelFile,
            contract: SensorContract,
            content: ByteArray,
        ): Classifier = LiteRtClassifier(model, contract, content, interpreters)
    }
