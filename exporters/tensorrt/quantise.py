"""Explicit Q/DQ for the GPU, as TensorRT 8.5 reads it.

int8 with zero-point 0 throughout; activations one scale a tensor, weights one a channel and stored as int8; biases
float. Q/DQ stand on the inputs of weighted operators and on both inputs of residual additions, and nowhere else: after
a convolution they would part it from its ReLU. The normalisation stays float: docs/adr/0003.
"""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exporters.handoff import INPUT
from exporters.tensorrt.graphs import ahead_of_quantize, ahead_of_weights, constants, head_start, shapes
from factory.contracts.artifact import Quantisation, TensorInfo
from factory.contracts.dataset import Floats
from factory.contracts.errors import ExportError

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto

_INT8_WEIGHTED = ("Conv", "Gemm")
"""TensorRT 8.5 multiplies by a MatMul in float alone."""
_FLOAT_HEAD = {"Sqrt", "Div", "Softmax"}


def quantise(model: "ModelProto", calibration: Floats) -> "ModelProto":
    """A Q/DQ copy of a float graph, its scales from the largest absolute values over the calibration windows.

    Args:
        model: The hand-off graph, constants as initialisers.
        calibration: (N, C, T) windows of training subjects, SI units.

    Raises:
        ExportError: ONNX Runtime's quantiser refused, or moved the normalisation into int8.
    """
    import onnx
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static

    chosen = int8_nodes(model.graph)
    with tempfile.TemporaryDirectory(prefix="smldist-qdq-") as folder:
        path = Path(folder) / "model.int8.onnx"
        try:
            quantize_static(
                _marked(model),
                path,
                _Windows(calibration),
                quant_format=QuantFormat.QDQ,
                op_types_to_quantize=[*_INT8_WEIGHTED, "Add"],
                nodes_to_quantize=[node.name for node in chosen],
                per_channel=True,
                activation_type=QuantType.QInt8,
                weight_type=QuantType.QInt8,
                calibrate_method=CalibrationMethod.MinMax,
                extra_options={
                    "ActivationSymmetric": True,
                    "WeightSymmetric": True,
                    "AddQDQPairToWeight": False,
                    "QuantizeBias": False,
                    "OpTypesToExcludeOutputQuantization": [*_INT8_WEIGHTED, "Add"],
                },
            )
        except Exception as error:  # onnxruntime derives its failures from Exception itself
            raise ExportError(f"jetson, step int8: ONNX Runtime's quantiser: {str(error)[:300]}") from error
        quantised = onnx.load(path)
    del quantised.metadata_props[:]
    _require_float_normalisation(model.graph, quantised.graph)
    return quantised


def head_in_float(graph: "GraphProto") -> bool:
    """Whether the head holds a root, a quotient or a softmax, and so stays float."""
    return not _FLOAT_HEAD.isdisjoint(node.op_type for node in graph.node[head_start(graph) :])


def int8_nodes(graph: "GraphProto") -> list["NodeProto"]:
    """Convolutions, Gemms and residual additions, as far as they run in int8."""
    known = {tensor.name for tensor in graph.initializer}
    start = head_start(graph) if head_in_float(graph) else len(graph.node)
    return [
        node
        for node in graph.node[:start]
        if node.op_type in _INT8_WEIGHTED or (node.op_type == "Add" and known.isdisjoint(node.input))
    ]


def quantised_tensors(model: "ModelProto") -> tuple[TensorInfo, ...]:
    """Every int8 tensor with its scales, in execution order: stored weights and quantised activations."""
    values, sizes = constants(model.graph), shapes(model)
    return tuple(
        _info(node, sizes, values)
        for node in model.graph.node
        if node.op_type == "QuantizeLinear" or (node.op_type == "DequantizeLinear" and node.input[0] in values)
    )


def _info(node: "NodeProto", sizes: dict[str, tuple[int, ...]], values: dict[str, Any]) -> TensorInfo:
    name = node.output[0] if node.op_type == "QuantizeLinear" else node.input[0]
    scales, zeros = values[node.input[1]].ravel(), values[node.input[2]].ravel()
    return TensorInfo(
        name=name,
        shape=sizes[name],
        dtype="int8",
        layout="as stored",
        quantisation=Quantisation(
            scale=tuple(float(scale) for scale in scales),
            zero_point=tuple(int(zero) for zero in zeros),
            axis=next((a.i for a in node.attribute if a.name == "axis"), 1) if len(scales) > 1 else None,
        ),
    )


class _Windows:
    """What ONNX Runtime asks of a calibration reader: one feed after another, then None."""

    def __init__(self, windows: Floats) -> None:
        self._windows = iter(windows)

    def get_next(self) -> dict[str, Floats] | None:
        window = next(self._windows, None)
        return None if window is None else {INPUT: window[None, :, None, :]}


def _marked(model: "ModelProto") -> "ModelProto":
    """Marked as pre-processed: that step would add foreign operators, and its absence prints a warning."""
    import onnx

    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    onnx.helper.set_model_props(copy, {"onnx.quant.pre_process": "onnxruntime.quant"})
    return copy


def _require_float_normalisation(before: "GraphProto", after: "GraphProto") -> None:
    expected = [node.name for node in ahead_of_weights(before)]
    got = [node.name for node in ahead_of_quantize(after)]
    if got != expected:
        raise ExportError(
            f"jetson, step int8: float operators ahead of the first Quantize are {got}, expected those of the "
            f"normalisation, {expected}: pin onnxruntime as pyproject.toml does"
        )
