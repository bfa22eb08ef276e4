package dev.smldist.common

import dev.smldist.inference.SelfTestResult
import dev.smldist.recognizer.Answer
import dev.smldist.recognizer.Notice
import dev.smldist.recognizer.Reason
import dev.smldist.sensing.ModelFile
import dev.smldist.sensing.SensorContract

/** Everything the screen can show. */
sealed interface UiState {
    /** The model is being read and checked. */
    data object Loading : UiState

    /** Ready to start. [interrupted]: the system ended an earlier run. */
    data class Stopped(
        val contract: SensorContract,
        val interrupted: Boolean,
    ) : UiState

    /** Sensors are registered. [recordedS]: seconds of the present recording; null where there is none. */
    data class Running(
        val session: Session,
        val answer: Answer,
        val hint: Hint?,
        val recordedS: Double? = null,
    ) : UiState {
        /** The activity; null while none is certain enough. */
        val label: String? get() = answer.index?.let(session.contract.labels::get)

        /** Whether no window was complete yet, or none came for too long. */
        val waiting: Boolean get() = answer.probabilities.all { it == 0f }
    }

    /** Nothing can be recognised. [detail] is in the words of whatever refused. */
    data class Failed(
        val failure: Failure,
        val detail: String,
    ) : UiState
}

/** Why nothing can be recognised, with what the screen says. */
enum class Failure(
    val text: Int,
) {
    SENSOR_MISSING(R.string.reason_sensor),
    SENSOR_REFUSED(R.string.reason_sensor_refused),
    MODEL(R.string.reason_assets),
    RUNTIME_MISSING(R.string.reason_runtime),
    CONTRACT(R.string.reason_contract),
    SELF_TEST(R.string.reason_self_test),
    SERVICE(R.string.reason_service),
    ;

    companion object {
        fun of(reason: Reason): Failure =
            when (reason) {
                Reason.SENSOR_MISSING -> SENSOR_MISSING
                Reason.SENSOR_REFUSED -> SENSOR_REFUSED
                Reason.MODEL -> MODEL
                Reason.RUNTIME_MISSING -> RUNTIME_MISSING
                Reason.CONTRACT -> CONTRACT
                Reason.SELF_TEST -> SELF_TEST
            }
    }
}

/** What is odd although windows may come, with what the screen says. */
enum class Hint(
    val text: Int,
) {
    NO_EVENTS(R.string.notice_no_events),
    CLOCK_WENT_BACK(R.string.notice_clock),
    LOOKS_LIKE_G(R.string.notice_looks_like_g),
    LACKS_GRAVITY(R.string.notice_lacks_gravity),
    TOO_LARGE(R.string.notice_too_large),
    TURNED(R.string.notice_turned),
    LOW_RATE(R.string.notice_low_rate),
    SLOW_KERNELS(R.string.notice_slow_kernels),
    RECORDING_ENDED(R.string.notice_recording),
    NOTIFICATIONS_DENIED(R.string.notice_notifications),
    ;

    companion object {
        fun of(notice: Notice?): Hint? =
            when (notice) {
                null -> null
                Notice.SILENT -> NO_EVENTS
                Notice.CLOCK_WENT_BACK -> CLOCK_WENT_BACK
                Notice.LOOKS_LIKE_G -> LOOKS_LIKE_G
                Notice.LACKS_GRAVITY -> LACKS_GRAVITY
                Notice.TOO_LARGE -> TOO_LARGE
                Notice.TURNED -> TURNED
                Notice.LOW_RATE -> LOW_RATE
                Notice.SLOW_KERNELS -> SLOW_KERNELS
            }
    }
}

/** What stays the same while sensors are registered. */
data class Session(
    val contract: SensorContract,
    val model: ModelFile,
    val runtime: String,
    val selfTest: SelfTestResult,
)
