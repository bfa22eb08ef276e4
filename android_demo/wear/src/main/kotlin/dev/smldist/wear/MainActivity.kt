package dev.smldist.wear

import android.os.Bundle
import androidx.activity.ComponentActivity
import androidx.activity.compose.setContent
import androidx.activity.result.contract.ActivityResultContracts
import androidx.compose.runtime.getValue
import androidx.lifecycle.compose.collectAsStateWithLifecycle
import dev.smldist.common.Action
import dev.smldist.common.RecognitionApp

/** The one screen. */
internal class MainActivity : ComponentActivity() {
    private val app get() = application as RecognitionApp

    /** The answer changes nothing: without notifications the screen says so. */
    private val asking = registerForActivityResult(ActivityResultContracts.RequestPermission()) {}

    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        app.begin()
        setContent {
            val state by app.state.collectAsStateWithLifecycle()
            WatchTheme { WatchScreen(state) { Action.of(state).perform(this, asking) } }
        }
    }
}
