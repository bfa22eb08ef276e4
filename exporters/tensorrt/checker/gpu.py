"""Rules of the parser and builder, whatever the precision."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from exporters.tensorrt.checker.operators import INSTEAD, SUPPORTED
from exporters.tensorrt.checker.report import Finding
from exporters.tensorrt.checker.view import View, error, warning

if TYPE_CHECKING:
    from onnx import NodeProto

NEWEST_OPSET = 17
NEWEST_IR = 8
_FLOAT32, _INT8, _INT32, _INT64, _BOOL, _FLOAT16, _DOUBLE = 1, 3, 6, 7, 9, 10, 11
_COMPUTED = {_FLOAT32, _INT8, _INT32, _INT64, _BOOL, _FLOAT16}
_ENDS = {_FLOAT32, _INT8, _INT32, _BOOL, _FLOAT16}


def model_rules(view: View) -> Iterator[Finding]:
    """Versions and domains of the file."""
    model = view.model
    if model.ir_version > NEWEST_IR:
        yield error(
            "model.ir", None, f"IR version {model.ir_version}, at most {NEWEST_IR} is read", "set model.ir_version = 8"
        )
    for entry in model.opset_import:
        if entry.domain in ("", "ai.onnx") and entry.version > NEWEST_OPSET:
            remedy = "export with opset_version=17 and dynamo=False; torch's newer exporter leaves 18"
            yield error("model.opset", None, f"opset {entry.version}, at most {NEWEST_OPSET} is read", remedy)
    for node in view.nodes:
        if node.domain not in ("", "ai.onnx"):
            message = f"operator {node.domain}::{node.op_type} is not ONNX's own"
            yield error(
                "model.domain", node, message, "leave out the tool that wrote it (quant_pre_process, a plug-in)"
            )


def operator_rules(view: View) -> Iterator[Finding]:
    """Operators, and what the parser asks of their inputs."""
    for node in view.nodes:
        if node.op_type not in SUPPORTED and node.domain in ("", "ai.onnx"):
            remedy = INSTEAD.get(node.op_type, "write it by other operators")
            yield error("operator.unsupported", node, f"TensorRT 8.5 has no {node.op_type}", remedy)
        if node.op_type == "Clip" and any(name and view.constant(name) is None for name in node.input[1:]):
            yield error("operator.clip_bounds", node, "a bound of Clip is computed", "make both bounds constants")
        if node.op_type in ("Conv", "ConvTranspose"):
            yield from _convolution(view, node)
        if node.op_type == "MaxPool" and len([name for name in node.output if name]) > 1:
            yield error("operator.pool_indices", node, "MaxPool's indices are used", "take the first output alone")
        if node.op_type in ("Squeeze", "Unsqueeze", "Slice") and _axes_computed(view, node):
            yield error("operator.axes", node, f"the axes of {node.op_type} are computed", "make them constants")


def type_rules(view: View) -> Iterator[Finding]:
    """Element types of tensors. int64 is cast to int32, as shapes and axes only."""
    from onnx import TensorProto

    graph = view.model.graph
    for value in (*graph.input, *graph.output):
        kind = value.type.tensor_type.elem_type
        if kind not in _ENDS:
            name = TensorProto.DataType.Name(kind)
            yield error("type.end", None, f"{value.name} is {name}", "feed and return float32")
    for node in view.nodes:
        for name in node.output:
            kind = view.types.get(name, _FLOAT32)
            if kind == _DOUBLE:
                yield error("type.double", node, f"{name} is DOUBLE", "compute in float32")
            elif kind not in _COMPUTED and kind:
                remedy = "use float32, float16, int32, bool, or int8 by Q/DQ"
                yield error("type.unsupported", node, f"{name} is {TensorProto.DataType.Name(kind)}", remedy)


def shape_rules(view: View) -> Iterator[Finding]:
    """Every size fixed: then no optimisation profile is needed, and the DLA takes nothing else."""
    for value in view.model.graph.input:
        if not view.fixed(value.name):
            remedy = "fix every size, the batch too: one file a batch size"
            yield error("shape.dynamic", None, f"input {value.name} is {view.shapes.get(value.name)}", remedy)
    for node in view.nodes:
        if unknown := [name for name in node.output if name and not view.fixed(name)]:
            remedy = "fix the input's sizes, and compute no shapes in the graph"
            yield error("shape.unknown", node, f"the sizes of {', '.join(unknown)} are not known", remedy)


def _convolution(view: View, node: "NodeProto") -> Iterator[Finding]:
    given, weights = node.input[:2]
    rank = len(view.shapes.get(given, ()))
    if rank == 3:
        remedy = "author the network as Conv2d with a dimension of one"
        message = "a convolution over 3 axes is reshaped to 4, between Q/DQ and weights too"
        yield warning("conv.rank", node, message, remedy)
    elif rank not in (0, 4, 5):
        message = f"a convolution over {rank} axes, 4 or 5 are supported"
        yield error("conv.rank", node, message, "use 2-D or 3-D convolutions")
    if view.constant(weights) is None:
        remedy = "make the weights an initialiser"
        yield error("conv.weights", node, "the weights are computed", remedy)


def _axes_computed(view: View, node: "NodeProto") -> bool:
    place = 3 if node.op_type == "Slice" else 1
    axes = node.input[place : place + 1]
    return any(name and name not in view.constants for name in axes)
