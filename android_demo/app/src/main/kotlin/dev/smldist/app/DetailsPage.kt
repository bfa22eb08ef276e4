package dev.smldist.app

import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.heightIn
import androidx.compose.foundation.selection.selectable
import androidx.compose.foundation.selection.selectableGroup
import androidx.compose.material3.Icon
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.RadioButton
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.getValue
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.res.painterResource
import androidx.compose.ui.res.stringResource
import androidx.compose.ui.semantics.Role
import androidx.compose.ui.semantics.semantics
import androidx.compose.ui.unit.dp
import androidx.lifecycle.compose.collectAsStateWithLifecycle
import dev.smldist.common.UiState

/** Self-test, contract, what was measured against it, and which model runs. */
@Composable
internal fun DetailsPage(model: MainViewModel) {
    val state by model.state.collectAsStateWithLifecycle()
    when (val shown = state) {
        is UiState.Running -> {
            Panel(R.string.self_test) { SelfTest(shown) }
            Panel(R.string.measured) { Rows(measuredRows(shown)) }
            Panel(R.string.contract) { Rows(contractRows(shown.session.contract)) }
        }

        is UiState.Stopped -> {
            Panel(R.string.contract) { Rows(contractRows(shown.contract)) }
        }

        is UiState.Failed -> {
            Panel(R.string.failed) { Text(stringResource(shown.failure.text, shown.detail)) }
        }

        UiState.Loading -> {}
    }
    Models(model, enabled = state !is UiState.Running && state != UiState.Loading)
}

@Composable
private fun SelfTest(state: UiState.Running) {
    val test = state.session.selfTest
    Row(Modifier.semantics(true) {}, Arrangement.spacedBy(12.dp), Alignment.CenterVertically) {
        Icon(painterResource(R.drawable.ic_check), null, tint = MaterialTheme.colorScheme.primary)
        Text(stringResource(R.string.self_test_value, test.windows, decimal(test.maxAbs), decimal(test.allowed)))
    }
}

@Composable
private fun Rows(rows: List<Pair<Int, String>>) {
    for ((name, value) in rows) {
        Column(Modifier.fillMaxWidth().semantics(true) {}) {
            Text(
                stringResource(name),
                color = MaterialTheme.colorScheme.onSurfaceVariant,
                style = MaterialTheme.typography.labelMedium,
            )
            Text(value, style = MaterialTheme.typography.bodyLarge)
        }
    }
}

@Composable
private fun Models(
    model: MainViewModel,
    enabled: Boolean,
) {
    val chosen by model.model.collectAsStateWithLifecycle()
    val models = model.models
    if (models.isEmpty()) return
    val running = models.find { it.path == chosen } ?: models.first()
    Panel(R.string.model) {
        if (!enabled) Text(stringResource(R.string.model_fixed), style = MaterialTheme.typography.bodyMedium)
        Column(Modifier.selectableGroup()) {
            for (one in models) {
                val press = Modifier.selectable(one == running, enabled, Role.RadioButton) { model.choose(one) }
                Row(
                    press.fillMaxWidth().heightIn(min = 48.dp),
                    Arrangement.spacedBy(16.dp),
                    Alignment.CenterVertically,
                ) {
                    RadioButton(one == running, null, enabled = enabled)
                    Text(stringResource(R.string.model_name, one.target, one.precision))
                }
            }
        }
    }
}
