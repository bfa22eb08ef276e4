package org.tensorflow.lite

import org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteVersion

/** The host's TFLite. */
public object TensorFlowLite {
    /** For example `2.20.0`. */
    @JvmStatic
    public fun runtimeVersion(): String = TfLiteVersion().string
}
