"""The hand-off graph to .ort files, the format that ONNX Runtime's builds for phones read.

ONNX Runtime quantises and converts in `exporters.ort_mobile.worker`; this side prepares, checks and names the files.
"""

from importlib.metadata import version
from pathlib import Path

import numpy as np

from exporters.handoff import HandOff, read_contract, read_handoff
from exporters.held import require_precision
from exporters.ort_mobile.embedded import held_precision
from exporters.ort_mobile.runner import describe
from exporters.process import run_worker, scratch
from factory.contracts.artifact import Artifact, Precision, TensorInfo
from factory.contracts.errors import ExportError
from factory.contracts.exporter import ExportRequest
from factory.contracts.files import atomic_write, sha256_file, storage_errors

TARGET = "ort_mobile"
_IMPORT = 1


class OrtMobileExporter:
    """Writes build/ort_mobile/model_<precision>.ort."""

    def export(self, request: ExportRequest) -> tuple[Artifact, ...]:
        """Convert to fp32 and int8_static, as asked for; each file is complete or absent.

        Raises:
            ArtifactError: The hand-off graph or contract.json is missing or corrupt.
            ExportError: ONNX Runtime refused; names step and message.
            StorageError: The disk is full or not writable.
        """
        shape, contract = read_handoff(request.onnx), read_contract(request.build)
        wanted = [precision for precision in request.precisions if precision in (Precision.FP32, Precision.INT8_STATIC)]
        with storage_errors(request.build), scratch(request.build, TARGET) as folder:
            (folder / "model.onnx").write_bytes(request.onnx.read_bytes())
            (folder / "contract.json").write_bytes(contract)
            np.save(folder / "calibration.npy", request.calibration.astype(np.float32)[:, :, None])
            with request.progress.track(TARGET, _IMPORT + len(wanted), "step") as task:
                run_worker(TARGET, "exporters.ort_mobile.worker", [str(folder), *wanted], folder, task, request.cancel)
            return tuple(self._finish(folder, precision, request.build, shape) for precision in wanted)

    def _finish(self, folder: Path, precision: Precision, build: Path, shape: HandOff) -> Artifact:
        """Put a converted file in its place, once its tensors are those of the hand-off."""
        path = build / TARGET / f"model_{precision}.ort"
        content = (folder / f"{precision}.ort").read_bytes()
        require_precision(TARGET, precision, held_precision(content))
        with atomic_write(path) as temporary:
            temporary.write_bytes(content)
            inputs, outputs = describe(temporary)
            _require_shape(inputs + outputs, shape, precision)
        return Artifact(
            target=TARGET,
            precision=precision,
            path=path.relative_to(build).as_posix(),
            sha256=sha256_file(path),
            size_bytes=path.stat().st_size,
            inputs=inputs,
            outputs=outputs,
            tool=f"onnxruntime {version('onnxruntime')}",
            runtime=f"ONNX Runtime {version('onnxruntime')}",
        )


def _require_shape(tensors: tuple[TensorInfo, ...], shape: HandOff, precision: Precision) -> None:
    got = [(tensor.name, tensor.shape, tensor.dtype) for tensor in tensors]
    expected = [("imu", (1, shape.channels, 1, shape.window), "float32"), ("logits", (1, shape.classes), "float32")]
    if got != expected:
        raise ExportError(f"{TARGET}, step {precision}: the file's tensors are {got}, expected {expected}")
