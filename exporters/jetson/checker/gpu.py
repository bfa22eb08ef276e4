"""Rules of the parser and builder, whatever the precision."""

from collections.abc import Iterator

from exporters.jetson import graphs
from exporters.jetson.checker.operands import operand_rules
from exporters.jetson.checker.operators import INSTEAD, SUPPORTED
from exporters.jetson.checker.report import Diagnostic
from exporters.jetson.checker.view import View, error, is_onnx, warning

NEWEST_OPSET = 17
NEWEST_IR = 8
_NO_TENSOR, _FLOAT32, _INT8, _INT32, _INT64, _BOOL, _FLOAT16, _DOUBLE = 0, 1, 3, 6, 7, 9, 10, 11
_COMPUTED = {_FLOAT32, _INT8, _INT32, _INT64, _BOOL, _FLOAT16}
_ENDS = {_FLOAT32, _INT8, _INT32, _BOOL, _FLOAT16}


def model_rules(view: View) -> Iterator[Diagnostic]:
    """Versions of the file."""
    model = view.model
    if model.ir_version > NEWEST_IR:
        yield error(
            "model.ir", None, f"IR version {model.ir_version}, at most {NEWEST_IR} is read", "set model.ir_version = 8"
        )
    if view.opset > NEWEST_OPSET:
        remedy = "export with opset_version=17 and dynamo=False; torch's newer exporter leaves 18"
        yield error("model.opset", None, f"opset {view.opset}, at most {NEWEST_OPSET} is read", remedy)


def operator_rules(view: View) -> Iterator[Diagnostic]:
    """Operators, and what the parser asks of their inputs and attributes."""
    for node in view.stored:
        given = graphs.attributes(node)
        if graphs.constant_tensor(node) is None:
            message = f"a Constant holds {', '.join(given) or 'nothing'}"
            yield error("operator.constant_form", node, message, "store a dense tensor of numbers")
        elif given.get("value_int") or given.get("value_ints"):
            message = "TensorRT 8.5 reads no number from value_int and value_ints: it takes 0, or no values"
            yield error("operator.constant_form", node, message, "store the numbers as `value` or as an initialiser")
    for node in view.nodes:
        if not is_onnx(node.domain):
            message = f"operator {node.domain}::{node.op_type} is not ONNX's own"
            yield error(
                "model.domain", node, message, "leave out the tool that wrote it (quant_pre_process, a plug-in)"
            )
        elif node.op_type not in SUPPORTED:
            remedy = INSTEAD.get(node.op_type, "write it by other operators")
            yield error("operator.unsupported", node, f"TensorRT 8.5 has no {node.op_type}", remedy)
        else:
            yield from operand_rules(view, node)


def end_rules(view: View) -> Iterator[Diagnostic]:
    """Element types of the graph's inputs and outputs."""
    graph = view.model.graph
    initialised = {tensor.name for tensor in graph.initializer}
    for value in (*(one for one in graph.input if one.name not in initialised), *graph.output):
        kind = value.type.tensor_type.elem_type
        if kind == _INT64:
            message = f"{value.name} is INT64, the engine's is INT32"
            yield warning("type.cast", None, message, "feed and return int32, with values that fit")
        elif kind not in _ENDS:
            yield error("type.end", None, f"{value.name} is {_name(kind)}", "feed and return float32")


def type_rules(view: View) -> Iterator[Diagnostic]:
    """Element types of computed tensors. int64 is cast to int32."""
    for node in view.nodes:
        for name in node.output:
            kind = view.types.get(name, _FLOAT32)
            if kind == _DOUBLE:
                yield error("type.double", node, f"{name} is DOUBLE", "compute in float32")
            elif kind not in _COMPUTED and kind != _NO_TENSOR:
                remedy = "use float32, float16, int32, bool, or int8 by Q/DQ"
                yield error("type.unsupported", node, f"{name} is {_name(kind)}", remedy)


def shape_rules(view: View) -> Iterator[Diagnostic]:
    """Every size fixed: then no optimisation profile is needed, and the DLA takes nothing else."""
    for value in view.model.graph.input:
        if not view.fixed(value.name):
            remedy = "fix every size, the batch too: one file a batch size"
            yield error("shape.dynamic", None, f"input {value.name} is {view.shapes.get(value.name)}", remedy)
    needed = view.readers.keys() | {value.name for value in view.model.graph.output}
    for node in view.nodes:
        if unknown := [name for name in node.output if name in needed and not view.fixed(name)]:
            remedy = "fix the input's sizes, and compute no shapes in the graph"
            yield error("shape.unknown", node, f"the sizes of {', '.join(unknown)} are not known", remedy)


def _name(kind: int) -> str:
    from onnx import TensorProto

    return "no tensor" if kind == _NO_TENSOR else TensorProto.DataType.Name(kind)
