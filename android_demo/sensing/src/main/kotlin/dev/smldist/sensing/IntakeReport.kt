package dev.smldist.sensing

/**
 * What one sensor delivered.
 *
 * @property received all events
 * @property duplicates dropped: a second event of the same time stamp
 * @property late dropped: older than the reorder horizon
 * @property notFinite dropped: a NaN or an infinity
 * @property overflowed dropped: waited too long for another sensor's events
 * @property ahead dropped: stamped later than an event that was believed after many late ones
 * @property gaps silences longer than the contract's gap
 * @property restarts how often time went back: so many events in a row were late that the newest time was wrong
 * @property rateHz measured over the latest events, without gaps; null without two events
 */
public data class SensorReport(
    val quantity: Quantity,
    val received: Long,
    val duplicates: Long,
    val late: Long,
    val notFinite: Long,
    val overflowed: Long,
    val ahead: Long,
    val gaps: Long,
    val restarts: Long,
    val rateHz: Double?,
) {
    /** Events that became part of the signal. */
    val used: Long get() = received - duplicates - late - notFinite - overflowed - ahead
}

/**
 * What came in and what became of it.
 *
 * @property unused events of sensors that the contract has no channel for
 * @property segments gap-free parts
 */
public data class IntakeReport(
    val sensors: List<SensorReport>,
    val unused: Long,
    val segments: Long,
    val windows: Long,
)
