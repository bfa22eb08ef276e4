package dev.smldist.common

import android.app.Activity
import android.os.Build
import android.os.Bundle
import android.util.Log
import android.widget.TextView
import dev.smldist.inference.GoldenWindows
import dev.smldist.inference.ModelException
import dev.smldist.inference.RuntimeMissingException
import dev.smldist.inference.Verification
import dev.smldist.sensing.ContractException
import dev.smldist.sensing.ModelFile
import kotlinx.serialization.json.JsonObject
import java.io.File
import java.io.IOException

/**
 * Verifies models on this device, without a hand on the screen; android_demo/README.md has the commands.
 *
 * Extras: `golden` (default golden.npz) and `test` (optional), files pushed into the app's external folder; `model`
 * (default all); `runs` (default 300). Writes `report.json` there, or `error.txt` with one line. The old ones of both
 * are removed first, so that what lies there is of this run. A model whose runtime this app lacks is listed as not run.
 */
class VerifyActivity : Activity() {
    private val app get() = application as RecognitionApp

    override fun onCreate(saved: Bundle?) {
        super.onCreate(saved)
        val text = TextView(this)
        text.text = getString(R.string.verifying, intent.getStringExtra(MODEL).orEmpty())
        setContentView(text)
        if (saved == null) app.worker.execute(::work)
    }

    private fun work() {
        val folder = getExternalFilesDir(null) ?: filesDir
        val report = File(folder, REPORT)
        val failure = File(folder, FAILURE)
        report.delete()
        failure.delete()
        try {
            write(report, verify(folder))
        } catch (error: ModelException) {
            write(failure, "error: ${error.message}\n")
        } catch (error: ContractException) {
            write(failure, "error: ${error.message}\n")
        } catch (error: IOException) {
            write(failure, "error: ${error.message}: push it with adb into $folder\n")
        }
        runOnUiThread(::finish)
    }

    private fun verify(folder: File): String {
        val golden = GoldenWindows.read(File(folder, intent.getStringExtra(GOLDEN) ?: "golden.npz").readBytes())
        val test = intent.getStringExtra(TEST)?.let { GoldenWindows.read(File(folder, it).readBytes()) }
        for (windows in listOfNotNull(golden, test)) requireFit(windows)
        val verification = Verification(golden, test, intent.getIntExtra(RUNS, DEFAULT_RUNS))
        val device = "${Build.MANUFACTURER} ${Build.MODEL}, Android ${Build.VERSION.RELEASE}"
        val found = mutableListOf<JsonObject>()
        val missing = mutableListOf<JsonObject>()
        for (model in models()) {
            try {
                linked(model) { app.open(model).use { found += verification.run(it, device) } }
            } catch (error: RuntimeMissingException) {
                missing += Verification.notRun(model, device, error.message.orEmpty())
            }
        }
        return Verification.report(app.pack.manifest.contract.name, found, missing)
    }

    private fun requireFit(windows: GoldenWindows) {
        val contract = app.pack.manifest.contract
        val sizes = listOf(windows.channels, windows.length) == listOf(contract.channels.size, contract.length)
        val fits = sizes && windows.labels == contract.labels
        if (!fits) throw ModelException("the windows are not of this app's build: push those of ${contract.name}")
    }

    private fun models(): List<ModelFile> {
        val wanted = intent.getStringExtra(MODEL) ?: return app.pack.models
        val names = app.pack.models.joinToString { it.path }
        val found = app.pack.models.filter { it.path == wanted }
        return found.ifEmpty { throw ModelException("no model $wanted: there are $names") }
    }

    /** Whole or not at all: whoever waits for the file may read it at once. */
    private fun write(
        file: File,
        content: String,
    ) {
        val part = File(file.path + ".part")
        part.writeText(content)
        if (!part.renameTo(file)) Log.e("VerifyActivity", "cannot name $file")
    }

    companion object {
        const val GOLDEN: String = "golden"
        const val TEST: String = "test"
        const val MODEL: String = "model"
        const val RUNS: String = "runs"
        const val REPORT: String = "report.json"
        const val FAILURE: String = "error.txt"
        private const val DEFAULT_RUNS = 300
    }
}
