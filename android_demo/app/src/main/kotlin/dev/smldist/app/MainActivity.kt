package dev.smldist.app

import android.content.ClipData
import android.content.Intent
import android.os.Bundle
import androidx.activity.ComponentActivity
import androidx.activity.compose.setContent
import androidx.activity.enableEdgeToEdge
import androidx.activity.result.contract.ActivityResultContracts
import androidx.activity.viewModels
import androidx.lifecycle.viewmodel.initializer
import androidx.lifecycle.viewmodel.viewModelFactory
import dev.smldist.common.Action

/** The screen. Holds nothing of its own: a rotation draws the same state again. */
internal class MainActivity : ComponentActivity() {
    private val model: MainViewModel by viewModels {
        viewModelFactory { initializer { MainViewModel(application as DemoApp) } }
    }

    /** The answer changes nothing: without notifications the screen says what that means. */
    private val asking = registerForActivityResult(ActivityResultContracts.RequestPermission()) {}

    override fun onCreate(savedInstanceState: Bundle?) {
        enableEdgeToEdge()
        super.onCreate(savedInstanceState)
        setContent { AppTheme { MainScreen(model, ::toggle, ::share) } }
    }

    private fun toggle() = Action.of(model.state.value).perform(this, asking)

    private fun share(recording: Recording) {
        val address = RecordingProvider.address(this, recording.file)
        val send =
            Intent(Intent.ACTION_SEND)
                .setType(RecordingProvider.TYPE)
                .putExtra(Intent.EXTRA_STREAM, address)
                .addFlags(Intent.FLAG_GRANT_READ_URI_PERMISSION)
        send.clipData = ClipData.newRawUri(null, address)
        startActivity(Intent.createChooser(send, getString(R.string.share_title)))
    }
}
