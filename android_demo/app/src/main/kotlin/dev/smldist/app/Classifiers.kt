package dev.smldist.app

import android.content.Context
import dev.smldist.executorch.ExecuTorchClassifier
import dev.smldist.inference.Classifier
import dev.smldist.inference.ModelException
import dev.smldist.inference.Pack
import dev.smldist.inference.RuntimeMissingException
import dev.smldist.litert.LiteRtClassifier
import dev.smldist.sensing.ModelFile
import dev.smldist.sensing.SensorContract
import java.io.File

/**
 * The classifier of a model's target.
 *
 * @throws RuntimeMissingException no runtime in this app reads it
 * @throws ModelException the file is damaged or does not fit
 */
internal fun openClassifier(
    context: Context,
    pack: Pack,
    model: ModelFile,
): Classifier {
    val content = pack.file(model.path)
    val contract = pack.manifest.contract
    return when (model.target) {
        "tflite" -> LiteRtClassifier(model, contract, content)
        "executorch" -> openExecuTorch(context, model, contract, content)
        else -> throw RuntimeMissingException("${model.path}: this app holds no runtime for ${model.target}")
    }
}

/** What [use] gives; a runtime whose classes or native library cannot be loaded is a [RuntimeMissingException]. */
internal inline fun <T> linked(
    model: ModelFile,
    use: () -> T,
): T =
    try {
        use()
    } catch (error: LinkageError) {
        val message = "${model.path}: its runtime cannot be loaded on this device (${error.message})"
        throw RuntimeMissingException(message, error)
    }

/** ExecuTorch maps a file, so the asset is written out; a copy of the same content is used again. */
private fun openExecuTorch(
    context: Context,
    model: ModelFile,
    contract: SensorContract,
    content: ByteArray,
): Classifier {
    val file = File(context.filesDir, "models/${model.sha256}.pte")
    if (!file.exists() || file.length() != model.sizeBytes) {
        file.parentFile!!.mkdirs()
        val part = File(file.path + ".part")
        part.writeBytes(content)
        if (!part.renameTo(file)) throw ModelException("$file cannot be written: free some storage")
    }
    try {
        return ExecuTorchClassifier(model, contract, file, context.getString(R.string.executorch_version))
    } catch (error: LinkageError) {
        val message = "${model.path} needs ExecuTorch, which this APK lacks: build it with Gradle"
        throw RuntimeMissingException(message, error)
    }
}
