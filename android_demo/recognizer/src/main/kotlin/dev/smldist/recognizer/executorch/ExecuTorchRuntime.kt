package dev.smldist.recognizer.executorch

import android.content.Context
import dev.smldist.executorch.ExecuTorchClassifier
import dev.smldist.inference.Classifier
import dev.smldist.inference.ModelException
import dev.smldist.recognizer.InferenceRuntime
import dev.smldist.sensing.ModelFile
import dev.smldist.sensing.SensorContract
import java.io.File

/**
 * ExecuTorch; in an artifact of its own, `dev.smldist:recognizer-executorch`.
 *
 * @param version of the `executorch-android` in the app, which does not tell it itself
 */
public class ExecuTorchRuntime
    @JvmOverloads
    constructor(
        private val version: String = VERSION,
    ) : InferenceRuntime {
        override val target: String get() = "executorch"

        /** The runtime maps a file, so the asset is written out; a copy of the same content is used again. */
        override fun open(
            context: Context,
            model: ModelFile,
            contract: SensorContract,
            content: ByteArray,
        ): Classifier {
            val file = File(context.filesDir, "smldist/${model.sha256}.pte")
            if (!file.exists() || file.length() != model.sizeBytes) {
                file.parentFile!!.mkdirs()
                val part = File(file.path + ".part")
                part.writeBytes(content)
                if (!part.renameTo(file)) throw ModelException("$file cannot be written: free some storage")
            }
            return ExecuTorchClassifier(model, contract, file, version)
        }

        public companion object {
            /** The version that this artifact depends on. */
            public const val VERSION: String = "1.5.1"
        }
    }
