"""Scales of int8 activations: symmetric, one a tensor, with the least squared rounding error over calibration windows.

TensorRT's int8 is symmetric, so after a ReLU half its levels are idle, and a scale that reaches the largest value
spends the rest on a few violent samples. Clipping those is the smaller error.
"""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from exporters.handoff import INPUT
from factory.contracts.dataset import Floats

if TYPE_CHECKING:
    from onnx import ModelProto

LEVELS = 127
_DRAWN = 40
"""Values of each tensor that are kept of each window."""
_SHARES = np.linspace(0.2, 1.0, 33)
"""Candidates: shares of the largest value."""


def activation_scales(model: "ModelProto", names: list[str], calibration: Floats) -> dict[str, float]:
    """Scale of each tensor: real = scale * int8.

    Args:
        model: A float graph, batch 1.
        names: Tensors that its nodes compute.
        calibration: (N, C, T) windows of training subjects, SI units.
    """
    import onnx
    import onnxruntime

    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    present = {value.name for value in copy.graph.output}
    copy.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names if name not in present)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(copy.SerializeToString(), options, providers=["CPUExecutionProvider"])
    largest, drawn = np.zeros(len(names)), np.empty((len(names), len(calibration), _DRAWN), np.float32)
    draws: dict[int, NDArray[np.int64]] = {}  # the same for the same tensor, whichever graph computes it
    for index, window in enumerate(calibration):
        values = session.run(names, {INPUT: np.ascontiguousarray(window[None, :, None, :], np.float32)})
        for place, value in enumerate(values):
            if value.size not in draws:
                draws[value.size] = np.random.default_rng(0).integers(0, value.size, (len(calibration), _DRAWN))
            drawn[place, index] = value.ravel()[draws[value.size][index]]
            largest[place] = max(largest[place], value.max(), -value.min())
    drawn = np.abs(drawn)
    return {name: least_error_scale(drawn[i].ravel(), float(largest[i])) for i, name in enumerate(names)}


def least_error_scale(magnitudes: NDArray[np.float32], largest: float) -> float:
    """The scale that rounds these magnitudes best; one that keeps small values where all are zero."""
    if largest == 0:
        return 1 / LEVELS
    candidates = _SHARES * largest / LEVELS
    errors = [np.square(np.minimum(np.round(magnitudes / s), LEVELS) * s - magnitudes).mean() for s in candidates]
    return float(candidates[int(np.argmin(errors))])
