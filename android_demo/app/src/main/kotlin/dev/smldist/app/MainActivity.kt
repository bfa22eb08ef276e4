package dev.smldist.app

import android.Manifest
import android.annotation.TargetApi
import android.app.Activity
import android.content.ClipData
import android.content.Intent
import android.content.pm.PackageManager
import android.os.Build
import android.os.Bundle
import android.view.View
import android.widget.AdapterView
import android.widget.ArrayAdapter
import android.widget.Button
import android.widget.Spinner
import android.widget.Toast
import dev.smldist.inference.Pack
import java.io.IOException
import java.text.SimpleDateFormat
import java.util.Date
import java.util.Locale

/** The screen. Holds nothing of its own: a rotation draws the same state again. */
internal class MainActivity : Activity() {
    private val app get() = application as DemoApp
    private val screen by lazy { Screen(this) }
    private val listener: (UiState) -> Unit = ::show

    override fun onCreate(saved: Bundle?) {
        super.onCreate(saved)
        setContentView(R.layout.main)
        find<Button>(R.id.toggle).setOnClickListener { toggle() }
        find<Button>(R.id.record).setOnClickListener { toggleRecording() }
        find<Button>(R.id.share).setOnClickListener { share() }
        if (app.store.state == UiState.Loading) app.showStopped(interrupted = app.choices.running)
    }

    override fun onStart() {
        super.onStart()
        app.store.observe(listener)
    }

    override fun onStop() {
        app.store.forget(listener)
        super.onStop()
    }

    private fun show(state: UiState) {
        screen.show(state)
        app.readyPack?.let(::offer)
    }

    private fun toggle() {
        if (app.store.state is UiState.Running) {
            stopService(Intent(this, RecognitionService::class.java))
            return
        }
        if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.TIRAMISU && !mayNotify()) askToNotify()
        startForegroundService(Intent(this, RecognitionService::class.java))
    }

    /** The answer changes nothing: without notifications the screen says what that means. */
    @TargetApi(Build.VERSION_CODES.TIRAMISU)
    private fun askToNotify() {
        requestPermissions(arrayOf(Manifest.permission.POST_NOTIFICATIONS), 0)
    }

    @TargetApi(Build.VERSION_CODES.TIRAMISU)
    private fun mayNotify() =
        checkSelfPermission(Manifest.permission.POST_NOTIFICATIONS) == PackageManager.PERMISSION_GRANTED

    private fun toggleRecording() {
        val running = app.store.state as? UiState.Running ?: return
        try {
            if (app.recordings.active) {
                app.recordings.stop()
            } else {
                app.recordings.start(running.session.contract, NAMES.format(Date()))
            }
        } catch (error: IOException) {
            Toast.makeText(this, error.message, Toast.LENGTH_LONG).show()
        }
        app.store.publish(running.copy(recording = app.recordings.active))
    }

    private fun share() {
        val files =
            try {
                app.recordings.files
            } catch (error: IOException) {
                Toast.makeText(this, error.message, Toast.LENGTH_LONG).show()
                return
            }
        val addresses = ArrayList(files.map { RecordingProvider.address(this, it) })
        if (addresses.isEmpty()) {
            Toast.makeText(this, R.string.nothing_to_share, Toast.LENGTH_LONG).show()
            return
        }
        val clip = ClipData.newRawUri(null, addresses[0])
        addresses.drop(1).forEach { clip.addItem(ClipData.Item(it)) }
        val send =
            Intent(Intent.ACTION_SEND_MULTIPLE)
                .setType(RecordingProvider.TYPE)
                .putParcelableArrayListExtra(Intent.EXTRA_STREAM, addresses)
                .addFlags(Intent.FLAG_GRANT_READ_URI_PERMISSION)
        send.clipData = clip
        startActivity(Intent.createChooser(send, getString(R.string.share_title)))
    }

    private fun offer(pack: Pack) {
        val models = pack.models
        val chosen = models.indexOfFirst { it.path == app.choices.model }.coerceAtLeast(0)
        fill(R.id.model, models.map { "${it.target} ${it.precision}" }, chosen) { app.choices.model = models[it].path }
        val labels = pack.manifest.contract.labels
        val names = listOf(getString(R.string.unlabelled)) + labels.map(::readable)
        val current = labels.indexOf(app.recordings.label) + 1
        fill(R.id.label, names, current) { app.recordings.label = if (it == 0) "" else labels[it - 1] }
    }

    private fun fill(
        id: Int,
        names: List<String>,
        chosen: Int,
        choose: (Int) -> Unit,
    ) {
        val spinner = find<Spinner>(id)
        if (spinner.adapter?.count == names.size) return
        val adapter = ArrayAdapter(this, android.R.layout.simple_spinner_item, names)
        adapter.setDropDownViewResource(android.R.layout.simple_spinner_dropdown_item)
        spinner.adapter = adapter
        spinner.setSelection(chosen)
        spinner.onItemSelectedListener =
            object : AdapterView.OnItemSelectedListener {
                override fun onItemSelected(
                    parent: AdapterView<*>?,
                    view: View?,
                    position: Int,
                    id: Long,
                ) = choose(position)

                override fun onNothingSelected(parent: AdapterView<*>?) = Unit
            }
    }

    private fun <T : View> find(id: Int): T = requireNotNull(findViewById(id))

    private companion object {
        /** Names a recording; the main thread's own. */
        val NAMES = SimpleDateFormat("yyyyMMdd-HHmmss", Locale.ROOT)
    }
}
