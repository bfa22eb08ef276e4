"""The same network in operators that DLA 1.0 takes, so that it stays on the DLA from the first convolution to the head.

Equal up to float rounding to the hand-off graph, where TensorRT would cut at every gate:

- the gate relu6(x + 3) / 6: the 3 goes into the bias before it, the 1/6 into the weights after it;
- the mean over time: average poolings of at most 8 samples, the last by a depthwise convolution of equal weights, which
  makes up for what was padded;
- the head: matrix products as 1x1 convolutions on (1, C, 1, 1), a cosine head's division after its product; flattened
  last.

The normalisation stays as it is: it runs on the GPU in float, as in every int8 file (docs/adr/0003).
"""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from exporters.handoff import OUTPUT
from exporters.tensorrt.checker.dla import CONV_KERNEL, POOL_WINDOW
from exporters.tensorrt.graphs import (
    attributes,
    constants,
    consumers,
    drop_unread,
    head_start,
    producers,
    scalar,
    shapes,
    store,
)

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto

_SAME_OVER_FOUR_AXES = ("Relu", "Sqrt", "Mul", "Add", "Div", "ReduceSum", "Clip")


def dla_form(model: "ModelProto") -> "ModelProto":
    """A copy of the hand-off graph for the DLA; what is not recognised stays, and the checker counts it."""
    import onnx

    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    del copy.graph.value_info[:]
    sizes = shapes(copy)
    _fold_gates(copy.graph)
    _convolve_head(copy.graph, sizes)
    _pool_in_steps(copy.graph, sizes)
    drop_unread(copy.graph)
    return copy


def _fold_gates(graph: "GraphProto") -> None:
    values = constants(graph)
    for product in [node for node in graph.node if node.op_type == "Mul"]:
        _fold_gate(graph, product, values)


def _fold_gate(graph: "GraphProto", product: "NodeProto", values: dict[str, NDArray[Any]]) -> None:
    """Conv -> Add 3 -> Clip -> Mul 1/6 -> Mul x -> Conv becomes Conv -> Clip -> Mul x -> Conv."""
    made = producers(graph)
    scaling = next(
        (made[name] for name in product.input if name in made and _by_scalar(made[name], "Mul", values)), None
    )
    clip = _before(made, scaling, "Clip")
    shift = _before(made, clip, "Add")
    expand = _before(made, shift, "Conv")
    after = consumers(graph, product.output[0])
    if scaling is None or clip is None or shift is None or expand is None or len(expand.input) != 3:
        return
    chain = (expand, shift, clip, scaling)
    if not _by_scalar(shift, "Add", values) or any(len(consumers(graph, node.output[0])) != 1 for node in chain):
        return
    if [node.op_type for node in after] != ["Conv"]:
        return
    _change(graph, expand, 2, values[expand.input[2]] + _scalar_of(shift, values))
    _change(graph, after[0], 1, values[after[0].input[1]] * _scalar_of(scaling, values))
    clip.input[0] = expand.output[0]
    _redirect(product, scaling.output[0], clip.output[0])
    graph.node.remove(shift)
    graph.node.remove(scaling)


def _convolve_head(graph: "GraphProto", sizes: dict[str, tuple[int, ...]]) -> None:
    """Matrix products over (1, D) become 1x1 convolutions over (1, D, 1, 1); the flattening comes last."""
    start, values = head_start(graph), constants(graph)
    if start >= len(graph.node) or graph.node[start].op_type != "Flatten":
        return
    flatten, head = graph.node[start], list(graph.node[start + 1 :])
    pooled = flatten.input[0]
    if sizes[pooled][2:] != (1, 1) or not all(_convertible(node, values) for node in head):
        return
    del graph.node[start:]
    for node in head:
        _redirect(node, flatten.output[0], pooled)
        graph.node.append(_as_convolution(graph, node, values))
    _multiply_before_dividing(graph, start, pooled)
    last = graph.node[-1]
    last.output[0] = f"{OUTPUT}_4d"
    flatten.input[0], flatten.output[0] = last.output[0], OUTPUT
    graph.node.append(flatten)


def _convertible(node: "NodeProto", values: dict[str, NDArray[Any]]) -> bool:
    given = attributes(node)
    if node.op_type == "Gemm":
        plain = given.get("alpha", 1) == given.get("beta", 1) == 1 and not given.get("transA")
        return plain and all(name in values for name in node.input[1:])
    if node.op_type == "MatMul":
        return node.input[1] in values
    if node.op_type == "Softmax":
        return given.get("axis", -1) in (1, -1)
    if node.op_type == "ReduceSum":
        axes = values.get(node.input[1]) if len(node.input) > 1 else None
        return bool(given.get("keepdims", 1)) and axes is not None and axes.tolist() in ([1], [-1])
    return node.op_type in _SAME_OVER_FOUR_AXES and all(values[n].size == 1 for n in node.input if n in values)


def _as_convolution(graph: "GraphProto", node: "NodeProto", values: dict[str, NDArray[Any]]) -> "NodeProto":
    from onnx import helper

    if node.op_type in ("Gemm", "MatMul"):
        weights = values[node.input[1]]
        rows = weights if attributes(node).get("transB") else weights.T
        inputs = [node.input[0], store(graph, f"{node.output[0]}_weight", rows[:, :, None, None]), *node.input[2:]]
        return helper.make_node("Conv", inputs, list(node.output), name=node.name, kernel_shape=[1, 1])
    if node.op_type == "Softmax":
        return helper.make_node("Softmax", list(node.input), list(node.output), name=node.name, axis=1)
    if node.op_type == "ReduceSum":
        inputs = [node.input[0], store(graph, f"{node.output[0]}_axes", np.array([1], np.int64))]
        return helper.make_node("ReduceSum", inputs, list(node.output), name=node.name, keepdims=1)
    return node


def _multiply_before_dividing(graph: "GraphProto", start: int, pooled: str) -> None:
    """W (f / n) = (W f) / n: the product runs on the DLA, right after the features."""
    made = producers(graph)
    for product in [node for node in graph.node[start:] if node.op_type == "Conv" and len(node.input) == 2]:
        quotient = made.get(product.input[0])
        if quotient is None or quotient.op_type != "Div" or quotient.input[0] != pooled:
            continue
        result, products = product.output[0], f"{product.output[0]}_undivided"
        product.input[0], product.output[0] = pooled, products
        quotient.input[0], quotient.output[0] = products, result
        graph.node.remove(product)
        graph.node.insert(start, product)


def _pool_in_steps(graph: "GraphProto", sizes: dict[str, tuple[int, ...]]) -> None:
    nodes: list[NodeProto] = []
    for node in graph.node:
        given = sizes.get(node.input[0], ()) if node.op_type == "GlobalAveragePool" else ()
        nodes += _steps(graph, node, given) if len(given) == 4 and given[2] == 1 else [node]
    del graph.node[:]
    graph.node.extend(nodes)


def _steps(graph: "GraphProto", pooling: "NodeProto", given: tuple[int, ...]) -> "list[NodeProto]":
    """Sums of 8 over 8 until a depthwise kernel reaches over what is left; its weights turn sums into the mean."""
    from onnx import helper

    steps: list[NodeProto] = []
    channels, length, share, tensor = given[1], given[3], 1 / given[3], pooling.input[0]
    while length > CONV_KERNEL:
        result = f"{pooling.output[0]}_step{len(steps)}"
        padding = -length % POOL_WINDOW
        step = helper.make_node(
            "AveragePool",
            [tensor],
            [result],
            name=f"{pooling.name}/step{len(steps)}",
            kernel_shape=[1, POOL_WINDOW],
            strides=[1, POOL_WINDOW],
            pads=[0, 0, 0, padding],
            count_include_pad=1,
        )
        steps.append(step)
        tensor, length, share = result, (length + padding) // POOL_WINDOW, share * POOL_WINDOW
    weights = store(graph, f"{pooling.output[0]}_share", np.full((channels, 1, 1, length), share, np.float32))
    mean = helper.make_node(
        "Conv",
        [tensor, weights],
        list(pooling.output),
        name=f"{pooling.name}/mean",
        kernel_shape=[1, length],
        group=channels,
    )
    return [*steps, mean]


def _before(made: "dict[str, NodeProto]", node: "NodeProto | None", kind: str) -> "NodeProto | None":
    """The node of this kind that feeds another."""
    if node is None:
        return None
    return next((made[name] for name in node.input if name in made and made[name].op_type == kind), None)


def _by_scalar(node: "NodeProto", kind: str, values: dict[str, NDArray[Any]]) -> bool:
    """Whether a node joins one computed tensor with one constant number."""
    known = [name for name in node.input if name in values]
    return node.op_type == kind and len(known) == 1 and values[known[0]].size == 1


def _scalar_of(node: "NodeProto", values: dict[str, NDArray[Any]]) -> np.float32:
    found = next(number for name in node.input if (number := scalar(values.get(name))) is not None)
    return np.float32(found)


def _redirect(node: "NodeProto", old: str, new: str) -> None:
    node.input[:] = [new if name == old else name for name in node.input]


def _change(graph: "GraphProto", node: "NodeProto", place: int, value: NDArray[Any]) -> None:
    """Give a node a constant of its own, whoever else reads the old one."""
    node.input[place] = store(graph, f"{node.input[place]}_folded", value)
