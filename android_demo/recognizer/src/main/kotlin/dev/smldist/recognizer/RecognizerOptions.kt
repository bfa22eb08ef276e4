package dev.smldist.recognizer

import dev.smldist.sensing.AxisMap

/**
 * How to recognise.
 *
 * @property runtime runs the model
 * @property batchMs how long Android may hold events back, so that the processor wakes more rarely; answers come as much
 *   later. 0 delivers each at once. Not every device batches
 * @property axes which axes of the sensors are a phone's; null finds out from the device
 * @property xnnpackOnly refuses ([Reason.SELF_TEST]) an 8-bit model that runs on TensorFlow Lite's own kernels; else
 *   [Notice.SLOW_KERNELS] tells it
 */
public class RecognizerOptions
    @JvmOverloads
    constructor(
        public val runtime: InferenceRuntime = LiteRtRuntime(),
        public val batchMs: Int = DEFAULT_BATCH_MS,
        public val axes: AxisMap? = null,
        public val xnnpackOnly: Boolean = false,
    ) {
        init {
            require(batchMs in 0..LONGEST_BATCH_MS) { "batchMs is $batchMs, expected 0 to $LONGEST_BATCH_MS" }
        }

        public companion object {
            /** Less than windows usually lie apart. */
            public const val DEFAULT_BATCH_MS: Int = 500

            /** What the events held for another sensor's batch allow. */
            public const val LONGEST_BATCH_MS: Int = 30_000
        }
    }
