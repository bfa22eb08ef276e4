package dev.smldist.recognizer

/**
 * What the phone's owner does now.
 *
 * @property activity null while it is unknown: no window was complete yet, none of the activities is certain enough, or the
 *   sensors are silent
 * @property confidence smoothed probability of [activity], or of the likeliest one while it is unknown; 0 to 1
 * @property sinceMs since when [activity] is what it is, on the clock of `SystemClock.elapsedRealtime`
 * @property probabilities smoothed, in the order of `RecognitionModel.activities`; zeros before the first window
 * @property notice what is odd with the sensors; null if nothing is
 */
public data class Recognition<A : Enum<A>>(
    val activity: A?,
    val confidence: Float,
    val sinceMs: Long,
    val probabilities: List<Float>,
    val notice: Notice?,
)

/** What is odd although a recognition runs. */
public enum class Notice {
    /** A sensor delivers nothing. */
    SILENT,

    /** A time stamp was ahead of the clock; windows were lost. */
    CLOCK_WENT_BACK,

    /** Acceleration seems to be in g, the model takes m/s^2. */
    LOOKS_LIKE_G,

    /** Acceleration seems to lack gravity, which the model takes. */
    LACKS_GRAVITY,

    /** Acceleration seems to be in another unit than m/s^2. */
    TOO_LARGE,

    /** Gravity points the other way than in training: the device is upside down, or worn on the other side. */
    TURNED,

    /** A sensor is far slower than the model's rate. */
    LOW_RATE,

    /** An 8-bit model runs on TensorFlow Lite's own kernels instead of XNNPACK's: slower, and some answers differ. */
    SLOW_KERNELS,
}

/** Why nothing can be recognised. */
public enum class Reason {
    /** This device lacks a sensor. */
    SENSOR_MISSING,

    /** Android does not deliver a sensor that is there. */
    SENSOR_REFUSED,

    /** The model's files are missing, damaged or of another version. */
    MODEL,

    /** This app holds no runtime that reads the model, or it cannot be loaded on this device. */
    RUNTIME_MISSING,

    /** A phone cannot feed this model. */
    CONTRACT,

    /** The model computes other results here than where it was verified. */
    SELF_TEST,
}

/** Ends a recognition; one line says what was got, what was expected and what to do. */
public class RecognizerException(
    public val reason: Reason,
    message: String,
    cause: Throwable? = null,
) : Exception(message, cause)
