package dev.smldist.sensing

import kotlinx.serialization.Serializable

/**
 * When an answer counts as unknown: the largest of `softmax(logits / temperature)` is below [threshold].
 *
 * The same arithmetic in Python is `factory.contracts.window.Rejection`.
 *
 * @property temperature above 0; 1 leaves the probabilities as the model gives them
 * @property threshold from 0, where nothing is unknown, to below 1
 */
@Serializable
public data class Rejection(
    val temperature: Float = 1f,
    val threshold: Float = 0f,
) {
    /** Whether [probability], the largest of an answer, is too small to be believed. */
    public fun rejects(probability: Float): Boolean = probability < threshold
}
