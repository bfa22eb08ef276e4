package dev.smldist.inference

import dev.smldist.sensing.ModelFile

/**
 * Runs one model. Not thread-safe: buffers are reused between calls. Close it where its owner ends.
 *
 * Implementations check, before the first window: the file's SHA-256 and size, the runtime's version, the names and
 * shapes of input and output.
 */
public interface Classifier : AutoCloseable {
    /** What is run. */
    public val model: ModelFile

    /** Runtime and version, for example `TensorFlow Lite 2.16.1`. */
    public val runtime: String

    /**
     * Scores of one window.
     *
     * @param window `[T, C]` in raw SI units, as `SensorWindow.values` holds it
     * @param logits receives K scores, in the order of the contract's labels; not normalised
     * @throws ModelException another size of window or logits, or the runtime failed
     */
    public fun classify(
        window: FloatArray,
        logits: FloatArray,
    )
}

/** Refuses buffers of other sizes than the model's. */
public fun Classifier.requireSizes(
    window: FloatArray,
    logits: FloatArray,
) {
    val (values, classes) = listOf(model.inputs, model.outputs).map { it.single().shape.fold(1, Int::times) }
    if (window.size != values || logits.size != classes) {
        throw ModelException(
            "${model.path} takes $values values and gives $classes scores, " +
                "got buffers of ${window.size} and ${logits.size}: read the sizes from the contract",
        )
    }
}
