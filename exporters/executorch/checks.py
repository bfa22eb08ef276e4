"""What this target checks beyond the gates that every target has: its bundle, and the runtime without torch."""

import platform
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from exporters.executorch.bundle import TOLERANCE, broken_cases
from exporters.executorch.delegation import Delegation
from exporters.executorch.host import torch_free_logits
from exporters.executorch.runner import ExecuTorchRunner, installed_version
from factory.contracts.artifact import Artifact
from factory.contracts.dataset import Floats
from factory.contracts.errors import ArtifactError, MissingToolError
from factory.contracts.files import sha256_file
from factory.contracts.manifest import Check, Outcome
from factory.contracts.stored import read_json

_WINDOWS = 64


def executorch_checks(build: Path, artifacts: tuple[Artifact, ...]) -> tuple[Check, ...]:
    """Parts of the graph, bundled cases, and the C++ runtime against the Python binding, for each file.

    Raises:
        ArtifactError: A file is missing or was changed, or a runtime refused it.
    """
    windows = _golden_windows(build)
    return tuple(check for artifact in artifacts for check in _checks(build, artifact, windows))


def _checks(build: Path, artifact: Artifact, windows: Floats) -> Iterator[Check]:
    path = build / artifact.path
    record = read_json(Delegation, _side_file(build, artifact, ".delegation.json"))
    left = ", ".join(record.left)
    yield _check(artifact, "executorch.parts", record.parts, 1, "parts", f"operators left: {left}")
    yield _check(artifact, "executorch.operators_left", sum(record.left.values()), 0, "operators", f"left: {left}")
    broken = broken_cases(_side_file(build, artifact, ".bpte"), TOLERANCE[artifact.precision])
    yield _check(artifact, "executorch.bundled_cases_broken", len(broken), 0, "cases", f"cases {broken}")
    yield _torch_free(artifact, path, windows)


def _torch_free(artifact: Artifact, path: Path, windows: Floats) -> Check:
    """The C++ runtime answers bit for bit what the Python binding answers; not run where it cannot be built."""
    gate = "executorch.torch_free_max_abs"
    try:
        alone = torch_free_logits(path, windows)
    except MissingToolError as error:
        return Check(
            gate=gate,
            target=artifact.target,
            precision=artifact.precision,
            outcome=Outcome.NOT_RUN,
            where=_where(),
            note=str(error),
        )
    with ExecuTorchRunner(path) as runner:
        difference = float(np.abs(runner.run(windows) - alone).max())
    return _check(artifact, gate, difference, 0, "logit", "the C++ runtime and its Python binding disagree")


def _check(artifact: Artifact, gate: str, value: float, limit: float, unit: str, note: str) -> Check:
    passed = value == limit
    return Check(
        gate=gate,
        target=artifact.target,
        precision=artifact.precision,
        outcome=Outcome.PASSED if passed else Outcome.FAILED,
        value=value,
        relation="==",
        limit=limit,
        unit=unit,
        where=_where(),
        note="" if passed else note,
    )


def _where() -> str:
    return f"host {platform.machine()}, ExecuTorch {installed_version()}"


def _side_file(build: Path, artifact: Artifact, suffix: str) -> Path:
    """The file beside an artifact with that ending, as it was written."""
    side = next((side for side in artifact.beside if side.path.endswith(suffix)), None)
    if side is None or not (path := build / side.path).is_file():
        raise ArtifactError(f"{artifact.path}: its *{suffix} is missing: build the target again")
    if sha256_file(path) != side.sha256:
        raise ArtifactError(f"{side.path} was changed after it was written: build the target again")
    return path


def _golden_windows(build: Path) -> Floats:
    try:
        with np.load(build / "golden.npz", allow_pickle=False) as pack:
            return np.asarray(pack["x"][:_WINDOWS], np.float32)
    except (OSError, ValueError, KeyError) as error:
        raise ArtifactError(f"{build / 'golden.npz'} is missing or corrupt: run factory build") from error
