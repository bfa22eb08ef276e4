"""The hand-off graph to .tflite files: onnx2tf once, TensorFlow's converter a precision, metadata, signature.

TensorFlow runs in `exporters.tflite.worker`; this side reports its steps, names its failures and finishes the files.
"""

from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from exporters.handoff import HandOff, read_contract, read_handoff
from exporters.held import require_precision
from exporters.process import run_worker, scratch
from exporters.tflite import flatbuffer, metadata
from exporters.tflite.compact import compact
from exporters.tflite.embedded import held_precision
from exporters.tflite.normalise import spread_normalisation
from factory.contracts.artifact import Artifact, Precision, TensorInfo
from factory.contracts.errors import ExportError
from factory.contracts.exporter import ExportRequest
from factory.contracts.files import atomic_write, sha256_file, storage_errors
from factory.contracts.window import SensorContract

FOLDER = "tflite"
_STEPS_BEFORE = 3  # import, onnx2tf, signature


class TFLiteExporter:
    """Writes build/tflite/model_<precision>.tflite."""

    def export(self, request: ExportRequest) -> tuple[Artifact, ...]:
        """Convert to every precision asked for; each file is complete or absent.

        Raises:
            ArtifactError: The hand-off graph or contract.json is missing or corrupt.
            ExportError: onnx2tf or TensorFlow refused; names step and message.
            StorageError: The disk is full or not writable.
        """
        shape = read_handoff(request.onnx)
        contract = read_contract(request.build)
        # int8_static reads the float graph, so fp32 is converted first whether asked for or not.
        wanted = sorted({*request.precisions, Precision.FP32}, key=list(Precision).index)
        with storage_errors(request.build), scratch(request.build, FOLDER) as folder:
            _prepare(folder, request, shape)
            with request.progress.track("tflite", _STEPS_BEFORE + len(wanted), "step") as task:
                run_worker("tflite", "exporters.tflite.worker", [str(folder), *wanted], folder, task, request.cancel)
            return tuple(
                self._finish(folder / f"{precision}.tflite", precision, request, shape, contract)
                for precision in request.precisions
            )

    def _finish(
        self, converted: Path, precision: Precision, request: ExportRequest, shape: HandOff, contract: bytes
    ) -> Artifact:
        """Name the tensors, add metadata, check, write."""
        model = flatbuffer.parse(converted.read_bytes(), converted.name)
        require_precision("tflite", precision, held_precision(model))
        _name_tensors(model)
        if precision is Precision.INT8_STATIC:
            _require_float_front(model, converted.with_name("fp32.tflite"), shape.front_weighted)
        compact(model)
        quantised = flatbuffer.quantised_tensors(model)
        name = f"{SensorContract.model_validate_json(contract).name} {precision}"
        path = request.build / FOLDER / f"model_{precision}.tflite"
        with atomic_write(path) as temporary:
            temporary.write_bytes(metadata.embed(model, request.spec, name, contract))
            inputs, outputs = flatbuffer.describe(temporary)
            _require_shape(inputs, outputs, shape, precision)
        return Artifact(
            target="tflite",
            precision=precision,
            path=path.relative_to(request.build).as_posix(),
            sha256=sha256_file(path),
            size_bytes=path.stat().st_size,
            inputs=inputs,
            outputs=outputs,
            quantised=quantised,
            tool=f"onnx2tf {version('onnx2tf')}, tensorflow {version('tensorflow')}",
            runtime=_runtime(model),
        )


def _prepare(folder: Path, request: ExportRequest, shape: HandOff) -> None:
    import onnx

    model = onnx.load(request.onnx)
    spread_normalisation(model)
    onnx.save(model, folder / "model.onnx")
    if Precision.INT8_STATIC not in request.precisions:
        return
    expected = (shape.channels, shape.window)
    if request.calibration.ndim != 3 or request.calibration.shape[1:] != expected or not len(request.calibration):
        raise ExportError(f"calibration windows are {request.calibration.shape}, expected (at least 1, *{expected})")
    np.save(folder / "calibration.npy", request.calibration.transpose(0, 2, 1)[:, None, None].astype(np.float32))


def _name_tensors(model: Any) -> None:
    """Give the graph's tensors the signature's names, for readers that know no signatures."""
    tensors, signature = model.subgraphs[0].tensors, model.signatureDefs[0]
    for named in [*signature.inputs, *signature.outputs]:
        tensors[named.tensorIndex].name = named.name


def _require_float_front(model: Any, fp32: Path, weighted: int) -> None:
    """The operators of the front are the same float ones as in the float file, and nothing else is ahead of int8."""
    reference = flatbuffer.parse(fp32.read_bytes(), fp32.name)
    expected, got = flatbuffer.float_front(reference, weighted), flatbuffer.floats_ahead_of_quantize(model)
    if got != expected:
        raise ExportError(
            f"tflite, step int8_static: {len(got)} float operators stand ahead of the first Quantize, expected the "
            f"{len(expected)} of the float front ({', '.join(expected)}): pin tensorflow as pyproject.toml does"
        )


def _require_shape(
    inputs: tuple[TensorInfo, ...], outputs: tuple[TensorInfo, ...], shape: HandOff, precision: Precision
) -> None:
    got = [(t.name, t.shape, t.dtype) for t in (*inputs, *outputs)]
    expected = [
        ("imu", (1, 1, shape.window, shape.channels), "float32"),
        ("logits", (1, shape.classes), "float32"),
    ]
    if got != expected:
        raise ExportError(f"tflite, step {precision}: the file's tensors are {got}, expected {expected}")


def _runtime(model: Any) -> str:
    """What it was tried with, and what the converter says is the oldest that has these operators."""
    declared = flatbuffer.metadata_entry(model, b"min_runtime_version") or b""
    oldest = declared.rstrip(b"\0").decode()
    return f"LiteRT {version('ai-edge-litert')} (operators since TensorFlow Lite {oldest})"
