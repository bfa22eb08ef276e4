"""A target whose file is the hand-off graph itself: real windows, real logits, no converter."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from exporters.onnx_runner import OnnxRunner
from exporters.registry import Target
from factory.contracts.artifact import Artifact, Precision, TensorInfo
from factory.contracts.dataset import Floats
from factory.contracts.exporter import ExportRequest
from factory.contracts.files import sha256_file

NAME = "mirror"


class Mirror:
    """Copies the graph; keeps what it was asked for."""

    requests: ClassVar[list[ExportRequest]] = []
    name: ClassVar[str] = NAME

    def export(self, request: ExportRequest) -> tuple[Artifact, ...]:
        """One artifact a precision, all the same float graph."""
        self.requests.append(request)
        return tuple(self._write(request, precision) for precision in request.precisions)

    def _write(self, request: ExportRequest, precision: Precision) -> Artifact:
        path = request.build / self.name / f"{precision}.onnx"
        path.parent.mkdir(exist_ok=True)
        shutil.copyfile(request.onnx, path)
        spec = request.spec
        shape = (1, len(spec.channels), 1, spec.length)
        end = TensorInfo(name="imu", shape=shape, dtype="float32", layout="1, channel, 1, time")
        out = TensorInfo(name="logits", shape=(1, len(spec.labels)), dtype="float32", layout="1, class")
        return Artifact(
            target=self.name,
            precision=precision,
            path=path.relative_to(request.build).as_posix(),
            sha256=sha256_file(path),
            size_bytes=path.stat().st_size,
            inputs=(end,),
            outputs=(out,),
            tool="copy",
            runtime="ONNX Runtime",
        )


class MirrorRunner(OnnxRunner):
    """Runs the copy; keeps the windows that it saw, and may spoil its answers."""

    seen: ClassVar[list[Floats]] = []
    spoil: ClassVar[Callable[[Floats, Floats], Floats] | None] = None

    def __init__(self, path: Path) -> None:
        super().__init__(path)

    def __enter__(self) -> Self:
        return super().__enter__()

    def run(self, windows: Floats) -> Floats:
        """Logits (N, K), spoilt if a test asks for it."""
        type(self).seen.append(windows)
        logits = super().run(windows)
        spoil = type(self).spoil
        return logits if spoil is None else spoil(windows, logits)


def beside(path: Path, windows: Floats) -> Floats:
    """Logits (N, K) as another set of kernels rounds them: the further off, the later the window."""
    with MirrorRunner(path) as runner:
        logits = runner.run(windows)
    return logits + np.linspace(0, 0.5, len(windows), dtype=np.float32)[:, None]


def alike(path: Path, windows: Floats) -> Floats:
    """The same, of kernels that differ by less than one can be sure of."""
    with MirrorRunner(path) as runner:
        logits = runner.run(windows)
    nearly: Floats = logits + np.float32(0.01) * (logits.max() - logits.min()) / np.float32(255)
    return nearly


def row(name: str = NAME) -> Target:
    """A row of the registry."""
    return Target(
        name=name,
        exporter=f"{__name__}:{Mirror.__name__}",
        runner=f"{__name__}:{MirrorRunner.__name__}",
        extra=name,
        endings=(".onnx",),
        exports_with=(),
        runs_with=(),
        packages=("numpy",),
        precisions=(Precision.FP32, Precision.INT8_STATIC),
    )


class Phone(Mirror):
    """The same under the name of a phone's target."""

    name = "tflite"


def phone_row() -> Target:
    """A row of the registry under the name of a phone's target."""
    return replace(row("tflite"), exporter=f"{__name__}:{Phone.__name__}")
