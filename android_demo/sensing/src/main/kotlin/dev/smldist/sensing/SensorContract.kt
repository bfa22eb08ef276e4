package dev.smldist.sensing

/** What a channel measures. [androidType] is the constant of `android.hardware.Sensor` with that meaning. */
public enum class Quantity(
    public val key: String,
    public val androidType: Int,
    internal val unit: SensorUnit,
) {
    /** Acceleration with gravity: TYPE_ACCELEROMETER. */
    ACCELEROMETER("accelerometer", 1, SensorUnit.METRE_PER_SECOND_SQUARED),

    /** Angular rate: TYPE_GYROSCOPE. */
    GYROSCOPE("gyroscope", 4, SensorUnit.RADIAN_PER_SECOND),

    /** Acceleration without gravity: TYPE_LINEAR_ACCELERATION. */
    LINEAR_ACCELERATION("linear_acceleration", 10, SensorUnit.METRE_PER_SECOND_SQUARED),

    /** Magnetic field: TYPE_MAGNETIC_FIELD. */
    MAGNETOMETER("magnetometer", 2, SensorUnit.MICROTESLA),
    ;

    public companion object {
        /** The quantity that Android's sensor type [androidType] delivers, or null. */
        public fun ofAndroidType(androidType: Int): Quantity? = entries.find { it.androidType == androidType }
    }
}

/** An axis of a sensor; [ordinal] is its place in `SensorEvent.values`. */
public enum class Axis {
    X,
    Y,
    Z,
}

/** One input channel of a model, at the place it has in the model's input. */
public data class Channel(
    val name: String,
    val quantity: Quantity,
    val axis: Axis,
    val unit: SensorUnit,
    val gravity: Boolean,
    val placement: String,
)

/**
 * What exactly a model eats, read from a build's manifest.json or contract.json. No number of it is repeated in code.
 *
 * @property channels in the order of the model's input
 * @property rateHz of the grid that events are resampled to
 * @property length samples in a window
 * @property hop samples from one window's start to the next
 * @property labels in the order of the logits
 * @property axes the frame of the axes, in words
 * @property maxGapS a longer silence of any sensor begins a new window
 * @property obstacles why a phone cannot feed this model; empty if it can
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
            val top = JsonNode.parse("contract.json", text)
            requireSchema(top)
            return readContract(top, top["window"], maxGapS)
        }

        /**
         * Reads the contract in a manifest.json.
         *
         * @throws ContractException as [fromContract]
         */
        public fun fromManifest(text: String): SensorContract = BuildManifest.parse(text).contract
    }
}
