package dev.smldist.common

import android.Manifest
import android.app.Activity
import android.content.Intent
import android.os.Build
import androidx.activity.result.ActivityResultLauncher

/** The one primary action: it starts the recognition, or ends it. */
enum class Action(
    val icon: Int,
    val text: Int,
) {
    START(R.drawable.ic_start, R.string.start),
    STOP(R.drawable.ic_stop, R.string.stop),
    ;

    /** @param asking may ask whether notifications are allowed; without them the screen says what that means */
    fun perform(
        activity: Activity,
        asking: ActivityResultLauncher<String>,
    ) {
        val service = Intent(activity, RecognitionService::class.java)
        if (this == STOP) {
            activity.stopService(service)
            return
        }
        if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.TIRAMISU) asking.launch(Manifest.permission.POST_NOTIFICATIONS)
        activity.startForegroundService(service)
    }

    companion object {
        fun of(state: UiState): Action = if (state is UiState.Running) STOP else START
    }
}
