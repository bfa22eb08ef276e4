"""TensorFlow's share of the export, in a process of its own: python -m exporters.tflite.worker FOLDER PRECISION...

A process of its own because onnx2tf and TensorFlow print past Python onto the terminal, reseed its random numbers,
leave by SystemExit, name tensors by counters that outlive a conversion, and share no thread pool with torch. Reads
FOLDER/model.onnx and, for int8_static, FOLDER/calibration.npy (N, 1, 1, T, C); writes FOLDER/<precision>.tflite.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from exporters.process import Done, serve

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["TF_USE_LEGACY_KERAS"] = "1"  # onnx2tf is written for it
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"

_SAMPLES = "calibration_image_sample_data_20x128x128x3_float32.npy"
"""What onnx2tf tries a graph of three channels with: photographs, which it downloads unless a file of this name lies
in its working directory (github.com/PINTO0309/onnx2tf issues 869 and 932). Ones, as for every other number of channels.
"""


def convert(folder: Path, precisions: list[str], done: Done) -> None:
    """One conversion to a SavedModel, then one a precision; fp32 always, as int8_static reads its graph."""
    import numpy as np
    import onnx2tf
    import tensorflow as tf

    done("import", "onnx2tf")
    np.save(_SAMPLES, np.ones((1, 1, 1, 3), np.float32))
    onnx2tf.convert(
        input_onnx_file_path=str(folder / "model.onnx"),
        output_folder_path=str(folder / "onnx2tf"),
        output_signaturedefs=True,
        non_verbose=True,
    )
    done("onnx2tf", "signature")
    named = _name_signature(tf, folder)
    done("signature", "fp32")
    fp32 = tf.lite.TFLiteConverter.from_saved_model(str(named)).convert()
    for index, precision in enumerate(precisions):
        if index:
            done(precisions[index - 1], precision)
        content = _convert_precision(tf, named, precision, fp32, folder)
        (folder / f"{precision}.tflite").write_bytes(content)
    done(precisions[-1], "end")


def _name_signature(tf: Any, folder: Path) -> Path:
    """Wrap the converted model so that every precision's file has the signature imu -> logits."""
    inner = tf.saved_model.load(str(folder / "onnx2tf"))
    serve = inner.signatures["serving_default"]
    ((given, spec),) = serve.structured_input_signature[1].items()
    (result,) = serve.structured_outputs
    outer = tf.Module()
    outer.inner = inner  # keeps its variables alive
    function = tf.function(
        lambda imu: {"logits": serve(**{given: imu})[result]},
        input_signature=[tf.TensorSpec(spec.shape, tf.float32, name="imu")],
    )
    named = folder / "named"
    tf.saved_model.save(outer, str(named), signatures=function.get_concrete_function())
    return named


def _convert_precision(tf: Any, saved_model: Path, precision: str, fp32: bytes, folder: Path) -> bytes:
    if precision == "fp32":
        return fp32
    converter = tf.lite.TFLiteConverter.from_saved_model(str(saved_model))
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if precision == "fp16":
        converter.target_spec.supported_types = [tf.float16]
    if precision == "int8_static":
        return _quantise(tf, converter, fp32, folder)
    return bytes(converter.convert())


def _quantise(tf: Any, converter: Any, fp32: bytes, folder: Path) -> bytes:
    """int8 by min-max scales; the front and some heads stay float: docs/adr/0003."""
    import numpy as np

    from exporters.handoff import read_handoff
    from exporters.tflite.flatbuffer import float_front, float_head, parse

    calibration = np.load(folder / "calibration.npy")

    def representative() -> Iterator[dict[str, Any]]:
        for window in calibration:
            yield {"imu": window}

    converter.representative_dataset = representative
    graph = parse(fp32, "fp32")
    front = read_handoff(folder / "model.onnx").front_weighted
    in_float = [*float_front(graph, front), *float_head(graph)]
    options = tf.lite.experimental.QuantizationDebugOptions(denylisted_nodes=in_float)
    # The one public way to leave operators out; it calibrates, then quantises what is not listed.
    debugger = tf.lite.experimental.QuantizationDebugger(converter=converter, debug_options=options)
    return bytes(debugger.get_nondebug_quantized_model())


if __name__ == "__main__":
    sys.exit(serve(lambda done: convert(Path(sys.argv[1]), sys.argv[2:], done)))
