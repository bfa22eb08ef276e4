"""The hand-off graph to build/jetson: graphs for the GPU in float and int8, and for the DLA with its calibration cache.

Engines are built on the board, never here: TensorRT's are bound to device and version.
"""

from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from exporters.handoff import INPUT, OUTPUT, HandOff, read_contract, read_handoff
from exporters.jetson import graphs
from exporters.jetson.cache import int8_tensors, write_cache
from exporters.jetson.checker import Device, GraphReport, check_graph
from exporters.jetson.dla_form import dla_form
from exporters.jetson.quantise import quantise, quantised_tensors, simulate_dla
from exporters.jetson.record import CheckRecord
from exporters.jetson.scales import activation_scales
from exporters.onnx_embedded import describe_graph
from factory.contracts.artifact import Artifact, Precision, SideFile, TensorInfo
from factory.contracts.errors import ExportError
from factory.contracts.exporter import ExportRequest
from factory.contracts.files import atomic_write, sha256_file

if TYPE_CHECKING:
    from onnx import ModelProto

FOLDER = "jetson"
CACHE, RECORD = "calibration.cache", "checker.json"
BATCH = 8
"""Windows at a time of the batch variant, so that a GPU has something to do."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Graph:
    """One file to write, and what engines are built from it."""

    name: str
    model: "ModelProto"
    precision: Precision
    variant: str = ""
    device: Device = Device.GPU
    engines: tuple[Precision, ...] = (Precision.FP32, Precision.FP16)


class JetsonExporter:
    """Writes build/jetson; fp32 and fp16 engines are built from the same float graphs."""

    def export(self, request: ExportRequest) -> tuple[Artifact, ...]:
        """Write the float graphs, and with int8_static the Q/DQ graph and the DLA's cache.

        Nothing is written before TensorRT 8.5's static checker has found no error in any graph.

        Raises:
            ArtifactError: The hand-off graph is missing or corrupt.
            ExportError: A graph could not be made, or TensorRT 8.5 would not take it; names step and node.
            StorageError: The disk is full or not writable.
        """
        shape, folder = read_handoff(request.onnx), request.build / FOLDER
        contract = read_contract(request.build).decode()
        int8 = Precision.INT8_STATIC in request.precisions
        if int8:
            _require_calibration(request, shape)
        with request.progress.track("jetson", 3, "step") as task:
            made, cache = _graphs(request, int8=int8)
            task.advance(note="graphs")
            request.cancel.raise_if_set()
            record = CheckRecord(reports=tuple(_check(graph, engine) for graph in made for engine in graph.engines))
            task.advance(note="checker")
            _write(folder / RECORD, record.model_dump_json(indent=2) + "\n")
            if cache is not None:
                _write(folder / CACHE, cache)
            for graph in made:
                describe_graph(graph.model, contract)
                graphs.save(graph.model, folder / graph.name)
            task.advance(note="files")
        return tuple(_artifact(request.build, graph, shape, cached=cache is not None) for graph in made)


def _graphs(request: ExportRequest, *, int8: bool) -> tuple[list[_Graph], str | None]:
    """Every graph in memory, and the DLA's calibration cache."""
    model = graphs.load(request.onnx)
    dla = dla_form(model)
    made = [
        _Graph(name="model.onnx", model=model, precision=Precision.FP32),
        _Graph(
            name=f"model_batch{BATCH}.onnx",
            model=graphs.with_batch(model, BATCH),
            precision=Precision.FP32,
            variant=f"batch{BATCH}",
        ),
        _Graph(
            name="model.dla.onnx",
            model=dla,
            precision=Precision.FP32,
            variant="dla",
            device=Device.DLA,
            engines=(Precision.FP16, Precision.INT8_STATIC) if int8 else (Precision.FP16,),
        ),
    ]
    if not int8:
        return made, None
    scales = activation_scales(dla, int8_tensors(model, dla), request.calibration)
    return [*made, *_int8_graphs(model, dla, scales, request)], write_cache(scales)


def _int8_graphs(
    model: "ModelProto", dla: "ModelProto", scales: dict[str, float], request: ExportRequest
) -> list[_Graph]:
    """The GPU's Q/DQ graph, and a stand-in by which the DLA's scales are verified here: no engine is built from it."""
    quantised, static = quantise(model, request.calibration), Precision.INT8_STATIC
    return [
        _Graph(name="model.int8.onnx", model=quantised, precision=static, engines=(static,)),
        _Graph(
            name="model.dla.int8-simulated.onnx",
            model=simulate_dla(dla, scales),
            precision=static,
            variant="dla",
            device=Device.DLA,
            engines=(),
        ),
    ]


def _check(graph: _Graph, engine: Precision) -> GraphReport:
    """Refuse what the builder would refuse.

    Raises:
        ExportError: Names the node, the rule and the remedy of the first error, and how many there are.
    """
    report = check_graph(graph.model, graph.device, engine, graph.name)
    if report.errors:
        raise ExportError(
            f"jetson, {graph.name} for {graph.device} {engine}: {len(report.errors)} x {report.errors[0]}"
        )
    return report


def _require_calibration(request: ExportRequest, shape: HandOff) -> None:
    expected = (shape.channels, shape.window)
    got = request.calibration.shape
    if len(got) != 3 or got[1:] != expected or not got[0]:
        raise ExportError(f"calibration windows are {got}, expected (at least 1, *{expected})")


def _write(path: Path, text: str) -> None:
    with atomic_write(path) as temporary:
        temporary.write_text(text, "utf-8")


def _artifact(build: Path, graph: _Graph, shape: HandOff, *, cached: bool) -> Artifact:
    path, rows = build / FOLDER / graph.name, graph.model.graph.input[0].type.tensor_type.shape.dim[0].dim_value
    given = (rows, shape.channels, 1, shape.window)
    return Artifact(
        target="jetson",
        precision=graph.precision,
        variant=graph.variant,
        path=path.relative_to(build).as_posix(),
        sha256=sha256_file(path),
        size_bytes=path.stat().st_size,
        inputs=(TensorInfo(name=INPUT, shape=given, dtype="float32", layout="window, channel, 1, time"),),
        outputs=(TensorInfo(name=OUTPUT, shape=(rows, shape.classes), dtype="float32", layout="window, class"),),
        quantised=quantised_tensors(graph.model) if graph.precision is Precision.INT8_STATIC else (),
        tool=f"onnx {version('onnx')}, onnxruntime {version('onnxruntime')}",
        runtime="TensorRT 8.5",
        beside=_beside(build, graph, cached=cached),
    )


def _beside(build: Path, graph: _Graph, *, cached: bool) -> tuple[SideFile, ...]:
    """The checker's record goes with the first graph, the cache with the DLA's."""
    if graph.variant == "" and graph.precision is Precision.FP32:
        name, what = RECORD, "diagnostics of the static checker, and the DLA's coverage"
    elif graph.variant == "dla" and graph.precision is Precision.FP32 and cached:
        name, what = CACHE, "int8 scales for the DLA"
    else:
        return ()
    path = build / FOLDER / name
    listed = f"{FOLDER}/{name}"
    return (SideFile(path=listed, sha256=sha256_file(path), size_bytes=path.stat().st_size, what=what),)
