package dev.smldist.recognizer

import dev.smldist.inference.Classifier
import dev.smldist.sensing.AxisMap
import dev.smldist.sensing.BuildManifest
import dev.smldist.sensing.Replay
import dev.smldist.sensing.manifestOf
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNull
import org.junit.Test

/** What is told of a real recording, without Android and without a model. */
class WindowAnswersTest {
    private val replay = Replay("pocket")

    @Test
    fun `a phone as it was worn in training is not odd`() = assertNull(look(1f))

    @Test
    fun `a phone upside down is told`() = assertEquals(Notice.TURNED, look(-1f))

    @Test
    fun `acceleration in g is told before its direction`() = assertEquals(Notice.LOOKS_LIKE_G, look(-1 / 9.80665f))

    private fun look(scale: Float): Notice? =
        WindowAnswers(replay.contract, Undecided(replay), AxisMap.DEVICE, 0.0, null) {}.use { answers ->
            for (event in replay.events) {
                answers.add(event.quantity, event.timeNs, FloatArray(3) { event.values[it] * scale })
            }
            answers.look()
        }
}

/** Finds every class equally likely. */
private class Undecided(
    replay: Replay,
) : Classifier {
    override val model = BuildManifest.parse(manifestOf(replay)).models.first()
    override val runtime = "none"

    override fun classify(
        window: FloatArray,
        logits: FloatArray,
    ) = logits.fill(0f)

    override fun close() = Unit
}
