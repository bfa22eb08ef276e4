"""A finished build as callers hold it, and what a verification of one found."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from factory.artifacts.manifest_io import read_manifest, verify_files
from factory.contracts.artifact import Artifact, Precision
from factory.contracts.errors import ArtifactError
from factory.contracts.manifest import Check, DeviceRun, Manifest, Outcome, Verification
from factory.pipeline.android import FOLDER
from factory.pipeline.measure import RUN_GATE
from factory.verification.gates import require


@dataclass(frozen=True, kw_only=True, slots=True)
class Build:
    """A build folder whose manifest was read.

    Attributes:
        path: The folder.
        manifest: What was built, from what, and every check with its figure.
        failures: What targets raised that could not be exported, in `build`; the others are whole.
    """

    path: Path
    manifest: Manifest
    failures: tuple[Exception, ...] = ()

    @property
    def artifacts(self) -> tuple[Artifact, ...]:
        """The exported files."""
        return self.manifest.artifacts

    @property
    def report(self) -> Path:
        """The HTML report."""
        return self.path / "report.html"

    @property
    def android(self) -> Path | None:
        """The folder that an Android app ships; None if it was not asked for or a gate of it broke."""
        folder = self.path / FOLDER
        return folder if folder.is_dir() else None

    @property
    def passed(self) -> bool:
        """Whether every gate held that ran and every target was exported."""
        return not self.failures and not self.manifest.failed

    def file(self, target: str, precision: str | Precision, variant: str = "") -> Path:
        """Path of one artifact.

        Raises:
            ArtifactError: The build has none such; lists those it has.
        """
        for artifact in self.artifacts:
            if (artifact.target, artifact.precision, artifact.variant) == (target, precision, variant):
                return self.path / artifact.path
        there = ", ".join(" ".join(filter(None, (a.target, a.precision, a.variant))) for a in self.artifacts)
        raise ArtifactError(f"{self.path} has no {target} {precision} {variant}".rstrip() + f": it has {there}")

    def require(self) -> None:
        """Let a caller go on only with a build that is worth shipping.

        Raises:
            FactoryError: What the first target raised that failed.
            ArtifactError: A runtime refused a file.
            GateError: A gate broke; names each.
        """
        if self.failures:
            raise self.failures[0]
        require_checks(self.manifest.checks)


@dataclass(frozen=True, kw_only=True, slots=True)
class VerifyResult:
    """What `verify` measured of a build's artifacts on this machine.

    Attributes:
        verifications: Parity, accuracy and latency of each artifact.
        devices: What other processors answered, now or in the build.
        checks: Every gate with its figure, limit and place.
    """

    verifications: tuple[Verification, ...]
    checks: tuple[Check, ...]
    devices: tuple[DeviceRun, ...] = ()

    @property
    def failed(self) -> tuple[Check, ...]:
        """The gates that broke."""
        return tuple(check for check in self.checks if check.outcome is Outcome.FAILED)

    def require(self) -> None:
        """As `Build.require`."""
        require_checks(self.checks)


def open_build(path: Path) -> Build:
    """Read a build folder and check that every file is the manifest's.

    Raises:
        ArtifactError: No build, or a file of it is missing, changed or foreign.
    """
    manifest = read_manifest(path / "manifest.json")
    verify_files(path, manifest)
    return Build(path=path, manifest=manifest)


def require_checks(checks: Sequence[Check]) -> None:
    """Raise the gravest failed check.

    Raises:
        ArtifactError: A runtime refused a file.
        GateError: A gate broke.
    """
    refused = [check for check in checks if check.gate == RUN_GATE and check.outcome is Outcome.FAILED]
    if refused:
        raise ArtifactError("; ".join(f"{check.target}: {check.note}" for check in refused))
    require(list(checks))
