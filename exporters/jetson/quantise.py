"""Explicit Q/DQ: as TensorRT 8.5 reads it for the GPU, and as a stand-in for what the DLA computes.

int8 with zero-point 0 throughout; activations one scale a tensor, weights one an output channel and stored as int8;
biases float. For the GPU, Q/DQ stand on the inputs of weighted operators and on both inputs of residual additions, and
nowhere else: after a convolution they would part it from its ReLU. The front (normalisation, stem, first stage) stays
float: most of int8's loss arises there (docs/adr/0003).
"""

from collections.abc import Callable, Collection
from itertools import takewhile
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from exporters.handoff import front_length
from exporters.jetson.graphs import (
    attributes,
    constants,
    consumers,
    drop_unread,
    head_start,
    store,
)
from exporters.jetson.graphs import shapes as all_shapes
from exporters.jetson.scales import LEVELS, activation_scales
from factory.contracts.artifact import Quantisation, TensorInfo
from factory.contracts.dataset import Floats
from factory.contracts.errors import ExportError

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto

_INT8_WEIGHTED = ("Conv", "Gemm")
"""TensorRT 8.5 multiplies by a MatMul in float alone."""
_FLOAT_HEAD = {"Sqrt", "Div", "Softmax"}
_ACTIVATIONS = ("Relu", "Clip")
_ROUNDING = ("QuantizeLinear", "DequantizeLinear")


def quantise(model: "ModelProto", calibration: Floats) -> "ModelProto":
    """A Q/DQ copy of a float graph for the GPU.

    Args:
        model: The hand-off graph, constants as initialisers.
        calibration: (N, C, T) windows of training subjects, SI units.

    Raises:
        ExportError: The front would not stay in float.
    """
    known = {tensor.name for tensor in model.graph.initializer}
    chosen = int8_nodes(model)
    given = dict.fromkeys(name for node in chosen for name in node.input if name not in known)
    scales = activation_scales(model, list(given), calibration)
    names = {node.name for node in chosen}
    quantised = _insert(model, scales, names, lambda node: node.name in names)
    _require_float_front(model, quantised.graph)
    return quantised


def simulate_dla(model: "ModelProto", scales: dict[str, float]) -> "ModelProto":
    """What the DLA computes in int8, as a Q/DQ graph for ONNX Runtime; no engine is built from it.

    Every tensor with a scale is rounded, but for what stays inside a layer: a convolution's result ahead of its
    activation.

    Args:
        model: The DLA's graph.
        scales: Of each int8 tensor, as in its calibration cache.
    """
    graph = model.graph
    weighted = {
        node.name
        for node in graph.node
        if node.op_type == "Conv" and node.input[0] in scales and node.output[0] in scales
    }
    outside = {name: scale for name, scale in scales.items() if not _inside_layer(graph, name)}
    return _insert(model, outside, weighted, lambda node: True)


def head_in_float(graph: "GraphProto") -> bool:
    """Whether the head holds a root, a quotient or a softmax, and so stays float."""
    return not _FLOAT_HEAD.isdisjoint(node.op_type for node in graph.node[head_start(graph) :])


def int8_nodes(model: "ModelProto") -> list["NodeProto"]:
    """Convolutions, Gemms and residual additions, as far as they run in int8 on the GPU: behind the float front."""
    graph = model.graph
    known = {tensor.name for tensor in graph.initializer}
    start, end = front_length(model), head_start(graph) if head_in_float(graph) else len(graph.node)
    return [
        node
        for node in graph.node[start:end]
        if node.op_type in _INT8_WEIGHTED or (node.op_type == "Add" and known.isdisjoint(node.input))
    ]


def quantised_tensors(model: "ModelProto") -> tuple[TensorInfo, ...]:
    """Every int8 tensor with its scales, in execution order: stored weights and quantised activations."""
    values, shapes = constants(model.graph), all_shapes(model)
    return tuple(
        _info(node, shapes, values)
        for node in model.graph.node
        if node.op_type == "QuantizeLinear" or (node.op_type == "DequantizeLinear" and node.input[0] in values)
    )


def _insert(
    model: "ModelProto",
    scales: dict[str, float],
    weighted: Collection[str],
    reads_rounded: "Callable[[NodeProto], bool]",
) -> "ModelProto":
    """A copy with Q/DQ behind each tensor that has a scale, and int8 weights in the weighted nodes."""
    import onnx

    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    del copy.graph.value_info[:]
    values = constants(copy.graph)
    nodes: list[NodeProto] = []
    for node in copy.graph.node:
        if node.name in weighted and node.op_type in _INT8_WEIGHTED:
            nodes.append(_dequantised_weights(copy.graph, node, values[node.input[1]]))
        if reads_rounded(node):
            node.input[:] = [f"{name}_dq" if name in scales else name for name in node.input]
        nodes.append(node)
        for name in [name for name in node.output if name in scales]:
            nodes += _rounded(copy.graph, name, scales[name])
    del copy.graph.node[:]
    copy.graph.node.extend(nodes)
    drop_unread(copy.graph)
    return copy


def _rounded(graph: "GraphProto", tensor: str, scale: float) -> "list[NodeProto]":
    from onnx import helper

    parameters = [
        store(graph, f"{tensor}_scale", np.array(scale, np.float32)),
        store(graph, f"{tensor}_zero", np.array(0, np.int8)),
    ]
    return [
        helper.make_node("QuantizeLinear", [tensor, *parameters], [f"{tensor}_q"], name=f"{tensor}/q"),
        helper.make_node("DequantizeLinear", [f"{tensor}_q", *parameters], [f"{tensor}_dq"], name=f"{tensor}/dq"),
    ]


def _dequantised_weights(graph: "GraphProto", node: "NodeProto", weights: NDArray[Any]) -> "NodeProto":
    """Store a node's weights as int8, one scale an output channel; the DequantizeLinear in front of it."""
    from onnx import helper

    axis = 1 if node.op_type == "Gemm" and not attributes(node).get("transB") else 0
    others = tuple(place for place in range(weights.ndim) if place != axis)
    largest = np.abs(weights).max(axis=others, keepdims=True)
    scale = (np.where(largest > 0, largest, 1) / LEVELS).astype(np.float32)
    name = node.input[1]
    inputs = [
        store(graph, f"{name}_q", np.round(weights / scale).astype(np.int8)),
        store(graph, f"{name}_scale", scale.ravel()),
        store(graph, f"{name}_zero", np.zeros(scale.size, np.int8)),
    ]
    node.input[1] = f"{name}_dq"
    return helper.make_node("DequantizeLinear", inputs, [node.input[1]], name=f"{name}/dq", axis=axis)


def _inside_layer(graph: "GraphProto", tensor: str) -> bool:
    """Whether a tensor is the result of a convolution that its activation alone reads."""
    readers = consumers(graph, tensor)
    made = next(node for node in graph.node if tensor in node.output)
    return made.op_type == "Conv" and [reader.op_type in _ACTIVATIONS for reader in readers] == [True]


def _info(node: "NodeProto", shapes: dict[str, tuple[int, ...]], values: dict[str, NDArray[Any]]) -> TensorInfo:
    name = node.output[0] if node.op_type == "QuantizeLinear" else node.input[0]
    scales, zeros = values[node.input[1]].ravel(), values[node.input[2]].ravel()
    return TensorInfo(
        name=name,
        shape=shapes[name],
        dtype="int8",
        layout="as stored",
        quantisation=Quantisation(
            scale=tuple(float(scale) for scale in scales),
            zero_point=tuple(int(zero) for zero in zeros),
            axis=attributes(node).get("axis", 1) if len(scales) > 1 else None,
        ),
    )


def _require_float_front(model: "ModelProto", quantised: "GraphProto") -> None:
    expected = [node.name for node in model.graph.node[: front_length(model)]]
    got = [node.name for node in takewhile(lambda node: node.op_type not in _ROUNDING, quantised.node)]
    if got != expected:
        raise ExportError(
            f"jetson, step int8: {len(got)} float operators stand ahead of the first Quantize, expected the "
            f"{len(expected)} of the front ({', '.join(expected[:3])}, ...): export the student again"
        )
