package dev.smldist.sensing

import kotlin.random.Random

const val SECOND_NS: Long = 1_000_000_000

/** Six phone channels, 64 samples at [rateHz]. */
fun phoneContract(
    rateHz: Double = 50.0,
    length: Int = 64,
    hop: Int = 32,
    maxGapS: Double = 0.1,
): SensorContract =
    SensorContract(
        name = "test",
        channels =
            listOf(Quantity.ACCELEROMETER, Quantity.GYROSCOPE).flatMap { quantity ->
                Axis.entries.map { axis ->
                    Channel(
                        name = "${quantity.key}_${axis.name.lowercase()}",
                        quantity = quantity,
                        axis = axis,
                        unit = quantity.unit,
                        gravity = quantity == Quantity.ACCELEROMETER,
                        placement = "pocket",
                    )
                }
            },
        rateHz = rateHz,
        length = length,
        hop = hop,
        labels = listOf("still", "walk"),
        axes = "Android device axes",
        maxGapS = maxGapS,
        obstacles = emptyList(),
    )

/** What the sensor of [quantity] reports at [row] of a window `[T, C]`; 0 on axes that the contract does not name. */
fun SensorContract.eventValues(
    quantity: Quantity,
    window: FloatArray,
    row: Int,
): FloatArray {
    val values = FloatArray(3)
    val first = row * channels.size
    channels.forEachIndexed { index, channel ->
        if (channel.quantity == quantity) values[channel.axis.ordinal] = window[first + index]
    }
    return values
}

/** Times of a sensor that jitters around a random rate of 40 to 110 Hz and is silent now and then. */
fun irregularTimes(
    random: Random,
    seconds: Int,
): List<Long> {
    val interval = SECOND_NS / random.nextDouble(40.0, 110.0)
    val times = mutableListOf<Long>()
    var time = random.nextLong(SECOND_NS)
    while (time < seconds * SECOND_NS) {
        times += time
        time += (interval * random.nextDouble(0.2, 1.8)).toLong() + 1
        if (random.nextInt(400) == 0) time += random.nextLong(SECOND_NS / 2)
    }
    return times
}

/** Events of both sensors, by rising time. */
fun irregularEvents(
    random: Random,
    seconds: Int = 30,
): List<Event> =
    listOf(Quantity.ACCELEROMETER, Quantity.GYROSCOPE)
        .flatMap { quantity ->
            irregularTimes(random, seconds).map { time ->
                Event(quantity, time, FloatArray(3) { random.nextDouble(-20.0, 20.0).toFloat() })
            }
        }.sortedBy { it.timeNs }

fun List<Event>.of(quantity: Quantity): List<Event> = filter { it.quantity == quantity }
