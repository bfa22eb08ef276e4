package dev.smldist.replay

import dev.smldist.executorch.ExecuTorchClassifier
import dev.smldist.inference.Classifier
import dev.smldist.inference.GoldenWindows
import dev.smldist.inference.Pack
import dev.smldist.inference.SelfTestResult
import dev.smldist.inference.Version
import dev.smldist.litert.LiteRtClassifier
import dev.smldist.sensing.Event
import dev.smldist.sensing.ModelFile
import dev.smldist.sensing.Replay
import dev.smldist.sensing.windowsOf
import java.io.File

private const val FLOAT_LIMIT = 1e-4f

/** Of 8 bits. */
private const val EDGE_STEPS = 4f

/**
 * A real runtime on this machine.
 *
 * @property title as in the printed lines
 * @property target whose models it runs
 * @property sameKernels whether Python runs this target with the same kernels
 */
enum class HostRuntime(
    val title: String,
    val target: String,
    val sameKernels: Boolean,
) {
    TFLITE("TFLite", "tflite", sameKernels = false),
    LITERT("LiteRT", "tflite", sameKernels = true),
    EXECUTORCH("ExecuTorch", "executorch", sameKernels = true),
}

/** The packed models, the replay that Python answered, and the runtimes to answer it in. */
class ReplayedBuild {
    private val assets = File(property("smldist.assets"))
    private val litert = property("smldist.litert.library")
    private val expected = Expected.read(File(property("smldist.replay")))
    private val pack = Pack.read { File(assets, it).readBytes() }
    private val golden by lazy { GoldenWindows.read(File(property("smldist.golden")).readBytes()) }
    private val replay by lazy { Replay(checkNotNull(expected.replay)) }
    private val contract get() = pack.manifest.contract

    val events: List<Event> get() = replay.events
    val labels: List<String> get() = contract.labels

    /** Why no replay can be run; null if one can. */
    fun replayObstacle(): String? =
        "no replay has the build's channels, rate and window: tests/replay/make.py".takeIf { expected.replay == null }

    /** Why [host] cannot run here; null if it can. */
    fun obstacle(host: HostRuntime): String? =
        when {
            models(host).isEmpty() -> "the build holds no ${host.target} file: export it with --target ${host.target}"
            host == HostRuntime.LITERT && litert.isEmpty() -> "no LiteRT: name libLiteRt.so by -Dsmldist.litert.library"
            else -> null
        }

    fun models(host: HostRuntime): List<ModelFile> = pack.models.filter { it.target == host.target }

    /** A classifier of [model] that reads [file]. */
    fun open(
        host: HostRuntime,
        model: ModelFile,
        file: File = file(model),
    ): Classifier =
        when (host) {
            HostRuntime.TFLITE -> LiteRtClassifier(model, contract, file.readBytes())
            HostRuntime.LITERT -> CompiledModelClassifier(model, contract, file, litert)
            HostRuntime.EXECUTORCH -> ExecuTorchClassifier(model, contract, file, wheelVersion(model))
        }

    fun file(model: ModelFile): File = File(assets, model.path)

    /** Raw [events] through the pipeline and through [model] in [host], against Python's answers. */
    fun replayed(
        host: HostRuntime,
        model: ModelFile,
        events: List<Event> = this.events,
        labels: List<String> = this.labels,
    ): Comparison {
        val windows = windowsOf(contract.copy(maxGapS = replay.maxGapS), events, replay.reorderNs)
        return compared(host, model, expected.of(model), windows.map { it.values }, labels)
    }

    /** The windows of the golden pack through [model] in [host], against Python's answers. */
    fun golden(
        host: HostRuntime,
        model: ModelFile,
    ): Comparison = compared(host, model, expected.ofGolden(model), golden.x, labels)

    /** What an app would find out about [model] in [host]. */
    fun selfTest(
        host: HostRuntime,
        model: ModelFile,
    ): SelfTestResult = open(host, model).use { pack.selfTest(model).run(it) }

    private fun compared(
        host: HostRuntime,
        model: ModelFile,
        wanted: ExpectedModel,
        windows: List<FloatArray>,
        labels: List<String>,
    ): Comparison = open(host, model).use { compare(answers(it, windows, labels), wanted, limits(host, model, wanted)) }

    private fun answers(
        classifier: Classifier,
        windows: List<FloatArray>,
        labels: List<String>,
    ): Answers {
        val logits = windows.map { window -> FloatArray(labels.size).also { classifier.classify(window, it) } }
        return Answers(logits, logits.map { row -> labels[row.indices.maxBy { row[it] }] })
    }

    /**
     * Float arithmetic, also with fp16 weights, differs by its order alone, and the same kernels round 8 bits alike, but
     * for values of the float front that lie on an edge between two steps: [EDGE_STEPS], as for devices
     * (docs/verification.md), which may decide a near tie.
     * Other kernels get what the self-test allows them (factory/pipeline/android.py).
     */
    private fun limits(
        host: HostRuntime,
        model: ModelFile,
        wanted: ExpectedModel,
    ): Limits =
        when {
            wanted.step == null -> Limits(FLOAT_LIMIT, null, ties = false)
            host.sameKernels -> Limits(EDGE_STEPS * wanted.step, wanted.step, ties = true)
            else -> Limits(pack.selfTest(model).allowed, wanted.step, ties = true)
        }

    /** The runtime does not tell its version: the test library is linked to the wheel that Python ran. */
    private fun wheelVersion(model: ModelFile): String {
        val runtime = expected.ofGolden(model).runtime
        return checkNotNull(Version.find(runtime)) { "Python names no version in '$runtime'" }.toString()
    }

    private fun property(name: String): String = checkNotNull(System.getProperty(name)) { "-D$name is not set" }
}
