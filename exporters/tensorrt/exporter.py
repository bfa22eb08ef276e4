"""The hand-off graph to build/jetson: graphs for the GPU in float and int8, and for the DLA with its calibration cache.

Engines are built on the board, never here: TensorRT's are bound to device and version.
"""

from importlib.metadata import version
from pathlib import Path

from exporters.handoff import INPUT, OUTPUT, HandOff, read_handoff
from exporters.tensorrt import graphs
from exporters.tensorrt.quantise import quantise, quantised_tensors
from factory.contracts.artifact import Artifact, Precision, TensorInfo
from factory.contracts.errors import ExportError
from factory.contracts.exporter import ExportRequest
from factory.contracts.files import sha256_file

FOLDER = "jetson"
BATCH = 8
"""Windows at a time of the batch variant, so that a GPU has something to do."""


class JetsonExporter:
    """Writes build/jetson; fp32 and fp16 engines are built from the same float graphs."""

    def export(self, request: ExportRequest) -> tuple[Artifact, ...]:
        """Write the float graphs, and with int8_static the Q/DQ graph; each file is complete or absent.

        Raises:
            ArtifactError: The hand-off graph is missing or corrupt.
            ExportError: A graph could not be made, or TensorRT 8.5 would not take it; names step and node.
            StorageError: The disk is full or not writable.
        """
        shape, folder = read_handoff(request.onnx), request.build / FOLDER
        int8 = Precision.INT8_STATIC in request.precisions
        if int8:
            _require_calibration(request, shape)
        model = graphs.load(request.onnx)
        with request.progress.track("jetson", 3, "step") as task:
            graphs.save(model, folder / "model.onnx")
            graphs.save(graphs.with_batch(model, BATCH), folder / f"model_batch{BATCH}.onnx")
            task.advance(note="float graphs")
            if int8:
                graphs.save(quantise(model, request.calibration), folder / "model.int8.onnx")
            task.advance(note="int8")
        written = [
            _artifact(request.build, folder / "model.onnx", Precision.FP32, "", shape, 1),
            _artifact(
                request.build, folder / f"model_batch{BATCH}.onnx", Precision.FP32, f"batch{BATCH}", shape, BATCH
            ),
        ]
        if int8:
            written.append(_artifact(request.build, folder / "model.int8.onnx", Precision.INT8_STATIC, "", shape, 1))
        return tuple(written)


def _require_calibration(request: ExportRequest, shape: HandOff) -> None:
    expected = (shape.channels, shape.window)
    got = request.calibration.shape
    if len(got) != 3 or got[1:] != expected or not got[0]:
        raise ExportError(f"calibration windows are {got}, expected (at least 1, *{expected})")


def _artifact(build: Path, path: Path, precision: Precision, variant: str, shape: HandOff, batch: int) -> Artifact:
    given = TensorInfo(
        name=INPUT,
        shape=(batch, shape.channels, 1, shape.window),
        dtype="float32",
        layout="window, channel, 1, time",
    )
    return Artifact(
        target="jetson",
        precision=precision,
        variant=variant,
        path=path.relative_to(build).as_posix(),
        sha256=sha256_file(path),
        size_bytes=path.stat().st_size,
        inputs=(given,),
        outputs=(TensorInfo(name=OUTPUT, shape=(batch, shape.classes), dtype="float32", layout="window, class"),),
        quantised=quantised_tensors(graphs.load(path)) if precision is Precision.INT8_STATIC else (),
        tool=f"onnx {version('onnx')}, onnxruntime {version('onnxruntime')}",
        runtime="TensorRT 8.5",
    )
