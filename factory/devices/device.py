"""What every device offers that runs an artifact: this host, an emulated arm64 core, a phone, a board.

A device is a context manager. Entering prepares it (it is reachable, it is what it says, its self-test holds); leaving
removes whatever was put there, also after a failure. In between each `ask` pushes one artifact and its windows, runs
them, measures, and pulls the answers.
"""

from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from factory.contracts.artifact import Artifact
from factory.contracts.dataset import Floats
from factory.contracts.errors import ArtifactError
from factory.contracts.files import sha256_file


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """One artifact and what it is asked.

    Attributes:
        artifact: What `path` holds.
        path: The file on this host.
        windows: (N, C, T) float32, SI units.
        counted: Inferences of the first window whose instructions are counted, where the device can.
        timed: Inferences of the first window whose duration is measured, where that says something of the device.
    """

    artifact: Artifact
    path: Path
    windows: Floats
    counted: int = 0
    timed: int = 0

    def require_intact(self) -> None:
        """Refuse another file than the artifact: runtimes trust what they read, and a cut file may crash one.

        Raises:
            ArtifactError: Missing, or another hash.
        """
        if not self.path.is_file() or sha256_file(self.path) != self.artifact.sha256:
            raise ArtifactError(f"{self.path} is missing or is not the file that was built: build the target again")


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What a device answered.

    Attributes:
        logits: (N, K) float32.
        runtime: Runtime and version there.
        instructions: Of each counted inference; empty where the device cannot count.
        latency_us: Of each timed inference; empty on an emulated device.
    """

    logits: Floats
    runtime: str
    instructions: tuple[int, ...] = ()
    latency_us: tuple[float, ...] = ()


class Device(Protocol):
    """Runs artifacts; prepared from enter to exit, and left as it was found."""

    @property
    def name(self) -> str:
        """As the command line calls it, for example 'arm64:cortex-a76'."""
        ...

    @property
    def emulated(self) -> bool:
        """Whether its time says nothing of a real one."""
        ...

    @property
    def facts(self) -> dict[str, str]:
        """What it tells of itself once prepared: model, processor, temperature, battery."""
        ...

    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def runs(self, target: str) -> bool:
        """Whether it has a runtime for a target's files."""
        ...

    def limits(self, target: str) -> str:
        """What device tolerances call a target's files here: the target, unless a release of its own runs them."""
        ...

    def ask(self, question: Question) -> Answer:
        """Push, run, measure, pull.

        Raises:
            DeviceError: It went away, refused, or answered something else than logits.
            StorageError: It has no space left.
            ArtifactError: The runtime there refused the file.
        """
        ...
