"""calibration.cache: one scale a tensor of the DLA's graph, in the text format of IInt8EntropyCalibrator2.

TensorRT leaves a layer in float whose tensors have no scale. So the cache itself keeps float what must be: it names no
tensor ahead of the normalised input, none of a head with a root, a quotient or a softmax, and not the logits.
The scales are those of the Q/DQ graph: the largest absolute value over the calibration windows, divided by 127.
"""

import re
import struct
from typing import TYPE_CHECKING

import numpy as np

from exporters.handoff import INPUT
from exporters.tensorrt.graphs import WEIGHTED, ahead_of_weights, head_start
from exporters.tensorrt.quantise import head_in_float
from factory.contracts.dataset import Floats
from factory.contracts.errors import ArtifactError

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto

HEADER = "TRT-8502-EntropyCalibration2"
"""TensorRT 8.5.2, of JetPack 5.1; it reads the caches of its own version."""
_LEVELS = 127
_LINE = re.compile(r"^(\S.*): ([0-9a-f]{8})$")


def calibration_cache(model: "ModelProto", last: str, calibration: Floats) -> str:
    """The text of a cache.

    Args:
        model: The DLA's graph.
        last: The last tensor that gets a scale, by `last_in_int8`.
        calibration: (N, C, T) windows of training subjects, SI units.
    """
    lines = [f"{name}: {struct.pack('>f', scale).hex()}" for name, scale in _scales(model, last, calibration).items()]
    return "\n".join([HEADER, *lines]) + "\n"


def read_cache(text: str) -> dict[str, float]:
    """Scale of each tensor.

    Raises:
        ArtifactError: Not a cache, or a scale that is not above zero.
    """
    header, *lines = text.splitlines() or [""]
    found = [_LINE.match(line) for line in lines]
    if not re.fullmatch(r"TRT-\d+-EntropyCalibration2", header) or not lines or None in found:
        raise ArtifactError("the calibration cache is corrupt: build the target again")
    scales = {match[1]: struct.unpack(">f", bytes.fromhex(match[2]))[0] for match in found if match}
    if wrong := [name for name, scale in scales.items() if not 0 < scale < np.inf]:
        raise ArtifactError(f"the calibration cache has no scale above zero for {wrong[0]}: build the target again")
    return scales


def last_in_int8(graph: "GraphProto") -> str:
    """Of the hand-off graph, the last tensor that gets a scale; the DLA's form keeps its name.

    The pooled features, or the hidden layer of a plain head: its last product gives the logits, in float.
    """
    start = head_start(graph)
    pooled = str(graph.node[start - 1].output[0])
    products = [node for node in graph.node[start:] if node.op_type in WEIGHTED]
    if head_in_float(graph) or not products:
        return pooled
    given = str(products[-1].input[0])
    return pooled if any(node.op_type == "Flatten" and given in node.output for node in graph.node) else given


def _scales(model: "ModelProto", last: str, calibration: Floats) -> dict[str, float]:
    largest = _largest(model, _between(model.graph, last), calibration)
    # A tensor that was zero throughout gets a scale that keeps small values.
    return {name: (value or 1.0) / _LEVELS for name, value in largest.items()}


def _between(graph: "GraphProto", last: str) -> list[str]:
    """Tensors from the normalised input to `last`, in execution order."""
    raw = {node.output[0] for node in ahead_of_weights(graph)[:-1]}
    names = [name for node in graph.node for name in node.output if name not in raw]
    return names[: names.index(last) + 1]


def _largest(model: "ModelProto", names: list[str], calibration: Floats) -> dict[str, float]:
    """Largest absolute value of each tensor over all windows."""
    import onnx
    import onnxruntime

    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    copy.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(copy.SerializeToString(), options, providers=["CPUExecutionProvider"])
    largest = np.zeros(len(names))
    for window in calibration:
        values = session.run(names, {INPUT: np.ascontiguousarray(window[None, :, None, :], np.float32)})
        largest = np.maximum(largest, [np.abs(value).max() for value in values])
    return dict(zip(names, largest.tolist(), strict=True))
