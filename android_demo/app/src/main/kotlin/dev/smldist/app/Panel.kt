package dev.smldist.app

import android.content.Context
import dev.smldist.sensing.Quantity
import dev.smldist.sensing.SensorContract

/** Where on the body the model expects the device. */
internal fun SensorContract.placement(): String = channels.map { it.placement }.distinct().joinToString()

/** The contract and what was measured against it: names (string resources) and values. */
internal fun panelRows(
    context: Context,
    state: UiState.Running,
): List<Pair<Int, String>> {
    val session = state.session
    val health = state.answer.health
    val contract = session.contract
    val none = context.getString(R.string.not_measured)
    val rate = health.rateHz?.let(::tenths) ?: none
    val acceleration = contract.channels.filter { it.quantity == Quantity.ACCELEROMETER }
    val gravity = if (acceleration.all { it.gravity }) R.string.gravity_in else R.string.gravity_out
    val test = session.selfTest
    return listOf(
        R.string.panel_rate to context.getString(R.string.panel_rate_value, tenths(contract.rateHz), rate),
        R.string.panel_units to contract.channels.map { "${it.quantity.key} ${it.unit.key}" }.distinct().joinToString(),
        R.string.panel_gravity to context.getString(gravity),
        R.string.panel_placement to contract.placement(),
        R.string.panel_window to context.getString(R.string.panel_window_value, contract.length, contract.hop),
        R.string.panel_runtime to session.runtime,
        R.string.panel_precision to session.model.precision,
        R.string.panel_latency to
            health.p50Us?.let { context.getString(R.string.panel_latency_value, tenths(it), tenths(health.p95Us ?: it)) }
                .orEmpty().ifEmpty { none },
        R.string.panel_self_test to
            context.getString(
                R.string.panel_self_test_value,
                test.windows,
                decimal(test.maxAbs),
                decimal(test.allowed),
            ),
        R.string.panel_dropped to context.getString(R.string.panel_dropped_value, health.dropped, health.received),
    )
}
