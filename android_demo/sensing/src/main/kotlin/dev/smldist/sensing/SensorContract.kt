package dev.smldist.sensing

import kotlinx.serialization.SerialName
import kotlinx.serialization.Serializable

/** What a channel measures. [androidType] is the constant of `android.hardware.Sensor` with that meaning. */
@Serializable
public enum class Quantity(
    public val androidType: Int,
    internal val unit: SensorUnit,
) {
    /** Acceleration with gravity: TYPE_ACCELEROMETER. */
    @SerialName("accelerometer")
    ACCELEROMETER(1, SensorUnit.METRE_PER_SECOND_SQUARED),

    /** Angular rate: TYPE_GYROSCOPE. */
    @SerialName("gyroscope")
    GYROSCOPE(4, SensorUnit.RADIAN_PER_SECOND),

    /** Acceleration without gravity: TYPE_LINEAR_ACCELERATION. */
    @SerialName("linear_acceleration")
    LINEAR_ACCELERATION(10, SensorUnit.METRE_PER_SECOND_SQUARED),

    /** Magnetic field: TYPE_MAGNETIC_FIELD. */
    @SerialName("magnetometer")
    MAGNETOMETER(2, SensorUnit.MICROTESLA),
    ;

    /** Its name in a contract. */
    public val key: String get() = serializer().descriptor.getElementName(ordinal)

    public companion object {
        /** The quantity that Android's sensor type [androidType] delivers, or null. */
        public fun ofAndroidType(androidType: Int): Quantity? = entries.find { it.androidType == androidType }
    }
}

/** An axis of a sensor; [ordinal] is its place in `SensorEvent.values`. */
@Serializable
public enum class Axis {
    @SerialName("x")
    X,

    @SerialName("y")
    Y,

    @SerialName("z")
    Z,
}

/** One input channel of a model, at the place it has in the model's input. */
@Serializable
public data class Channel(
    val name: String,
    val quantity: Quantity,
    val axis: Axis,
    val unit: SensorUnit,
    val gravity: Boolean,
    val placement: String,
)

/**
 * The input of a model, read from a build's manifest.json or contract.json. No number of it is repeated in code.
 *
 * @property channels in the order of the model's input
 * @property rateHz of the grid that events are resampled to
 * @property length samples in a window
 * @property hop samples from one window's start to the next
 * @property labels in the order of the logits
 * @property axes the frame of the axes, in words
 * @property maxGapS a longer silence of any sensor begins a new window
 * @property obstacles why a phone cannot feed this model; empty if it can
 * @property rejection when an answer counts as unknown; never in a build that says nothing of it
 * @property trainedMean mean of each channel over the windows that the model was trained on, in SI units: gravity is
 *   left over in it; empty in a build that says nothing of it
 */
public data class SensorContract(
    val name: String,
    val channels: List<Channel>,
    val rateHz: Double,
    val length: Int,
    val hop: Int,
    val labels: List<String>,
    val axes: String,
    val maxGapS: Double,
    val obstacles: List<String>,
    val rejection: Rejection = Rejection(),
    val trainedMean: List<Double> = emptyList(),
) {
    /** The sensors to register, each once, in the order of the channels. */
    val quantities: List<Quantity> get() = channels.map { it.quantity }.distinct()

    /** Length of a window in seconds. */
    val windowS: Double get() = length / rateHz

    /** Throws [ContractException] if a phone cannot feed this model. */
    public fun requirePhone() {
        if (obstacles.isNotEmpty()) {
            throw ContractException(
                "a phone cannot feed the model '$name': ${obstacles.joinToString("; ")}. " +
                    "Build one from raw accelerometer and gyroscope channels",
            )
        }
    }

    public companion object {
        /**
         * Reads contract.json, which also stands inside every .tflite file.
         *
         * @param maxGapS contract.json does not hold it: `recipe.data.max_gap_s` of the same build's manifest.json
         * @throws ContractException unknown schema version, missing field, wrong type or impossible value
         */
        public fun fromContract(
            text: String,
            maxGapS: Double,
        ): SensorContract {
            val fields = openSchema("contract.json", text, CONTRACT_SCHEMA).read(ContractFields.serializer())
            val window = contractOf(fields.name, fields.window, "contract.json.window", maxGapS, fields.obstacles)
            return window.copy(
                rejection = usable(fields.rejection, "contract.json.rejection"),
                trainedMean = fitting(fields.normalisation, window, "contract.json.normalisation"),
            )
        }

        /**
         * Reads the contract in a manifest.json.
         *
         * @throws ContractException as [fromContract]
         */
        public fun fromManifest(text: String): SensorContract = BuildManifest.parse(text).contract
    }
}
