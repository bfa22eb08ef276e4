package dev.smldist.sensing

import kotlinx.serialization.SerialName
import kotlinx.serialization.Serializable
import kotlin.math.PI

/** A unit, and what its values are multiplied by to get the SI unit of the contract. */
@Serializable
public enum class SensorUnit(
    internal val toSi: Double,
) {
    @SerialName("m/s^2")
    METRE_PER_SECOND_SQUARED(1.0),

    @SerialName("rad/s")
    RADIAN_PER_SECOND(1.0),

    @SerialName("uT")
    MICROTESLA(1.0),

    @SerialName("1")
    DIMENSIONLESS(1.0),

    /** Standard gravity; no contract asks for it, some external sensors deliver it. */
    @SerialName("g")
    G(9.80665),

    /** No contract asks for it, some external sensors deliver it. */
    @SerialName("deg/s")
    DEGREE_PER_SECOND(PI / 180),
    ;

    /** Its name in a contract. */
    public val key: String get() = serializer().descriptor.getElementName(ordinal)
}

/**
 * Which signed axis of a sensor is the model's x, y and z.
 *
 * A phone whose contract speaks of device axes needs [DEVICE]. A device mounted otherwise, or a platform with other
 * signs (iOS counts acceleration negatively: `AxisMap.of("-x", "-y", "-z")`), is turned here.
 */
public class AxisMap private constructor(
    internal val from: IntArray,
    internal val sign: FloatArray,
) {
    public companion object {
        /** Android's device axes, unchanged. */
        public val DEVICE: AxisMap = of("x", "y", "z")

        /**
         * A device whose natural orientation is landscape, as many tablets' is, held upright as a phone is.
         *
         * Upright is what Android takes for portrait on such a device by default, `Surface.ROTATION_270`.
         */
        public val LANDSCAPE_NATURAL: AxisMap = of("y", "-x", "z")

        /**
         * The model's x, y and z as the sensor's axes, each once, such as `of("y", "-x", "z")`.
         *
         * @throws ContractException an axis is unknown or stands twice
         */
        public fun of(
            x: String,
            y: String,
            z: String,
        ): AxisMap {
            val named = listOf(x, y, z)
            val from = named.map { listOf("x", "y", "z").indexOf(it.removePrefix("-")) }
            if (-1 in from || from.distinct().size != from.size) {
                throw ContractException("axes are $named, expected each of x, y, z once, with - where it is turned")
            }
            return AxisMap(
                from = from.toIntArray(),
                sign = FloatArray(named.size) { if (named[it].startsWith("-")) -1f else 1f },
            )
        }
    }
}

/** A sensor as the app will feed it. Android reports SI units in device axes, which is the default. */
public class SensorSource(
    public val quantity: Quantity,
    public val unit: SensorUnit = quantity.unit,
    public val axes: AxisMap = AxisMap.DEVICE,
) {
    init {
        val allowed = UNITS.getValue(quantity)
        if (unit !in allowed) {
            throw ContractException(
                "${quantity.key} in '${unit.key}', expected one of ${allowed.joinToString { it.key }}",
            )
        }
    }

    private companion object {
        val ACCELERATION = setOf(SensorUnit.METRE_PER_SECOND_SQUARED, SensorUnit.G)
        val UNITS =
            mapOf(
                Quantity.ACCELEROMETER to ACCELERATION,
                Quantity.LINEAR_ACCELERATION to ACCELERATION,
                Quantity.GYROSCOPE to setOf(SensorUnit.RADIAN_PER_SECOND, SensorUnit.DEGREE_PER_SECOND),
                Quantity.MAGNETOMETER to setOf(SensorUnit.MICROTESLA, SensorUnit.DIMENSIONLESS),
            )
    }
}
