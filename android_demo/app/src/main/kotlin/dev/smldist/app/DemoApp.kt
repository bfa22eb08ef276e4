package dev.smldist.app

import android.app.Application
import dev.smldist.inference.Classifier
import dev.smldist.inference.ModelException
import dev.smldist.inference.Pack
import dev.smldist.inference.RuntimeMissingException
import dev.smldist.sensing.ContractException
import dev.smldist.sensing.ModelFile
import java.util.concurrent.Executors

/** What the service and the screen share. */
internal class DemoApp : Application() {
    val store = StateStore()
    val signal = SignalBuffer()
    val choices by lazy { Choices(this) }
    val recordings by lazy { Recordings(filesDir) }

    /** Reads assets, off the main thread. */
    val worker = Executors.newSingleThreadExecutor { Thread(it, "worker").apply { isDaemon = true } }

    /** Gives an asset's content. */
    var assetSource: (String) -> ByteArray = { path -> assets.open(path).use { it.readBytes() } }

    /** Opens a model of the assets. */
    var opener: (ModelFile) -> Classifier = { openClassifier(this, pack, it) }

    private val reading = lazy { Pack.read { assetSource(it) } }

    /** The assets, read once. */
    val pack: Pack by reading

    /** The assets if they were read already: the main thread does not wait for them. */
    val readyPack: Pack? get() = if (reading.isInitialized()) pack else null

    /** Reads the pack and shows what there is; [UiState.Failed] if it cannot be used. */
    fun showStopped(interrupted: Boolean) {
        worker.execute {
            store.publish(
                guarded {
                    pack.manifest.contract.requirePhone()
                    UiState.Stopped(pack.manifest.contract, interrupted)
                },
            )
        }
    }

    /** The model that the user chose, or the first. */
    fun chosenModel(): ModelFile = pack.models.find { it.path == choices.model } ?: pack.models.first()

    /**
     * A checked classifier.
     *
     * @throws RuntimeMissingException no runtime in this app reads it, or it cannot be loaded on this device
     * @throws ModelException the file is damaged or does not fit
     */
    fun open(model: ModelFile): Classifier = linked(model) { opener(model) }
}

/** [UiState.Failed] instead of the errors of a pack or a contract. */
internal fun guarded(build: () -> UiState): UiState =
    try {
        build()
    } catch (error: ModelException) {
        UiState.Failed(Reason.ASSETS, error.message.orEmpty())
    } catch (error: ContractException) {
        UiState.Failed(Reason.CONTRACT, error.message.orEmpty())
    }
