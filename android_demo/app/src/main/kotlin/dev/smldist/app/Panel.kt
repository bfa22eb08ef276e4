package dev.smldist.app

import androidx.compose.runtime.Composable
import androidx.compose.ui.res.stringResource
import dev.smldist.common.UiState
import dev.smldist.common.placement
import dev.smldist.common.readable
import dev.smldist.inference.Kernels
import dev.smldist.sensing.Quantity
import dev.smldist.sensing.SensorContract

/** What the model takes: names (string resources) and values. */
@Composable
internal fun contractRows(contract: SensorContract): List<Pair<Int, String>> {
    val acceleration = contract.channels.filter { it.quantity == Quantity.ACCELEROMETER }
    val gravity = if (acceleration.all { it.gravity }) R.string.gravity_in else R.string.gravity_out
    val window = stringResource(R.string.panel_window_value, contract.length, contract.hop)
    return listOf(
        R.string.panel_placement to contract.placement(),
        R.string.panel_rate to stringResource(R.string.hertz, tenths(contract.rateHz)),
        R.string.panel_units to contract.channels.map { "${it.quantity.key} ${it.unit.key}" }.distinct().joinToString(),
        R.string.panel_gravity to stringResource(gravity),
        R.string.panel_window to window,
        R.string.panel_labels to contract.labels.joinToString(transform = ::readable),
    )
}

private fun kernels(found: Kernels?): Int =
    when (found) {
        Kernels.XNNPACK -> R.string.kernels_xnnpack
        Kernels.BUILT_IN -> R.string.kernels_built_in
        null -> R.string.kernels_alike
    }

/** What was measured: names and values. */
@Composable
internal fun measuredRows(state: UiState.Running): List<Pair<Int, String>> {
    val health = state.answer.health
    val none = stringResource(R.string.not_measured)
    val (median, slow) = health.p50Us to health.p95Us
    val latency = if (median == null || slow == null) null else tenths(median) to tenths(slow)
    return listOf(
        R.string.panel_rate to (health.rateHz?.let { stringResource(R.string.hertz, tenths(it)) } ?: none),
        R.string.panel_dropped to stringResource(R.string.panel_dropped_value, health.dropped, health.received),
        R.string.panel_latency to
            (latency?.let { stringResource(R.string.panel_latency_value, it.first, it.second) } ?: none),
        R.string.panel_runtime to state.session.runtime,
        R.string.panel_kernels to stringResource(kernels(state.session.selfTest.kernels)),
        R.string.panel_precision to state.session.model.precision,
    )
}
