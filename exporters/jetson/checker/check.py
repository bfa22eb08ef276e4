"""The checker as a library: one graph, one device, one precision."""

from pathlib import Path
from typing import TYPE_CHECKING

from exporters.jetson import graphs
from exporters.jetson.checker import dla, gpu, qdq
from exporters.jetson.checker.report import Device, GraphReport
from exporters.jetson.checker.view import view
from factory.contracts.artifact import Precision
from factory.contracts.errors import ArtifactError, MissingToolError

if TYPE_CHECKING:
    from onnx import ModelProto


def check_file(path: Path, device: Device, precision: Precision) -> GraphReport:
    """Check an ONNX file against TensorRT 8.5 and, for the DLA, DLA 1.0; nothing is built or run.

    Raises:
        ArtifactError: Missing, or not ONNX.
        MissingToolError: The onnx package is not installed.
    """
    try:
        import onnx  # noqa: F401
    except ModuleNotFoundError as error:
        raise MissingToolError("onnx is missing: pip install 'smldist-factory[jetson]'") from error
    return check_graph(graphs.read(path), device, precision, path.name)


def check_graph(model: "ModelProto", device: Device, precision: Precision, name: str) -> GraphReport:
    """Check a graph in memory, and the bodies of its control flow.

    Args:
        model: The graph.
        device: What its engine is for.
        precision: fp32, fp16 or int8_static; int8_dynamic is nothing that TensorRT knows.
        name: Stands in the report.

    Raises:
        ArtifactError: No valid graph (sizes contradict each other, a node lacks inputs): no rule can be applied.
    """
    from onnx.shape_inference import InferenceError

    try:
        seen = view(model)
    except (InferenceError, ValueError) as error:
        raise ArtifactError(f"{name}: {' '.join(str(error).split())[:200]}: export the student again") from error
    diagnostics = [*gpu.model_rules(seen), *gpu.end_rules(seen), *gpu.shape_rules(seen)]
    for scope in seen.scopes():
        diagnostics += [*gpu.operator_rules(scope), *gpu.type_rules(scope)]
    if device is Device.DLA:
        diagnostics += dla.dla_rules(seen, precision)
    else:
        diagnostics += qdq.need_rules(seen, int8=precision is Precision.INT8_STATIC)
        for scope in seen.scopes():
            diagnostics += [*qdq.parameter_rules(scope), *qdq.placement_rules(scope)]
    covered = dla.coverage(seen) if device is Device.DLA else None
    return GraphReport(file=name, device=device, precision=precision, diagnostics=tuple(diagnostics), coverage=covered)
