"""Rules of DLA 1.0 (Xavier) by layer: what breaks one runs on the GPU instead, and splits the DLA's part in two.

The limits are those of TensorRT's guide, "DLA supported layers and restrictions"; where the guide and the operator's
semantics leave a doubt the rule refuses, so that the coverage is not overstated.
"""

import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from exporters.jetson import graphs
from exporters.jetson.checker.report import Coverage, Diagnostic
from exporters.jetson.checker.view import View, called, error, numbers, warning
from factory.contracts.artifact import Precision

if TYPE_CHECKING:
    from onnx import NodeProto

MOST_PARTS = 16
"""DLA parts that one core holds at a time."""
POOL_WINDOW = 8
CONV_KERNEL = 32
_MOST_BATCH, _MOST_SIZE = 4096, 8192
_CONV_STRIDE, _CONV_PADDING, _POOL_STRIDE, _POOL_PADDING = 8, 31, 16, 7
_ELEMENTWISE = ("Add", "Sub", "Mul", "Max", "Min")
_CLIP_HIGHEST = 127


def dla_rules(view: View, precision: Precision) -> Iterator[Diagnostic]:
    """What keeps the graph, or a node of it, off the DLA."""
    if precision is Precision.FP32:
        yield error("dla.precision", None, "the DLA has no float32", "build in fp16 or int8")
    for node in view.nodes:
        if node.op_type in ("QuantizeLinear", "DequantizeLinear"):
            remedy = "give the builder the plain graph and a calibration cache (model.dla.onnx, calibration.cache)"
            yield error("dla.qdq", node, f"the DLA takes no {node.op_type}", remedy)
        else:
            yield from obstacles(view, node)
    if (parts := coverage(view).parts) > MOST_PARTS:
        message = f"{parts} parts, one core holds {MOST_PARTS}"
        yield error("dla.parts", None, message, "replace the operators that fall back between them")


def coverage(view: View) -> Coverage:
    """Which nodes the DLA takes, and how much of the arithmetic they are."""
    taken = [not any(True for _ in obstacles(view, node)) for node in view.nodes]
    macs = [view.macs(node) for node in view.nodes]
    return Coverage(
        macs=sum(macs),
        on_dla=sum(count for count, on_dla in zip(macs, taken, strict=True) if on_dla),
        parts=sum(now and not before for before, now in zip([False, *taken], taken, strict=False)),
        on_gpu=tuple(called(node) for node, on_dla in zip(view.nodes, taken, strict=True) if not on_dla),
    )


def obstacles(view: View, node: "NodeProto") -> Iterator[Diagnostic]:
    """Why one node falls back to the GPU; nothing where the DLA takes it."""
    rules = _RULES.get(node.op_type)
    if rules is None:
        remedy = _INSTEAD.get(
            node.op_type, "it runs on the GPU; write it by convolutions, poolings or ReLUs to avoid that"
        )
        yield warning("dla.operator", node, f"DLA 1.0 has no {node.op_type}", remedy)
        return
    yield from _tensors(view, node)
    yield from rules(view, node)


def _tensors(view: View, node: "NodeProto") -> Iterator[Diagnostic]:
    """Four axes of fixed size, within bounds."""
    for name in (*node.input[:1], *node.output[:1]):
        sizes = view.shapes.get(name, ())
        if not sizes or not all(sizes):
            yield warning(
                "dla.dynamic", node, f"the sizes of {name} are not fixed: {sizes}", "fix every size of the input"
            )
        elif len(sizes) != 4:
            remedy = "keep four axes, a 1x1 convolution for a matrix product; flatten last"
            yield warning("dla.rank", node, f"{name} has {len(sizes)} axes, the DLA takes 4", remedy)
        elif sizes[0] > _MOST_BATCH or max(sizes[1:]) > _MOST_SIZE:
            message = f"{name} is {sizes}, at most {_MOST_BATCH} windows of {_MOST_SIZE} each way"
            yield warning("dla.size", node, message, "make the batch or the layer smaller")


def _convolution(view: View, node: "NodeProto") -> Iterator[Diagnostic]:
    given, weights = graphs.attributes(node), view.constants.get(node.input[1])
    if weights is None:
        yield warning("dla.conv_weights", node, "the weights are no initialiser", "store the weights in the graph")
        return
    kernel = weights.shape[2:]
    limits = (
        ("kernel", kernel, 1, CONV_KERNEL),
        ("strides", numbers(given.get("strides"), 1), 1, _CONV_STRIDE),
        ("pads", numbers(given.get("pads"), 0), 0, _CONV_PADDING),
        ("dilations", numbers(given.get("dilations"), 1), 1, CONV_KERNEL),
    )
    for what, got, low, high in limits:
        if min(got) < low or max(got) > high:
            message = f"{what} {tuple(got)}, the DLA takes {low} to {high}"
            yield warning("dla.conv_limits", node, message, "use several smaller convolutions, or another stride")
    if given.get("auto_pad", b"NOTSET") not in (b"NOTSET", b"VALID"):
        yield warning("dla.conv_limits", node, "auto_pad is set", "write the pads out")


def _pooling(view: View, node: "NodeProto") -> Iterator[Diagnostic]:
    given = graphs.attributes(node)
    pads = numbers(given.get("pads"), 0)
    limits = (
        ("window", numbers(given.get("kernel_shape"), 1), 1, POOL_WINDOW),
        ("strides", numbers(given.get("strides"), 1), 1, _POOL_STRIDE),
        ("pads", pads, 0, _POOL_PADDING),
    )
    for what, got, low, high in limits:
        if min(got) < low or max(got) > high:
            remedy = f"pool in steps of at most {POOL_WINDOW}, or by a depthwise convolution"
            yield warning("dla.pool_limits", node, f"{what} {got}, the DLA takes {low} to {high}", remedy)
    if node.op_type == "AveragePool" and any(pads) and not given.get("count_include_pad"):
        message = "an average that leaves padding out"
        yield warning("dla.pool_padding", node, message, "set count_include_pad = 1, or pad nothing")


def _clip(view: View, node: "NodeProto") -> Iterator[Diagnostic]:
    """The DLA has min(max(x, 0), n) alone."""
    bounds = [graphs.scalar(view.constant(name)) if name else None for name in (*node.input[1:], "", "")[:2]]
    low, high = bounds
    if low != 0 or high is None or not 1 <= high <= _CLIP_HIGHEST:
        message = f"Clip from {low} to {high}, the DLA clips from 0 to a number of 1 to {_CLIP_HIGHEST}"
        yield warning("dla.clip", node, message, "shift by the bias before it, so that the lower bound is 0")


def _elementwise(view: View, node: "NodeProto") -> Iterator[Diagnostic]:
    if any(view.constant(name) is not None for name in node.input):
        remedy = "multiply the constant into the weights or the bias of a neighbouring convolution"
        yield warning("dla.constant", node, f"{node.op_type} with a constant, which the DLA cannot hold", remedy)
        return
    if len(node.input) != 2:
        yield warning("dla.elementwise", node, f"{node.op_type} of {len(node.input)} tensors", "use one a pair")
        return
    one, other = sorted((view.shapes.get(name, ()) for name in node.input), key=math.prod)
    if len(one) != 4 or len(other) != 4 or one not in (other, (*other[:2], 1, 1), (other[0], 1, 1, 1)):
        message = f"{one} against {other}: the DLA broadcasts (N, C, 1, 1) and (N, 1, 1, 1) alone"
        yield warning("dla.broadcast", node, message, "bring both to the same sizes")


def _concat(view: View, node: "NodeProto") -> Iterator[Diagnostic]:
    axis = graphs.attributes(node).get("axis", 1)
    if axis % max(len(view.shapes.get(node.output[0], ())), 1) != 1:
        yield warning("dla.concat", node, f"Concat along axis {axis}, the DLA joins channels", "join along axis 1")


def _nothing_more(view: View, node: "NodeProto") -> Iterator[Diagnostic]:
    return iter(())


_Rule = Callable[[View, Any], Iterator[Diagnostic]]
_RULES: dict[str, _Rule] = {
    "Conv": _convolution,
    "Relu": _nothing_more,
    "Sigmoid": _nothing_more,
    "Tanh": _nothing_more,
    "LeakyRelu": _nothing_more,
    "Clip": _clip,
    "AveragePool": _pooling,
    "MaxPool": _pooling,
    "Concat": _concat,
    "BatchNormalization": _nothing_more,
    **dict.fromkeys(_ELEMENTWISE, _elementwise),
}
_INSTEAD = {
    "GlobalAveragePool": f"pool in steps of at most {POOL_WINDOW}, the last by a depthwise convolution",
    "ReduceMean": f"pool in steps of at most {POOL_WINDOW}, the last by a depthwise convolution",
    "Gemm": "use a 1x1 convolution over (N, C, 1, 1)",
    "MatMul": "use a 1x1 convolution over (N, C, 1, 1)",
    "HardSwish": "use ReLU, or relu6(x + 3) / 6 with the 3 in the bias and the 1/6 in the next weights",
    "HardSigmoid": "use relu6(x + 3) / 6 with the 3 in the bias and the 1/6 in the next weights",
    "Softmax": "leave it to the GPU, at the end of the graph",
    "Flatten": "flatten last; it costs nothing there",
}
