"""Logits and labels of a finished build, for a replay and for its golden pack, for whoever runs its models elsewhere.

    python -m tests.replay.logits BUILD OUT.json

The replay's windows are those that Python computes from its events; the logits are those of this host's runtimes.
"""

import sys
from pathlib import Path

from pydantic import Field

from exporters.registry import load_runner
from factory.artifacts.manifest_io import read_manifest
from factory.contracts.artifact import Artifact, Precision
from factory.contracts.base import Contract
from factory.contracts.dataset import Floats
from factory.contracts.files import atomic_write
from factory.contracts.window import WindowSpec
from factory.data.streams import live_windows
from factory.verification.gates import output_step
from factory.verification.golden import GoldenPack, read_golden
from tests.replay.vectors import FOLDER, Vector, read_vector


class ReplayedModel(Contract):
    """One model over some windows."""

    path: str = Field(description="as in the manifest")
    sha256: str = Field(description="of the file that was run")
    runtime: str = Field(description="that computed the logits, with its version")
    step: float | None = Field(description="one 8-bit step of the logits; null where all arithmetic is float")
    logits: tuple[tuple[float, ...], ...] = Field(description="a row for each window")
    labels: tuple[str, ...] = Field(description="of the largest logit, for each window")


class ReplayedBuild(Contract):
    """Every model of a build that this host can run."""

    replay: str | None = Field(description="folder below src/test/resources/replay; null where none fits the build")
    models: tuple[ReplayedModel, ...] = Field(description="over the windows of the replay; empty without one")
    golden: tuple[ReplayedModel, ...] = Field(description="over the windows of the build's golden.npz")


def replay_build(build: Path, targets: tuple[str, ...] = ("tflite", "executorch")) -> ReplayedBuild:
    """Run the models of `targets` over the replay that fits the build's contract, and over its golden pack."""
    manifest = read_manifest(build / "manifest.json")
    golden = read_golden(build / "golden.npz")
    artifacts = [artifact for artifact in manifest.artifacts if artifact.target in targets]
    name, vector = _replay_for(manifest.contract) or (None, None)
    over_replay: tuple[ReplayedModel, ...] = ()
    if vector is not None:
        x = live_windows(vector.arrivals.by_sensor(), manifest.contract, vector.max_gap_s, vector.reorder_ns).x
        over_replay = tuple(_run(build, artifact, golden, x) for artifact in artifacts)
    over_golden = tuple(_run(build, artifact, golden, golden.x) for artifact in artifacts)
    return ReplayedBuild(replay=name, models=over_replay, golden=over_golden)


def _run(build: Path, artifact: Artifact, golden: GoldenPack, x: Floats) -> ReplayedModel:
    with load_runner(artifact.target)(build / artifact.path) as runner:
        logits = runner.run(x)
    return ReplayedModel(
        path=artifact.path,
        sha256=artifact.sha256,
        runtime=runner.name,
        step=_step(artifact, golden),
        logits=tuple(tuple(row) for row in logits.tolist()),
        labels=tuple(golden.labels[index] for index in logits.argmax(axis=1)),
    )


def _step(artifact: Artifact, golden: GoldenPack) -> float | None:
    if artifact.precision in {Precision.FP32, Precision.FP16}:
        return None
    return output_step(artifact, golden.logits)


def _replay_for(spec: WindowSpec) -> tuple[str, Vector] | None:
    for folder in sorted(FOLDER.iterdir()):
        vector = read_vector(folder)
        if _fed_alike(vector.contract.window, spec):
            return folder.name, vector
    return None


def _fed_alike(one: WindowSpec, other: WindowSpec) -> bool:
    return (one.channels, one.rate_hz, one.length, one.hop) == (other.channels, other.rate_hz, other.length, other.hop)


def main(build: Path, out: Path) -> None:
    """Write what `replay_build` returns."""
    with atomic_write(out) as path:
        path.write_text(replay_build(build).model_dump_json(indent=1) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
