package dev.smldist.sensing

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Test
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.ValueSource

class SignalCheckTest {
    @ParameterizedTest
    @ValueSource(strings = ["watch", "pocket"])
    fun `real recordings are plausible as they are`(name: String) =
        assertEquals(SignalVerdict.PLAUSIBLE, verdict(Replay(name), 1.0))

    @ParameterizedTest
    @ValueSource(strings = ["watch", "pocket"])
    fun `real recordings in g are noticed`(name: String) =
        assertEquals(SignalVerdict.LOOKS_LIKE_G, verdict(Replay(name), 1 / 9.80665))

    @ParameterizedTest
    @ValueSource(strings = ["watch", "pocket"])
    fun `real recordings in another unit are noticed`(name: String) =
        assertEquals(SignalVerdict.TOO_LARGE, verdict(Replay(name), 9.80665))

    @Test
    fun `a phone upside down in the pocket is noticed`() =
        assertEquals(SignalVerdict.TURNED, verdict(Replay("pocket"), -1.0))

    @Test
    fun `where training has no direction of gravity nothing is turned`() {
        assertEquals(SignalVerdict.PLAUSIBLE, verdict(Replay("watch"), -1.0))
        val silent = Replay("pocket").contract.copy(trainedMean = emptyList())
        assertEquals(SignalVerdict.PLAUSIBLE, verdict(Replay("pocket"), -1.0, silent))
    }

    @Test
    fun `a sensor that delivers zeros is noticed`() =
        assertEquals(SignalVerdict.LACKS_GRAVITY, verdict(Replay("watch"), 0.0))

    @Test
    fun `nothing is said before there are enough windows`() =
        assertEquals(SignalVerdict.UNKNOWN, SignalCheck(phoneContract()).verdict)

    private fun verdict(
        replay: Replay,
        scale: Double,
        contract: SensorContract = replay.contract,
    ): SignalVerdict {
        val check = SignalCheck(contract)
        val window = SensorWindow(replay.contract.length, replay.contract.channels.size)
        for (values in replay.windows) {
            for (index in values.indices) window.values[index] = (values[index] * scale).toFloat()
            check.update(window)
        }
        return check.verdict
    }
}
