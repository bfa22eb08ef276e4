"""calibration.cache: one scale a tensor of the DLA's graph, in the text format of IInt8EntropyCalibrator2.

TensorRT leaves a layer in float whose tensors have no scale. So the cache itself keeps float what must be: it names no
tensor inside the float front, none of a head with a root, a quotient or a softmax, and not the logits. What it leaves
out runs in fp16, on the DLA too: build with both flags.
The scales are made as those of the Q/DQ graph, by `exporters.jetson.scales`.
"""

import re
import struct
from typing import TYPE_CHECKING

import numpy as np

from exporters.handoff import front_length
from exporters.jetson.graphs import WEIGHTED, head_start
from exporters.jetson.quantise import head_in_float
from factory.contracts.errors import ArtifactError

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto

HEADER = "TRT-8502-EntropyCalibration2"
"""TensorRT 8.5.2, of JetPack 5.1; it reads the caches of its own version."""
_LINE = re.compile(r"^(\S.*): ([0-9a-f]{8})$")


def write_cache(scales: dict[str, float]) -> str:
    """The text of a cache, from the scale of each tensor."""
    lines = [f"{name}: {struct.pack('>f', scale).hex()}" for name, scale in scales.items()]
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


def int8_tensors(model: "ModelProto", dla: "ModelProto") -> list[str]:
    """Tensors of the DLA's graph that get a scale, in execution order.

    Args:
        model: The hand-off graph.
        dla: Its form for the DLA, which keeps the names at the ends of blocks.
    """
    graph = model.graph
    first = graph.node[front_length(model) - 1]
    names = [name for node in dla.graph.node for name in node.output]
    return names[names.index(first.output[0]) : names.index(_last(graph)) + 1]


def _last(graph: "GraphProto") -> str:
    """The pooled features, or the hidden layer of a plain head: its last product gives the logits, in float."""
    start = head_start(graph)
    pooled = str(graph.node[start - 1].output[0])
    products = [node for node in graph.node[start:] if node.op_type in WEIGHTED]
    if head_in_float(graph) or not products:
        return pooled
    given = str(products[-1].input[0])
    return pooled if any(node.op_type == "Flatten" and given in node.output for node in graph.node) else given
