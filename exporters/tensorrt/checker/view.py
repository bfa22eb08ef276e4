"""A graph with everything that rules look up, read once."""

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from exporters.tensorrt import graphs
from exporters.tensorrt.checker.report import Finding, Severity

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """A model and lookups into it.

    Attributes:
        model: With constants as initialisers.
        constants: Initialisers by name.
        shapes: Sizes of every tensor known by inference; 0 where not fixed.
        types: ONNX element type of every tensor known by inference.
        producer: The node that computes a tensor.
        readers: The nodes that read a tensor.
    """

    model: "ModelProto"
    constants: dict[str, NDArray[Any]]
    shapes: dict[str, tuple[int, ...]]
    types: dict[str, int]
    producer: dict[str, "NodeProto"]
    readers: dict[str, list["NodeProto"]]

    @property
    def nodes(self) -> list["NodeProto"]:
        """In the graph's order, which is an execution order."""
        return list(self.model.graph.node)

    def source(self, tensor: str) -> "NodeProto | None":
        """The node behind a tensor, past a DequantizeLinear and its QuantizeLinear."""
        node = self.producer.get(tensor)
        while node is not None and node.op_type in ("DequantizeLinear", "QuantizeLinear"):
            node = self.producer.get(node.input[0])
        return node

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
        """Multiply-accumulates of a node; 0 where a size is not known."""
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
    """Read a model once for all rules."""
    import onnx

    graph = onnx.shape_inference.infer_shapes(model).graph
    types = {tensor.name: tensor.data_type for tensor in graph.initializer}
    types |= {v.name: v.type.tensor_type.elem_type for v in (*graph.input, *graph.value_info, *graph.output)}
    readers: dict[str, list[NodeProto]] = defaultdict(list)
    for node in model.graph.node:
        for name in dict.fromkeys(node.input):
            readers[name].append(node)
    return View(
        model=model,
        constants=graphs.constants(model.graph),
        shapes=graphs.shapes(model),
        types=types,
        producer=graphs.producers(model.graph),
        readers=readers,
    )


def called(node: "NodeProto") -> str:
    """A node's name, or its operator and output where it has none."""
    return node.name or f"{node.op_type} -> {node.output[0]}"


def error(rule: str, node: "NodeProto | None", message: str, remedy: str) -> Finding:
    """A finding with which no right engine can be built; without a node it is about the graph."""
    place = "graph" if node is None else called(node)
    return Finding(rule=rule, severity=Severity.ERROR, node=place, message=message, remedy=remedy)


def warning(rule: str, node: "NodeProto", message: str, remedy: str) -> Finding:
    """A finding that costs time or accuracy."""
    return Finding(rule=rule, severity=Severity.WARNING, node=called(node), message=message, remedy=remedy)


def numbers(value: Any, default: int) -> tuple[int, ...]:
    """An attribute of one number an axis."""
    return tuple(int(number) for number in np.ravel(default if value is None else value))
