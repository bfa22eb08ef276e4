package dev.smldist.recognizer

import dev.smldist.sensing.SensorContract

/** A class that a model recognises; the enum of a model's AAR has one constant for each. */
public interface ActivityLabel {
    /** Its name in the contract. */
    public val label: String
}

/**
 * A published model, as the object of its AAR describes it: `dev.smldist.models:<name>`.
 *
 * @property name as published
 * @property version as published
 * @param packSha256 of pack.json among its assets, which holds the hash of each other asset
 * @param contractJson contract.json of the build
 * @param maxGapS a longer silence of any sensor, in seconds, begins a new window
 * @param activities in the order of the logits
 */
public abstract class RecognitionModel<A : Enum<A>> protected constructor(
    public val name: String,
    public val version: String,
    internal val packSha256: String,
    contractJson: String,
    maxGapS: Double,
    activities: Array<A>,
) {
    /** The classes, in the order of the logits. */
    public val activities: List<A> = activities.toList()

    /** What the model takes. */
    public val contract: SensorContract by lazy { SensorContract.fromContract(contractJson, maxGapS) }

    /** Where its files lie among the app's assets. */
    internal val folder: String get() = "smldist/$name"
}
