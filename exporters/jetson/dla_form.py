"""The same network in operators that DLA 1.0 takes, so that it stays on the DLA from the first convolution to the head.

Equal up to float rounding to the hand-off graph, where TensorRT would cut at every gate:

- the gate relu6(x + 3) / 6: the 3 goes into the bias before it, the 1/6 into the weights after it;
- the mean over time: average poolings of at most 8 samples, the last by a depthwise convolution of equal weights, which
  makes up for what was padded;
- the head: matrix products as 1x1 convolutions on (1, C, 1, 1), a cosine head's division after its product; flattened
  last.

The normalisation stays as it is: it runs on the GPU in float, as in every int8 file (docs/adr/0003).
"""

from typing import TYPE_CHECKING

import numpy as np
import onnx_graphsurgeon as gs
from numpy.typing import NDArray

from exporters.handoff import OUTPUT
from exporters.jetson.checker.dla import CONV_KERNEL, POOL_WINDOW
from exporters.jetson.graphs import head_start

if TYPE_CHECKING:
    from onnx import ModelProto

_SAME_OVER_FOUR_AXES = ("Relu", "Sqrt", "Mul", "Add", "Div", "ReduceSum", "Clip")


def dla_form(model: "ModelProto") -> "ModelProto":
    """A copy of the hand-off graph for the DLA; what is not recognised stays, and the checker counts it."""
    import onnx

    graph = gs.import_onnx(onnx.shape_inference.infer_shapes(model))
    for product in [node for node in graph.nodes if node.op == "Mul"]:
        _fold_gate(product)
    _convolve_head(graph, head_start(model.graph))
    for pooling in [node for node in graph.nodes if node.op == "GlobalAveragePool"]:
        _pool_in_steps(graph, pooling)
    made: ModelProto = gs.export_onnx(graph.cleanup().toposort())
    del made.graph.value_info[:]
    made.metadata_props.extend(model.metadata_props)
    return made


def _fold_gate(product: gs.Node) -> None:
    """Conv -> Add 3 -> Clip -> Mul 1/6 -> Mul x -> Conv becomes Conv -> Clip -> Mul x -> Conv."""
    scaling = next((node for node in map(_source, product.inputs) if _by_scalar(node, "Mul")), None)
    clip = _before(scaling, "Clip")
    shift = _before(clip, "Add")
    expand = _before(shift, "Conv")
    after = product.outputs[0].outputs
    if scaling is None or clip is None or shift is None or expand is None or len(expand.inputs) != 3:
        return
    chain = (expand, shift, clip, scaling)
    if not _by_scalar(shift, "Add") or any(len(node.outputs[0].outputs) != 1 for node in chain):
        return
    if [node.op for node in after] != ["Conv"]:
        return
    _change(expand, 2, expand.inputs[2].values + _scalar_of(shift))
    _change(after[0], 1, after[0].inputs[1].values * _scalar_of(scaling))
    clip.inputs[0] = expand.outputs[0]
    _redirect(product, scaling.outputs[0], clip.outputs[0])


def _convolve_head(graph: gs.Graph, start: int) -> None:
    """Matrix products over (1, D) become 1x1 convolutions over (1, D, 1, 1); the flattening comes last."""
    if start >= len(graph.nodes) or graph.nodes[start].op != "Flatten":
        return
    flatten, *head = graph.nodes[start:]
    pooled, logits = flatten.inputs[0], graph.outputs[0]
    if tuple(pooled.shape[2:]) != (1, 1) or not all(_convertible(node) for node in head):
        return
    for node in head:
        _redirect(node, flatten.outputs[0], pooled)
        _to_convolution(node)
    for product in head:
        _multiply_before_dividing(product, pooled)
    result = gs.Variable(f"{OUTPUT}_4d", np.float32)
    logits.inputs[0].outputs, flatten.inputs, flatten.outputs = [result], [result], [logits]


def _convertible(node: gs.Node) -> bool:
    given, known = node.attrs, [one for one in node.inputs if isinstance(one, gs.Constant)]
    if node.op == "Gemm":
        plain = given.get("alpha", 1) == given.get("beta", 1) == 1 and not given.get("transA")
        return plain and len(known) == len(node.inputs) - 1
    if node.op == "MatMul":
        return node.inputs[1] in known
    if node.op == "Softmax":
        return given.get("axis", -1) in (1, -1)
    if node.op == "ReduceSum":
        return bool(given.get("keepdims", 1)) and [one.values.tolist() for one in known] in ([[1]], [[-1]])
    return node.op in _SAME_OVER_FOUR_AXES and all(one.values.size == 1 for one in known)


def _to_convolution(node: gs.Node) -> None:
    result = node.outputs[0].name
    if node.op in ("Gemm", "MatMul"):
        weights = node.inputs[1].values
        rows = weights if node.attrs.get("transB") else weights.T
        node.inputs[1] = gs.Constant(f"{result}_weight", np.ascontiguousarray(rows[:, :, None, None]))
        node.op, node.attrs = "Conv", {"kernel_shape": [1, 1]}
    elif node.op == "Softmax":
        node.attrs = {"axis": 1}
    elif node.op == "ReduceSum":
        node.inputs[1] = gs.Constant(f"{result}_axes", np.array([1], np.int64))
        node.attrs = {"keepdims": 1}


def _multiply_before_dividing(product: gs.Node, pooled: gs.Tensor) -> None:
    """W (f / n) = (W f) / n: the product runs on the DLA, right after the features."""
    quotient = _before(product, "Div") if product.op == "Conv" and len(product.inputs) == 2 else None
    if quotient is None or quotient.inputs[0] is not pooled:
        return
    result = product.outputs[0]
    undivided = gs.Variable(f"{result.name}_undivided", np.float32)
    product.inputs[0], quotient.inputs[0] = pooled, undivided
    quotient.outputs, product.outputs = [result], [undivided]


def _pool_in_steps(graph: gs.Graph, pooling: gs.Node) -> None:
    """Sums of 8 over 8 until a depthwise kernel reaches over what is left; its weights turn sums into the mean."""
    tensor, result = pooling.inputs[0], pooling.outputs[0]
    if len(sizes := list(tensor.shape or [])) != 4 or sizes[2] != 1:
        return
    pooling.outputs.clear()
    channels, length, share, steps = sizes[1], sizes[3], 1 / sizes[3], 0
    while length > CONV_KERNEL:
        padding = -length % POOL_WINDOW
        window = {"kernel_shape": [1, POOL_WINDOW], "strides": [1, POOL_WINDOW]}
        padded = {"pads": [0, 0, 0, padding], "count_include_pad": 1}
        step = gs.Variable(f"{result.name}_step{steps}", np.float32)
        graph.nodes.append(
            gs.Node("AveragePool", f"{pooling.name}/step{steps}", {**window, **padded}, [tensor], [step])
        )
        tensor, length, share, steps = step, (length + padding) // POOL_WINDOW, share * POOL_WINDOW, steps + 1
    weights = gs.Constant(f"{result.name}_share", np.full((channels, 1, 1, length), share, np.float32))
    mean = {"kernel_shape": [1, length], "group": channels}
    graph.nodes.append(gs.Node("Conv", f"{pooling.name}/mean", mean, [tensor, weights], [result]))


def _source(tensor: gs.Tensor) -> gs.Node | None:
    """The node that computes a tensor."""
    return next(iter(tensor.inputs), None)


def _before(node: gs.Node | None, kind: str) -> gs.Node | None:
    """The node of this kind that feeds another."""
    sources = map(_source, node.inputs) if node is not None else ()
    return next((source for source in sources if source is not None and source.op == kind), None)


def _by_scalar(node: gs.Node | None, kind: str) -> bool:
    """Whether a node joins one computed tensor with one constant number."""
    known = [one for one in node.inputs if isinstance(one, gs.Constant)] if node is not None else []
    return node is not None and node.op == kind and len(known) == 1 and known[0].values.size == 1


def _scalar_of(node: gs.Node) -> np.float32:
    return np.float32(next(one.values.item() for one in node.inputs if isinstance(one, gs.Constant)))


def _redirect(node: gs.Node, old: gs.Tensor, new: gs.Tensor) -> None:
    node.inputs = [new if one is old else one for one in node.inputs]


def _change(node: gs.Node, place: int, value: NDArray[np.float32]) -> None:
    """Give a node a constant of its own, whoever else reads the old one."""
    node.inputs[place] = gs.Constant(f"{node.inputs[place].name}_folded", value)
