package com.example.sample

import android.app.Activity
import android.os.Bundle
import android.widget.TextView
import dev.smldist.models.demo.DemoActivity
import dev.smldist.models.demo.DemoModel
import dev.smldist.recognizer.ActivityRecognizer
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.cancel
import kotlinx.coroutines.launch

/** Shows what its user does while it is open: all that an app needs of the recogniser. */
class SampleActivity : Activity() {
    private val scope = CoroutineScope(Dispatchers.Default + Job())

    override fun onCreate(saved: Bundle?) {
        super.onCreate(saved)
        val text = TextView(this).also(::setContentView)
        scope.launch {
            ActivityRecognizer.create(this@SampleActivity, DemoModel).activities.collect { found ->
                val activity: DemoActivity? = found.activity
                runOnUiThread { text.text = activity?.label ?: "unknown" }
            }
        }
    }

    override fun onDestroy() {
        scope.cancel()
        super.onDestroy()
    }
}
