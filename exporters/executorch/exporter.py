"""A trained student to .pte files: PT2E quantisation, XNNPACK, what was delegated recorded beside each.

torch.export, torchao and executorch run in `exporters.executorch.worker`; this side prepares, names, and finishes.
"""

from importlib.metadata import version
from pathlib import Path

import numpy as np

from exporters.executorch.embedded import held_precision
from exporters.handoff import read_contract
from exporters.held import require_precision
from exporters.process import run_worker, scratch
from factory.contracts.artifact import Artifact, Precision, SideFile, TensorInfo
from factory.contracts.errors import ExportError
from factory.contracts.exporter import ExportRequest
from factory.contracts.files import atomic_write, sha256_file, storage_errors
from factory.contracts.window import WindowSpec

PRECISIONS = (Precision.FP32, Precision.INT8_STATIC)
FOLDER = "executorch"
_STEPS_BEFORE = 1  # import
_BESIDE = {
    "bpte": "the program with test windows and expected logits (BundledProgram)",
    "delegation.json": "what XNNPACK took of the graph, and what it left",
    "profile.json": "time of each operator on the exporting host (ETDump)",
}


class ExecuTorchExporter:
    """Writes build/executorch/model_<precision>.pte and its side files."""

    def export(self, request: ExportRequest) -> tuple[Artifact, ...]:
        """Convert to those precisions asked for that this target has; each file is complete or absent.

        Raises:
            ArtifactError: contract.json or the student is missing or corrupt.
            ExportError: torch.export, torchao or executorch refused, or XNNPACK took less than the whole graph.
            StorageError: The disk is full or not writable.
        """
        wanted = [precision for precision in PRECISIONS if precision in request.precisions]
        if not wanted:
            return ()
        with storage_errors(request.build), scratch(request.build, FOLDER) as folder:
            _prepare(folder, request)
            with request.progress.track(FOLDER, _STEPS_BEFORE + len(wanted), "step") as task:
                arguments = [str(folder), str(request.student.resolve()), *wanted]
                run_worker(FOLDER, "exporters.executorch.worker", arguments, folder, task, request.cancel)
            return tuple(_finish(folder, precision, request) for precision in wanted)


def _prepare(folder: Path, request: ExportRequest) -> None:
    contract = read_contract(request.build)
    expected = (len(request.spec.channels), request.spec.length)
    if request.calibration.ndim != 3 or request.calibration.shape[1:] != expected or len(request.calibration) < 2:
        raise ExportError(f"calibration windows are {request.calibration.shape}, expected (at least 2, *{expected})")
    (folder / "contract.json").write_bytes(contract)
    np.save(folder / "calibration.npy", np.ascontiguousarray(request.calibration[:, :, None, :], np.float32))


def _finish(folder: Path, precision: Precision, request: ExportRequest) -> Artifact:
    """Move into place, describe."""
    path = request.build / FOLDER / f"model_{precision}.pte"
    program = (folder / f"{precision}.pte").read_bytes()
    require_precision(FOLDER, precision, held_precision(program))
    with atomic_write(path) as temporary:
        temporary.write_bytes(program)
    beside = tuple(
        _beside(folder / f"{precision}.{suffix}", path.with_suffix(f".{suffix}"), what, request.build)
        for suffix, what in _BESIDE.items()
    )
    inputs, outputs = _tensors(request.spec)
    return Artifact(
        target=FOLDER,
        precision=precision,
        path=path.relative_to(request.build).as_posix(),
        sha256=sha256_file(path),
        size_bytes=path.stat().st_size,
        inputs=inputs,
        outputs=outputs,
        tool=f"executorch {version('executorch')}, torchao {version('torchao')}, torch {version('torch')}",
        runtime=f"ExecuTorch {version('executorch')}",
        beside=beside,
    )


def _beside(written: Path, path: Path, what: str, build: Path) -> SideFile:
    with atomic_write(path) as temporary:
        temporary.write_bytes(written.read_bytes())
    return SideFile(
        path=path.relative_to(build).as_posix(), sha256=sha256_file(path), size_bytes=path.stat().st_size, what=what
    )


def _tensors(spec: WindowSpec) -> tuple[tuple[TensorInfo, ...], tuple[TensorInfo, ...]]:
    """A .pte names no tensors; the first input and the first output are these."""
    given = TensorInfo(
        name="imu", shape=(1, len(spec.channels), 1, spec.length), dtype="float32", layout="1, channel, 1, time"
    )
    result = TensorInfo(name="logits", shape=(1, len(spec.labels)), dtype="float32", layout="1, class")
    return (given,), (result,)
