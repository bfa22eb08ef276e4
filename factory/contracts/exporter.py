"""What a target provides: an `Exporter` that writes artifacts and a `Runner` that executes one.

The hand-off between training and every target is one ONNX graph (opset 17, static batch of 1,
input `imu` [1, C, 1, T] float32 in SI units, output `logits` [1, K]), normalisation included.
"""

from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from factory.contracts.artifact import Artifact, Precision
from factory.contracts.dataset import Floats
from factory.contracts.errors import ArtifactError
from factory.contracts.progress import Cancel, Progress
from factory.contracts.window import SensorContract, WindowSpec


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportRequest:
    """Everything a target may use.

    Attributes:
        onnx: The hand-off graph.
        student: Folder of the trained student (network.json, network.safetensors), for targets that export from torch.
        spec: The sensor contract, for metadata and labels.
        calibration: (N, C, T) windows of training subjects, SI units.
        build: The build folder; artifacts go to `build / <target>`.
        precisions: What to write.
        progress: Told of each step.
        cancel: Set by whoever no longer wants the files; the export then ends in Cancelled within 0.3 s.
    """

    onnx: Path
    student: Path
    spec: WindowSpec
    calibration: Floats
    build: Path
    precisions: tuple[Precision, ...]
    progress: Progress
    cancel: Cancel = field(default_factory=Cancel)


@dataclass(frozen=True, kw_only=True, slots=True)
class Embedded:
    """What stands inside a file, read from the file alone; None where its format has no place for it.

    Attributes:
        precision: What its tensors are.
        labels: Class names in the order of the logits.
        contract: The sensor contract.
    """

    precision: Precision | None
    labels: tuple[str, ...] | None
    contract: SensorContract | None

    def consistent(self, where: str) -> Self:
        """Itself, unless its labels are not its contract's.

        Raises:
            ArtifactError: Names `where` and both.
        """
        if self.labels is None or self.contract is None or self.labels == self.contract.window.labels:
            return self
        expected = ", ".join(self.contract.window.labels)
        raise ArtifactError(
            f"{where} has the labels {', '.join(self.labels)}, its contract {expected}: build the target again"
        )


class Exporter(Protocol):
    """Turns the hand-off graph into a target's files."""

    def export(self, request: ExportRequest) -> tuple[Artifact, ...]:
        """Write one artifact a precision, each complete or not at all.

        Raises:
            ExportError: The converter refused; names step and operator.
            MissingToolError: The target's SDK is not installed.
        """
        ...


class Runner(Protocol):
    """Executes one artifact. A context manager: resources live from enter to exit."""

    name: str
    """Runtime and version, for example 'LiteRT 2.3.0 (XNNPACK)'."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def run(self, windows: Floats) -> Floats:
        """Logits (N, K) of windows (N, C, T) in SI units; the runner does layout and batching.

        Raises:
            ArtifactError: Wrong shape, or the runtime failed.
        """
        ...

    def latency_us(self, window: Floats, runs: int) -> Floats:
        """Duration in microseconds of each of `runs` inferences of one window (C, T), one thread, warm."""
        ...

    def layer_names(self) -> tuple[str, ...]:
        """Names of intermediate tensors that `layer` can return, in execution order."""
        ...

    def layers(self, window: Floats) -> dict[str, Floats]:
        """Every float-valued or dequantised intermediate tensor for one window (C, T), channels first."""
        ...
