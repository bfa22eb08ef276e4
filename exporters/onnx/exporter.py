"""torch to ONNX: opset 17 through the TorchScript exporter.

`dynamo=True` leaves opset 18 whatever it is asked for, which TensorRT 8.5 does not read.
"""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from exporters.handoff import FRONT, INPUT, OUTPUT
from factory.contracts.errors import ExportError
from factory.contracts.files import atomic_write
from factory.contracts.front import first_in_int8

if TYPE_CHECKING:
    from onnx import GraphProto
    from torch import nn

OPSET = 17
_NEWEST_IR = 8


def export_onnx(network: "nn.Module", channels: int, window: int, path: Path) -> None:
    """Write a folded network in eval mode as the hand-off graph; the same network gives the same bytes.

    Args:
        network: Maps (1, channels, 1, window) in SI units to logits (1, K).
        channels: C.
        window: T, samples.
        path: The .onnx file.

    Raises:
        ExportError: torch or the ONNX checker refused; names the step.
        StorageError: The disk is full or not writable.
    """
    import onnx

    if network.training:
        raise ExportError("the network is in training mode: fold it first (factory.models.fold)")
    with atomic_write(path) as temporary:
        _trace(network, channels, window, temporary)
        model = onnx.load(temporary)
        if model.ir_version > _NEWEST_IR:
            model.ir_version = _NEWEST_IR
        if (front := _float_front(model.graph, network)) is not None:
            onnx.helper.set_model_props(model, {FRONT: front})
        try:
            onnx.checker.check_model(model, full_check=True)
        except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
            raise ExportError(f"onnx.checker refused the graph: {_first_line(error)}") from error
        temporary.write_bytes(model.SerializeToString(deterministic=True))


def _trace(network: "nn.Module", channels: int, window: int, path: Path) -> None:
    import torch

    example = torch.zeros(1, channels, 1, window, device=next(network.parameters()).device)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # the exporter's own deprecation, and its tracing hints
        try:
            torch.onnx.export(
                network,
                (example,),
                str(path),
                dynamo=False,
                opset_version=OPSET,
                input_names=[INPUT],
                output_names=[OUTPUT],
            )
        except (torch.onnx.OnnxExporterError, RuntimeError, ValueError, TypeError) as error:
            raise ExportError(f"torch.onnx.export refused the network: {_first_line(error)}") from error


def _float_front(graph: "GraphProto", network: "nn.Module") -> str | None:
    """The tensor that the first module in int8 reads; None for other networks. Nodes are named after modules."""
    behind = first_in_int8(name for name, _ in network.named_modules())
    convolutions = (node for node in graph.node if node.op_type == "Conv" and node.name.startswith(f"/{behind}/"))
    return next((str(node.input[0]) for node in convolutions), None)


def _first_line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
