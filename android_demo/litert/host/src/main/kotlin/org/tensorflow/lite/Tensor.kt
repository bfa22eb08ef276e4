package org.tensorflow.lite

/** What the classifier asks of a tensor. */
public interface Tensor {
    /** The sizes of its axes. */
    public fun shape(): IntArray
}
