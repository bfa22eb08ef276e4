package dev.smldist.app

import android.text.format.DateUtils
import android.text.format.Formatter
import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.ExperimentalLayoutApi
import androidx.compose.foundation.layout.FlowRow
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.heightIn
import androidx.compose.foundation.layout.padding
import androidx.compose.material3.AlertDialog
import androidx.compose.material3.FilledTonalButton
import androidx.compose.material3.FilterChip
import androidx.compose.material3.Icon
import androidx.compose.material3.IconButton
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.OutlinedTextField
import androidx.compose.material3.Text
import androidx.compose.material3.TextButton
import androidx.compose.runtime.Composable
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.remember
import androidx.compose.runtime.setValue
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.platform.LocalContext
import androidx.compose.ui.res.painterResource
import androidx.compose.ui.res.stringResource
import androidx.compose.ui.semantics.semantics
import androidx.compose.ui.unit.dp
import androidx.lifecycle.compose.collectAsStateWithLifecycle
import dev.smldist.common.UiState
import dev.smldist.common.headline

/** A new recording, and those that are there. */
@Composable
internal fun RecordingsPage(
    model: MainViewModel,
    share: (Recording) -> Unit,
) {
    val recordings by model.recordings.collectAsStateWithLifecycle()
    var doomed by remember { mutableStateOf<Recording?>(null) }
    NewRecording(model)
    Panel(R.string.recordings) {
        if (recordings.isEmpty()) Text(stringResource(R.string.no_recordings))
        for (recording in recordings.reversed()) Entry(recording, share) { doomed = recording }
    }
    doomed?.let { recording ->
        AlertDialog(
            onDismissRequest = { doomed = null },
            title = { Text(stringResource(R.string.delete_question)) },
            text = { Text(stringResource(R.string.delete_detail, recording.name)) },
            confirmButton = {
                TextButton({
                    model.delete(recording)
                    doomed = null
                }) { Text(stringResource(R.string.delete)) }
            },
            dismissButton = { TextButton({ doomed = null }) { Text(stringResource(R.string.cancel)) } },
        )
    }
}

@OptIn(ExperimentalLayoutApi::class)
@Composable
private fun NewRecording(model: MainViewModel) {
    val state by model.state.collectAsStateWithLifecycle()
    val subject by model.subject.collectAsStateWithLifecycle()
    val label by model.label.collectAsStateWithLifecycle()
    val running = state as? UiState.Running
    val seconds = running?.recordedS
    Panel(R.string.new_recording) {
        OutlinedTextField(
            subject,
            model::name,
            Modifier.fillMaxWidth(),
            label = { Text(stringResource(R.string.subject)) },
            singleLine = true,
            enabled = seconds == null,
        )
        Text(stringResource(R.string.label_choice), style = MaterialTheme.typography.labelLarge)
        FlowRow(horizontalArrangement = Arrangement.spacedBy(8.dp)) {
            for (one in listOf("") + model.labels) {
                val name = if (one.isEmpty()) stringResource(R.string.unlabelled) else headline(one)
                FilterChip(one == label, { model.label(one) }, { Text(name) })
            }
        }
        FilledTonalButton(
            model::toggleRecording,
            Modifier.fillMaxWidth().heightIn(min = 56.dp),
            enabled = running != null,
        ) {
            Icon(painterResource(if (seconds == null) R.drawable.ic_record else R.drawable.ic_stop), null)
            val name = if (seconds == null) R.string.record else R.string.stop_recording
            Text(stringResource(name), Modifier.padding(start = 8.dp))
        }
        val told =
            when {
                running == null -> stringResource(R.string.record_hint)
                seconds != null -> stringResource(R.string.recorded, duration(seconds))
                else -> return@Panel
            }
        Text(told, style = MaterialTheme.typography.bodyMedium)
    }
}

@Composable
private fun Entry(
    recording: Recording,
    share: (Recording) -> Unit,
    delete: () -> Unit,
) {
    val size = Formatter.formatShortFileSize(LocalContext.current, recording.file.length())
    Row(Modifier.fillMaxWidth(), verticalAlignment = Alignment.CenterVertically) {
        Column(Modifier.weight(1f).semantics(true) {}) {
            Text(recording.name, style = MaterialTheme.typography.bodyLarge)
            Text(
                stringResource(R.string.recording_detail, duration(recording.seconds), size),
                color = MaterialTheme.colorScheme.onSurfaceVariant,
                style = MaterialTheme.typography.bodyMedium,
            )
        }
        IconButton({ share(recording) }) {
            Icon(painterResource(R.drawable.ic_share), stringResource(R.string.share_one, recording.name))
        }
        IconButton(delete) {
            Icon(painterResource(R.drawable.ic_delete), stringResource(R.string.delete_one, recording.name))
        }
    }
}

private fun duration(seconds: Double): String = DateUtils.formatElapsedTime(seconds.toLong())
