"""What the parser of TensorRT 8.5 asks of an operator's inputs and attributes.

After the operator table and the importers of onnx-tensorrt, release/8.5-GA, and the notes of TensorRT's own header.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from exporters.jetson import graphs
from exporters.jetson.checker.report import Diagnostic
from exporters.jetson.checker.view import View, error, numbers, warning

if TYPE_CHECKING:
    from onnx import NodeProto

_AXES = {"Squeeze": 1, "Unsqueeze": 1, "Slice": 3, "CumSum": 1, "ReduceSum": 1}
"""Operators, and which input names their axes."""
_CONSTANTS = {"TopK": {1: "K"}, "InstanceNormalization": {1: "scale", 2: "bias"}}
_RANKS = {
    "InstanceNormalization": (3, 5),
    "MaxPool": (3, 5),
    "AveragePool": (3, 5),
    "NonMaxSuppression": (3, 3),
    "Trilu": (2, 3),
    "EyeLike": (2, 2),
}
"""Least and most axes of the first input."""
_COORDINATES = ("half_pixel", "pytorch_half_pixel", "tf_half_pixel_for_nn", "asymmetric", "align_corners")
_OUTERMOST = {"linear": 3, "cubic": 2}
"""How many axes at the end a Resize may change."""
_CLIPPED = {1, 6, 7, 10}
"""Types that are clipped by computed bounds: float32, int32, int64, float16."""


def operand_rules(view: View, node: "NodeProto") -> Iterator[Diagnostic]:
    """What is wrong with the inputs or attributes of a supported operator."""
    yield from _constants(view, node)
    low, high = _RANKS.get(node.op_type, (0, 0))
    rank = len(view.shapes.get(node.input[0], ())) if node.input else 0
    if high and rank and not low <= rank <= high:
        message = f"{node.op_type} over {rank} axes, {low} to {high} are supported"
        yield error("operator.rank", node, message, "reshape before and after it")
    if (rules := _RULES.get(node.op_type)) is not None:
        yield from rules(view, node)


def _constants(view: View, node: "NodeProto") -> Iterator[Diagnostic]:
    """Inputs that the parser reads itself, so that they must not be computed."""
    place = _AXES.get(node.op_type, len(node.input))
    if any(name and name not in view.constants for name in node.input[place : place + 1]):
        yield error("operator.axes", node, f"the axes of {node.op_type} are computed", "make them constants")
    for place, what in _CONSTANTS.get(node.op_type, {}).items():
        if any(name not in view.constants for name in node.input[place : place + 1]):
            yield error("operator.constant", node, f"the {what} of {node.op_type} is computed", "make it a constant")


def _clip(view: View, node: "NodeProto") -> Iterator[Diagnostic]:
    computed = any(name and name not in view.constants for name in node.input[1:])
    if computed and view.types.get(node.input[0], 1) not in _CLIPPED:
        message = "computed bounds of a Clip that is neither float nor int32"
        yield error("operator.clip_bounds", node, message, "make both bounds constants")


def _pooling(view: View, node: "NodeProto") -> Iterator[Diagnostic]:
    if len([name for name in node.output if name]) > 1:
        yield error("operator.pool_indices", node, "MaxPool's indices are used", "take the first output alone")
    if (dilations := numbers(graphs.attributes(node).get("dilations"), 1)) and set(dilations) != {1}:
        message = f"{node.op_type} with dilations {dilations}, 1 alone is supported"
        yield error("operator.pool_dilations", node, message, "pool without dilations, or by strides")


def _resize(view: View, node: "NodeProto") -> Iterator[Diagnostic]:
    given = {name: value.decode() for name, value in graphs.attributes(node).items() if isinstance(value, bytes)}
    coordinates, nearest = given.get("coordinate_transformation_mode", "half_pixel"), given.get("nearest_mode")
    if coordinates not in _COORDINATES:
        message = f"coordinate_transformation_mode {coordinates}, expected one of {', '.join(_COORDINATES)}"
        yield error("operator.resize", node, message, "export with one of these, or crop by Slice first")
    if coordinates == "tf_half_pixel_for_nn" and nearest not in (None, "round_prefer_floor"):
        message = f"nearest_mode {nearest} with {coordinates}, expected round_prefer_floor"
        yield error("operator.resize", node, message, "leave nearest_mode at its default")
    outermost, place = _OUTERMOST.get(given.get("mode", "nearest")), 2 if view.opset >= 11 else 1
    scales = next((view.constants.get(name) for name in node.input[place : place + 1]), None)
    if outermost is not None and scales is not None and np.any(scales[:-outermost] != 1):
        message = f"{given['mode']} over scales {scales.tolist()}, the last {outermost} axes alone can change"
        yield error("operator.resize", node, message, "resize the other axes by nearest")


def _einsum(view: View, node: "NodeProto") -> Iterator[Diagnostic]:
    equation = graphs.attributes(node).get("equation", b"").decode().replace(" ", "")
    terms = equation.split("->")[0].split(",")
    remedy = "write it by Transpose, Reshape and MatMul"
    if "." in equation:
        yield error("operator.einsum", node, f"an ellipsis in {equation}", remedy)
    elif not equation.translate(str.maketrans("", "", ",->")).islower():
        yield error("operator.einsum", node, f"{equation} has other letters than a to z", "use lower-case letters")
    elif any(len(set(term)) < len(term) for term in terms):
        yield error("operator.einsum", node, f"a diagonal in {equation}", remedy)
    elif len(terms) > 2:
        yield error("operator.einsum", node, f"{len(terms)} inputs, at most 2 are taken", "use one Einsum a pair")
    elif len(terms) == len(node.input) == 2 and _broadcasts(view, node, terms):
        yield error("operator.einsum", node, f"{equation} broadcasts an axis of one", remedy)


def _broadcasts(view: View, node: "NodeProto", terms: list[str]) -> bool:
    """Whether a letter stands for different sizes in the two inputs."""
    one, other = (
        dict(zip(term, view.shapes.get(name, ()), strict=False)) for term, name in zip(terms, node.input, strict=True)
    )
    return any(one[letter] != other[letter] for letter in one.keys() & other.keys())


def _if(view: View, node: "NodeProto") -> Iterator[Diagnostic]:
    """The outputs of both branches have names of their own, unless the condition is constant."""
    bodies = [one.g for one in node.attribute if one.name in ("then_branch", "else_branch")]
    if node.input[0] in view.constants or len(bodies) != 2:
        return
    then, other = ({value.name for value in body.output} for body in bodies)
    if same := then & other:
        message = f"both branches have an output called {min(same)}"
        yield error("operator.if_outputs", node, message, "give the outputs of the branches different names")


def _convolution(view: View, node: "NodeProto") -> Iterator[Diagnostic]:
    given, weights = node.input[:2]
    rank = len(view.shapes.get(given, ()))
    if rank == 3:
        remedy = "author the network as Conv2d with a dimension of one"
        message = "a convolution over 3 axes is reshaped to 4, between Q/DQ and weights too"
        yield warning("conv.rank", node, message, remedy)
    elif rank not in (0, 4, 5):
        message = f"a convolution over {rank} axes, 4 or 5 are supported"
        yield error("conv.rank", node, message, "use 2-D or 3-D convolutions")
    source = view.producer.get(weights)
    if source is not None and source.op_type == "DequantizeLinear" and view.constant(weights) is None:
        message = "int8 weights are computed; computed weights are taken in float alone"
        yield error("conv.weights", node, message, "make the weights an initialiser, or leave Q/DQ out")
    stored = all(name in view.constants for name in node.input[1:] if name)
    if node.op_type == "Conv" and not stored and "kernel_shape" not in graphs.attributes(node):
        message = (
            "weights or bias are no initialisers (computed, or behind a DequantizeLinear): then kernel_shape is read"
        )
        yield error("conv.kernel_shape", node, message, "state kernel_shape")


def _training(view: View, node: "NodeProto") -> Iterator[Diagnostic]:
    """BatchNormalization states its mode, Dropout reads it."""
    mode = graphs.attributes(node).get("training_mode", 0)
    for name in node.input[2:3] if node.op_type == "Dropout" else ():
        mode = bool(np.any(view.constants.get(name, np.array(name != ""))))
    if mode:
        message = f"{node.op_type} in training mode, or in a mode that is computed"
        yield error("operator.training", node, message, "export the network in evaluation mode")


_Rule = Callable[[View, Any], Iterator[Diagnostic]]
_RULES: dict[str, _Rule] = {
    "AveragePool": _pooling,
    "BatchNormalization": _training,
    "Clip": _clip,
    "Conv": _convolution,
    "ConvTranspose": _convolution,
    "Dropout": _training,
    "Einsum": _einsum,
    "If": _if,
    "MaxPool": _pooling,
    "Resize": _resize,
}
