package dev.smldist.common

import android.content.Context
import android.content.SharedPreferences
import androidx.core.content.edit

/** What must outlive the process. */
class Choices(
    context: Context,
) {
    private val stored: SharedPreferences = context.getSharedPreferences("choices", Context.MODE_PRIVATE)

    /** Path of the model to run; null takes the first. */
    var model: String?
        get() = stored.getString(MODEL, null)
        set(value) = stored.edit { putString(MODEL, value) }

    /** True while the service runs; still true when a new process starts, if the system ended the old one. */
    var running: Boolean
        get() = stored.getBoolean(RUNNING, false)
        set(value) = stored.edit { putBoolean(RUNNING, value) }

    private companion object {
        const val MODEL = "model"
        const val RUNNING = "running"
    }
}
