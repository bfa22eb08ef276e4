"""Rules of explicit quantisation on the GPU: QuantizeLinear (Q) and DequantizeLinear (DQ)."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from exporters.jetson import graphs
from exporters.jetson.checker.operators import NOT_IN_INT8
from exporters.jetson.checker.report import Diagnostic
from exporters.jetson.checker.view import View, error, warning

if TYPE_CHECKING:
    from onnx import NodeProto

_Q, _DQ = "QuantizeLinear", "DequantizeLinear"


def pairs(view: View) -> list["NodeProto"]:
    """Every Q and DQ of a graph, without its bodies."""
    return [node for node in view.nodes if node.op_type in (_Q, _DQ)]


def parameter_rules(view: View) -> Iterator[Diagnostic]:
    """Scales and zero-points."""
    for node in pairs(view):
        if len(node.input) < 3 or not node.input[2]:
            message = f"{node.op_type} has no zero-point, so its type is uint8"
            yield error("qdq.zero_point_missing", node, message, "give a zero-point, int8 and zero")
            continue
        scale, zero = view.constants.get(node.input[1]), view.constants.get(node.input[2])
        if scale is None or zero is None:
            yield error("qdq.constant", node, "scale or zero-point is computed", "make both initialisers")
            continue
        if zero.dtype == np.int32:
            yield error("qdq.bias", node, "a bias is stored as int32", "leave biases in float (QuantizeBias=False)")
        elif zero.dtype != np.int8:
            remedy = "quantise to int8 (QuantType.QInt8), activations too"
            yield error("qdq.type", node, f"the type is {zero.dtype}, int8 alone is read", remedy)
        if np.any(zero):
            remedy = "quantise symmetrically (ActivationSymmetric, WeightSymmetric)"
            yield error("qdq.zero_point", node, f"a zero-point is {int(zero.ravel()[np.argmax(zero != 0)])}", remedy)
        if not np.all(np.isfinite(scale) & (scale > 0)):
            yield error("qdq.scale", node, "a scale is not above zero", "calibrate on windows that reach this tensor")
        if scale.size > 1:
            yield from _channels(view, node, scale.size)


def placement_rules(view: View) -> Iterator[Diagnostic]:
    """Where Q and DQ stand."""
    for node in view.nodes:
        if node.op_type == _Q:
            yield from _after_quantize(view, node)
        elif node.op_type == _DQ:
            yield from _ahead_of_dequantize(view, node)
        elif node.op_type in graphs.WEIGHTED:
            yield from _weighted(view, node)
            yield from _depthwise_swish(view, node)
        elif node.op_type == "Add":
            yield from _residual(view, node)
        if node.op_type in NOT_IN_INT8 and any(_is_quantised(view, name) for name in node.input[:2]):
            remedy = "leave its inputs in float (nodes_to_quantize)"
            yield error("qdq.float_operator", node, f"{node.op_type} has no int8 implementation", remedy)


def need_rules(view: View, *, int8: bool) -> Iterator[Diagnostic]:
    """Q/DQ and the precision belong together."""
    found = [node for scope in view.scopes() for node in pairs(scope)]
    if int8 and not found:
        message = "no Q/DQ: nothing would run in int8"
        yield error("qdq.none", None, message, "build model.int8.onnx, or give the builder a calibration cache")
    if found and not int8:
        message = f"{len(found)} Q and DQ in a float build"
        yield error("qdq.float_build", found[0], message, "build in int8 (--int8), or take the float graph")


def _channels(view: View, node: "NodeProto", scales: int) -> Iterator[Diagnostic]:
    """One scale a channel: for constant weights alone, along their output channels."""
    if view.constant(node.input[0]) is None:
        yield error("qdq.per_axis", node, f"an activation has {scales} scales", "one scale a tensor for activations")
        return
    reader = next((one for name in node.output for one in view.readers.get(name, ())), None)
    if reader is not None and reader.op_type == _DQ:
        reader = next(iter(view.readers.get(reader.output[0], ())), None)
    expected = _output_axis(reader)
    axis, sizes = graphs.attributes(node).get("axis", 1), view.shapes.get(node.input[0], ())
    if expected is not None and (axis % max(len(sizes), 1)) != expected:
        message = f"{scales} scales along axis {axis}, the output channels are axis {expected}"
        yield error("qdq.axis", node, message, "quantise weights one scale an output channel")


def _output_axis(reader: "NodeProto | None") -> int | None:
    if reader is None or reader.op_type not in graphs.WEIGHTED:
        return None
    if reader.op_type == "Gemm":
        return 0 if graphs.attributes(reader).get("transB") else 1
    return 0 if reader.op_type == "Conv" else 1


def _after_quantize(view: View, node: "NodeProto") -> Iterator[Diagnostic]:
    readers = view.readers.get(node.output[0], [])
    if not readers or any(reader.op_type != _DQ for reader in readers):
        kinds = ", ".join(sorted({reader.op_type for reader in readers})) or "nothing"
        yield error("qdq.pair", node, f"a Q is read by {kinds}, expected a DQ", "follow every Q by a DQ")
    if any(value.name == node.input[0] for value in view.model.graph.input):
        message = "the raw input is quantised: one scale over channels of different range"
        yield warning("qdq.raw_input", node, message, "quantise after the normalisation")
    source = view.producer.get(node.input[0])
    others = [reader for reader in view.readers.get(node.input[0], ()) if reader is not node]
    after = [reader for dq in readers for reader in view.readers.get(dq.output[0], ()) if dq.op_type == _DQ]
    if (
        source is not None
        and source.op_type in graphs.WEIGHTED
        and any(one.op_type in ("Relu", "Clip") for one in (*others, *after))
    ):
        message = f"a Q stands between {source.op_type} and its activation, which are one kernel otherwise"
        yield warning("qdq.fusion", node, message, "quantise after the activation")


def _ahead_of_dequantize(view: View, node: "NodeProto") -> Iterator[Diagnostic]:
    source = view.producer.get(node.input[0])
    if source is None and node.input[0] not in view.constants:
        message = "a DQ reads the graph's input"
        yield error("qdq.pair", node, message, "feed float32 and quantise inside the graph")
    elif source is not None and source.op_type != _Q:
        yield error("qdq.pair", node, f"a DQ reads {source.op_type}, expected a Q or stored int8", "put a Q before it")
    elif source is not None and len(source.input) > 1 and len(node.input) > 1:
        given, taken = view.constants.get(source.input[1]), view.constants.get(node.input[1])
        if given is not None and taken is not None and not np.array_equal(given, taken):
            yield error("qdq.scales_differ", node, "a Q and its DQ have different scales", "give both the same scale")


def _weighted(view: View, node: "NodeProto") -> Iterator[Diagnostic]:
    activation, weights = (_is_quantised(view, name) for name in node.input[:2])
    if activation != weights and node.op_type not in NOT_IN_INT8:
        which = "input" if activation else "weights"
        message = f"only the {which} of {node.op_type} are quantised, so it runs in float"
        yield error("qdq.one_sided", node, message, "quantise input and weights, or neither")


def _depthwise_swish(view: View, node: "NodeProto") -> Iterator[Diagnostic]:
    """An int8 depthwise convolution fused with x * sigmoid(x): TensorRT#3385, seen in 8.5.2 and confirmed by NVIDIA.

    The builder has no implementation where the graph ends there; with more behind it, it was seen to build unfused.
    """
    weights = view.constant(node.input[1])
    depthwise = graphs.attributes(node).get("group", 1) > 1 and weights is not None and weights.shape[1] == 1
    if node.op_type != "Conv" or not depthwise or not all(_is_quantised(view, name) for name in node.input[:2]):
        return
    product = _swish(view, _past(view, node.output[0], "BatchNormalization"))
    if product is None:
        return
    message, remedy = (
        "an int8 depthwise convolution with Swish behind it",
        "use ReLU or HardSwish, or leave it in float",
    )
    if view.readers.get(_past(view, product, _Q, _DQ)):
        yield warning("qdq.depthwise_swish", node, f"{message} is not fused by TensorRT 8.5.2 (TensorRT#3385)", remedy)
    else:
        message = f"{message} at the end of the graph: TensorRT 8.5.2 finds no implementation (TensorRT#3385)"
        yield error("qdq.depthwise_swish_end", node, message, f"{remedy}; or put an Identity behind it")


def _swish(view: View, tensor: str) -> str | None:
    """The product x * sigmoid(x) of a tensor, if that is computed."""
    readers = view.readers.get(tensor, ())
    gates = {reader.output[0] for reader in readers if reader.op_type == "Sigmoid"}
    return next((one.output[0] for one in readers if one.op_type == "Mul" and not gates.isdisjoint(one.input)), None)


def _past(view: View, tensor: str, *kinds: str) -> str:
    """The tensor behind the operators of these kinds that read one alone."""
    while len(readers := view.readers.get(tensor, [])) == 1 and readers[0].op_type in kinds:
        tensor = readers[0].output[0]
    return tensor


def _residual(view: View, node: "NodeProto") -> Iterator[Diagnostic]:
    if any(view.constant(name) is not None for name in node.input):
        return
    quantised = [_is_quantised(view, name) for name in node.input]
    if any(quantised) and not all(quantised):
        message = "one branch of a residual addition is quantised, so the sum is taken in float"
        yield warning("qdq.residual", node, message, "quantise both branches")


def _is_quantised(view: View, tensor: str) -> bool:
    node = view.producer.get(tensor)
    return node is not None and node.op_type == _DQ
