package dev.smldist.sensing

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.ValueSource

private const val TOLERANCE = 1e-5

class ReplayTest {
    @ParameterizedTest
    @ValueSource(strings = ["watch", "pocket"])
    fun `windows equal those of Python`(name: String) {
        val replay = Replay(name)

        val windows = windowsOf(replay.contract, replay.events, replay.reorderNs)

        assertEquals(replay.startNs, windows.map { it.startNs })
        val difference = difference(replay.windows, windows.map { it.values })
        assertTrue(difference <= TOLERANCE) { "differs by $difference" }
        println("replay $name: ${windows.size} windows, largest difference $difference")
    }
}
