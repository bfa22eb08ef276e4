"""A graph with everything that rules look up, read once."""

import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from exporters.jetson import graphs
from exporters.jetson.checker.report import Diagnostic, Level

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """One graph of a model, the main graph or the body of a control-flow operator, and lookups into it.

    A body reads tensors of the graphs around it, so its lookups hold theirs too.

    Attributes:
        model: With inferred sizes and types.
        nodes: In the graph's order, which is an execution order; without the Constant nodes in `constants`.
        stored: The Constant nodes, in every form.
        constants: Initialisers, and the values of Constant nodes, by name.
        shapes: Sizes of every tensor known by inference; 0 where not fixed.
        types: ONNX element type of every tensor known by inference.
        producer: The node that computes a tensor.
        readers: The nodes that read a tensor, those in bodies too.
        bodies: What If, Loop and Scan run, by the node's first output.
    """

    model: "ModelProto"
    nodes: list["NodeProto"]
    stored: list["NodeProto"]
    constants: dict[str, NDArray[Any]]
    shapes: dict[str, tuple[int, ...]]
    types: dict[str, int]
    producer: dict[str, "NodeProto"]
    readers: dict[str, list["NodeProto"]]
    bodies: dict[str, tuple["View", ...]]

    @property
    def opset(self) -> int:
        """Version of ONNX's own operators."""
        return max((entry.version for entry in self.model.opset_import if is_onnx(entry.domain)), default=0)

    def scopes(self) -> "Iterator[View]":
        """This graph and every body within it."""
        yield self
        for bodies in self.bodies.values():
            for body in bodies:
                yield from body.scopes()

    def constant(self, tensor: str) -> NDArray[Any] | None:
        """A tensor's value if it is constant; stored int8 weights behind a DequantizeLinear are."""
        node = self.producer.get(tensor)
        while node is not None and node.op_type in ("DequantizeLinear", "QuantizeLinear"):
            tensor = node.input[0]
            node = self.producer.get(tensor)
        return self.constants.get(tensor)

    def fixed(self, tensor: str) -> bool:
        """Whether every size of a tensor is known."""
        return tensor in self.shapes and all(self.shapes[tensor])

    def macs(self, node: "NodeProto") -> int:
        """Multiply-accumulates of a node, once through each body; 0 where a size is not known."""
        bodies = self.bodies.get(node.output[0], ())
        if bodies:
            return sum(body.macs(one) for body in bodies for one in body.nodes)
        if node.op_type not in graphs.WEIGHTED or not all(
            self.fixed(name) for name in (node.output[0], *node.input[:2])
        ):
            return 0
        produced, weights = math.prod(self.shapes[node.output[0]]), self.shapes[node.input[1]]
        if node.op_type == "Conv":
            return produced * math.prod(weights[1:])
        if node.op_type == "ConvTranspose":
            return math.prod(self.shapes[node.input[0]]) * math.prod(weights[1:])
        if node.op_type == "Gemm":
            return produced * weights[1 if graphs.attributes(node).get("transB") else 0]
        return produced * self.shapes[node.input[0]][-1]


def view(model: "ModelProto") -> View:
    """Read a model once for all rules.

    Raises:
        InferenceError: Sizes contradict each other.
        ValueError: A node lacks inputs or outputs, or a constant its values.
    """
    import onnx

    inferred = onnx.shape_inference.infer_shapes(model)
    return _scope(inferred, inferred.graph, None)


def _scope(model: "ModelProto", graph: "GraphProto", around: View | None) -> View:
    """One graph, and the bodies in it."""
    from onnx import numpy_helper

    for node in graph.node:
        _require_operands(model, node)
    stored = [node for node in graph.node if node.op_type == "Constant"]
    held = {node.output[0]: tensor for node in stored if (tensor := graphs.constant_tensor(node)) is not None}
    nodes = [node for node in graph.node if node.output[0] not in held]
    values = graphs.constants(graph) | {name: numpy_helper.to_array(tensor) for name, tensor in held.items()}
    shapes = graphs.stated_shapes(graph) | {name: tuple(tensor.dims) for name, tensor in held.items()}
    types = {tensor.name: tensor.data_type for tensor in graph.initializer}
    types |= {v.name: v.type.tensor_type.elem_type for v in (*graph.input, *graph.value_info, *graph.output)}
    readers: dict[str, list[NodeProto]] = defaultdict(list)
    for node in nodes:
        for name in dict.fromkeys(node.input):
            readers[name].append(node)
    scope = View(
        model=model,
        nodes=nodes,
        stored=stored,
        constants=(around.constants if around else {}) | values,
        shapes=(around.shapes if around else {}) | shapes,
        types=(around.types if around else {}) | types,
        producer=(around.producer if around else {}) | {name: node for node in nodes for name in node.output},
        readers=readers,
        bodies={},
    )
    for node in nodes:
        if bodies := tuple(_scope(model, body, scope) for body in taken_bodies(scope, node)):
            scope.bodies[node.output[0]] = bodies
            for body in bodies:
                for name, found in body.readers.items():
                    readers[name] += found
    return scope


def taken_bodies(view: View, node: "NodeProto") -> "list[GraphProto]":
    """The graphs that a node runs; of an If with a constant condition the parser reads only that which is taken."""
    from onnx import AttributeProto

    graphs_of = {one.name: one.g for one in node.attribute if one.type == AttributeProto.GRAPH}
    condition = view.constants.get(node.input[0]) if node.op_type == "If" else None
    if condition is not None and condition.size == 1:
        taken = "then_branch" if condition.ravel()[0] else "else_branch"
        return [body for name, body in graphs_of.items() if name == taken]
    return list(graphs_of.values())


def _require_operands(model: "ModelProto", node: "NodeProto") -> None:
    """As many inputs and outputs as the operator's definition asks for.

    Raises:
        ValueError: Names the node.
    """
    from onnx import defs

    least, opset = 0, max((entry.version for entry in model.opset_import if is_onnx(entry.domain)), default=1)
    if is_onnx(node.domain) and defs.has(node.op_type, max_inclusive_version=opset):
        least = defs.get_schema(node.op_type, max_inclusive_version=opset).min_input
    if len(node.input) < least:
        raise ValueError(f"{called(node)} has {len(node.input)} inputs, {node.op_type} takes at least {least}")
    if not node.output:
        raise ValueError(f"{called(node)} has no output")


def is_onnx(domain: str) -> bool:
    """Whether a domain is that of ONNX's own operators."""
    return domain in ("", "ai.onnx")


def called(node: "NodeProto") -> str:
    """A node's name, or its operator and output where it has none."""
    return node.name or f"{node.op_type} -> {', '.join(node.output[:1]) or 'nothing'}"


def error(rule: str, node: "NodeProto | None", message: str, remedy: str) -> Diagnostic:
    """A diagnostic with which no right engine can be built; without a node it is about the graph."""
    place = "graph" if node is None else called(node)
    return Diagnostic(rule=rule, level=Level.ERROR, node=place, message=message, remedy=remedy)


def warning(rule: str, node: "NodeProto | None", message: str, remedy: str) -> Diagnostic:
    """A diagnostic that costs time, accuracy or a cast; without a node it is about the graph."""
    place = "graph" if node is None else called(node)
    return Diagnostic(rule=rule, level=Level.WARNING, node=place, message=message, remedy=remedy)


def numbers(value: Any, default: int) -> tuple[int, ...]:
    """An attribute of one number an axis."""
    return tuple(int(number) for number in np.ravel(default if value is None else value))
