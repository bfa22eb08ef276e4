package dev.smldist.common

import android.app.Application
import dev.smldist.inference.Classifier
import dev.smldist.inference.ModelException
import dev.smldist.inference.Pack
import dev.smldist.inference.RuntimeMissingException
import dev.smldist.recognizer.LiteRtRuntime
import dev.smldist.recognizer.OpenedModel
import dev.smldist.recognizer.executorch.ExecuTorchRuntime
import dev.smldist.sensing.ContractException
import dev.smldist.sensing.ModelFile
import kotlinx.coroutines.flow.MutableStateFlow
import java.util.concurrent.Executors

/** What the service and the screen share. An app that does more with a recognition than showing it says so by [follower]. */
open class RecognitionApp : Application() {
    /** The service writes it, the screen shows it. */
    val state = MutableStateFlow<UiState>(UiState.Loading)
    val choices by lazy { Choices(this) }

    /** Is told what the service does. */
    open val follower: Follower = object : Follower {}

    /** Reads assets, off the main thread. */
    val worker = Executors.newSingleThreadExecutor { Thread(it, "worker").apply { isDaemon = true } }

    /** Gives an asset's content. */
    var assetSource: (String) -> ByteArray = { path -> assets.open(path).use { it.readBytes() } }

    /** Opens a model of the assets; the APK that Maven packs holds no ExecuTorch, and says so. */
    var opener: (ModelFile) -> Classifier = { model ->
        val runtime = runtimes.find { it.target == model.target }
        runtime?.open(this, model, pack.manifest.contract, pack.file(model.path))
            ?: throw RuntimeMissingException("${model.path}: this app holds no runtime for ${model.target}")
    }

    private val runtimes by lazy { listOf(LiteRtRuntime(), ExecuTorchRuntime()) }

    private val reading = lazy { Pack.read { assetSource(it) } }

    /** The assets, read once. */
    val pack: Pack by reading

    /** The assets if they were read already: the main thread does not wait for them. */
    val readyPack: Pack? get() = if (reading.isInitialized()) pack else null

    /** For a screen that begins: reads the pack unless something is shown already. */
    fun begin() {
        if (state.value == UiState.Loading) showStopped(interrupted = choices.running)
    }

    /** Reads the pack and shows what there is; [UiState.Failed] if it cannot be used. */
    fun showStopped(interrupted: Boolean) {
        worker.execute {
            state.value =
                guarded {
                    pack.manifest.contract.requirePhone()
                    UiState.Stopped(pack.manifest.contract, interrupted)
                }
        }
    }

    /** The model that the user chose, or the first. */
    fun chosenModel(): ModelFile = pack.models.find { it.path == choices.model } ?: pack.models.first()

    /** The chosen model, checked. */
    fun openChosen(): OpenedModel {
        val model = chosenModel()
        return OpenedModel(pack.manifest.contract, open(model), pack.selfTest(model))
    }

    /**
     * A checked classifier.
     *
     * @throws RuntimeMissingException no runtime in this app reads it, or it cannot be loaded on this device
     * @throws ModelException the file is damaged or does not fit
     */
    fun open(model: ModelFile): Classifier = linked(model) { opener(model) }
}

/** What [use] gives; a runtime whose classes or native library cannot be loaded is a [RuntimeMissingException]. */
internal inline fun <T> linked(
    model: ModelFile,
    use: () -> T,
): T =
    try {
        use()
    } catch (error: LinkageError) {
        val message = "${model.path}: its runtime is not in this app, or cannot be loaded here (${error.message})"
        throw RuntimeMissingException(message, error)
    }

/** [UiState.Failed] instead of the errors of a pack or a contract. */
private fun guarded(build: () -> UiState): UiState =
    try {
        build()
    } catch (error: ModelException) {
        UiState.Failed(Failure.MODEL, error.message.orEmpty())
    } catch (error: ContractException) {
        UiState.Failed(Failure.CONTRACT, error.message.orEmpty())
    }
