package dev.smldist.app

import dev.smldist.inference.SelfTestResult
import dev.smldist.sensing.ModelFile
import dev.smldist.sensing.SensorContract

/** Everything the screen can show. */
internal sealed interface UiState {
    /** The model is being read and checked. */
    data object Loading : UiState

    /** Ready to start. [interrupted]: the system ended an earlier run. */
    data class Stopped(
        val contract: SensorContract,
        val interrupted: Boolean,
    ) : UiState

    /** Sensors are registered. [recognition] is null before the first window. */
    data class Running(
        val session: Session,
        val health: Health,
        val recognition: Recognition?,
        val notice: Notice?,
        val recording: Boolean,
    ) : UiState

    /** Nothing can be recognised. [detail] is in the words of whatever refused. */
    data class Failed(
        val reason: Reason,
        val detail: String,
    ) : UiState
}

/** Why nothing can be recognised. */
internal enum class Reason(
    val text: Int,
) {
    SENSOR_MISSING(R.string.reason_sensor),
    SENSOR_REFUSED(R.string.reason_sensor_refused),
    ASSETS(R.string.reason_assets),
    RUNTIME_MISSING(R.string.reason_runtime),
    CONTRACT(R.string.reason_contract),
    SELF_TEST(R.string.reason_self_test),
    SERVICE(R.string.reason_service),
}

/** What is odd although windows may come. */
internal enum class Notice(
    val text: Int,
) {
    NO_EVENTS(R.string.notice_no_events),
    CLOCK_WENT_BACK(R.string.notice_clock),
    LOOKS_LIKE_G(R.string.notice_looks_like_g),
    LACKS_GRAVITY(R.string.notice_lacks_gravity),
    TOO_LARGE(R.string.notice_too_large),
    LOW_RATE(R.string.notice_low_rate),
    RECORDING_ENDED(R.string.notice_recording),
    NOTIFICATIONS_DENIED(R.string.notice_notifications),
}

/** What stays the same while sensors are registered. */
internal data class Session(
    val contract: SensorContract,
    val model: ModelFile,
    val runtime: String,
    val selfTest: SelfTestResult,
)

/**
 * The answer for the latest window.
 *
 * @property label null while no label is certain enough
 * @property probabilities smoothed, in the order of the contract's labels
 */
internal data class Recognition(
    val label: String?,
    val probabilities: List<Float>,
)

/**
 * What is measured while it runs.
 *
 * @property rateHz of the slowest sensor; null before two events
 * @property p50Us microseconds of an inference; null before the first
 */
internal data class Health(
    val rateHz: Double?,
    val received: Long,
    val dropped: Long,
    val p50Us: Double?,
    val p95Us: Double?,
)
