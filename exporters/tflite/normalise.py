"""The normalisation of a hand-off graph as two operators without broadcasts instead of four.

clip((x - mean) scale, -c, c) is a subtraction, a product, a minimum and a maximum. Where a constant has one value a
channel, XNNPACK walks the window row by row, six values at a time, which is dear beside an int8 inference. With
constants of the window's own shape it walks it once. Clipped to +-1, the clip is the second operator's activation; the
first convolution's weights take c:

    conv(clip((x - mean) scale, -c, c)) = c conv(clip(x scale / c - mean scale / c, -1, 1))

A depthwise and a full convolution of kernel 1 were tried in their place, and are dearer on arm64. A network that has
hardly more weights than such constants have values is left as it is: they would double its file.
"""

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from factory.contracts.front import normalises_by_window

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from onnx import GraphProto, ModelProto, NodeProto

_CHAIN = ("Sub", "Mul", "Clip", "Conv")
_SCALE, _SHIFT, _LOW, _HIGH, _WEIGHT = (f"normalise.{name}" for name in ("scale", "shift", "low", "high", "weight"))


def spread_normalisation(model: "ModelProto") -> bool:
    """Rewrite the first four operators of a graph in place; False, nothing done, where they are others or it is tiny.

    Args:
        model: Input (1, C, 1, T).
    """
    from onnx import numpy_helper

    graph = model.graph
    values, chain = _constants(graph), _chain(graph)
    if chain is None:
        return False
    subtract, multiply, clip, first = chain
    operands = (subtract.input[1], multiply.input[1], *clip.input[1:], first.input[1])
    if any(name not in values for name in operands):
        return False
    mean, scale, low, high, weight = (values[name] for name in operands)
    _, channels, _, window = (axis.dim_value for axis in graph.input[0].type.tensor_type.shape.dim)
    if (mean.shape, scale.shape) != 2 * ((1, channels, 1, 1),) or low != -high:
        return False
    weights = sum(math.prod(tensor.dims) for tensor in graph.initializer if tensor.name not in operands[:-1])
    if not normalises_by_window(weights, channels, window):
        return False
    scaled = np.broadcast_to(scale / high, (1, channels, 1, window)).astype(np.float32)
    constants = {
        _SCALE: scaled,
        _SHIFT: mean * scaled,
        _LOW: np.float32(-1),
        _HIGH: np.float32(1),
        _WEIGHT: weight * high,
    }
    graph.initializer.extend(numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items())
    multiply.input[0], multiply.input[1] = subtract.input[0], _SCALE
    subtract.input[0], subtract.input[1] = multiply.output[0], _SHIFT
    clip.input[0], clip.input[1], clip.input[2] = subtract.output[0], _LOW, _HIGH
    first.input[1] = _WEIGHT
    graph.node.remove(subtract)
    graph.node.insert(list(graph.node).index(multiply) + 1, subtract)
    return True


def _chain(graph: "GraphProto") -> "tuple[NodeProto, NodeProto, NodeProto, NodeProto] | None":
    """The operators from the input on, if they are _CHAIN and nothing else reads what is between them."""
    found: list[NodeProto] = []
    tensor = graph.input[0].name
    for kind in _CHAIN:
        readers = [node for node in graph.node if tensor in node.input]
        if len(readers) != 1 or readers[0].op_type != kind or readers[0].input[0] != tensor:
            return None
        found += readers
        tensor = readers[0].output[0]
    subtract, multiply, clip, first = found
    return subtract, multiply, clip, first


def _constants(graph: "GraphProto") -> "dict[str, NDArray[Any]]":
    from onnx import numpy_helper

    values = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant":
            values[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)
    return values
