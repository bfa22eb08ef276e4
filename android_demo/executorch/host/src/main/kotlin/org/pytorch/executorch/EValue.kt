package org.pytorch.executorch

/** A value that enters or leaves a module: here always a tensor. */
public class EValue private constructor(
    private val tensor: Tensor,
) {
    public fun toTensor(): Tensor = tensor

    public companion object {
        @JvmStatic
        public fun from(tensor: Tensor): EValue = EValue(tensor)
    }
}
