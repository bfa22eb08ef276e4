"""Measure and judge artifacts on this host. Needs no torch, so that verifying needs only the runtimes."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from factory.contracts.artifact import Artifact, Precision
from factory.contracts.dataset import Floats, Ints
from factory.contracts.errors import MissingToolError
from factory.contracts.exporter import Runner
from factory.contracts.manifest import Accuracy, Check, Latency, Outcome, Verification
from factory.contracts.progress import Progress
from factory.contracts.window import WindowSpec
from factory.devices.host import int8_dot_product, machine, where
from factory.verify.gates import judge_accuracy, judge_latency, judge_parity, judge_size, not_run, output_step
from factory.verify.golden import GoldenPack
from factory.verify.ladder import alternating_latency, explain_parity, verify_artifact, verify_rung
from factory.verify.tolerances import tolerance


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldOut:
    """The whole test split: x (N, C, T) in SI units, y (N,) class index, subject (N,) names."""

    x: Floats
    y: Ints
    subject: NDArray[np.str_]


@dataclass(frozen=True, kw_only=True, slots=True)
class Bench:
    """What artifacts are measured against.

    Attributes:
        build: The build folder.
        spec: The sensor contract.
        golden: Windows and reference logits.
        held_out: The test split; None measures parity and latency alone.
        reference: Accuracy of the reference network on that split.
        latency_runs: Timed inferences a precision.
        progress: Told of each artifact.
    """

    build: Path
    spec: WindowSpec
    golden: GoldenPack
    held_out: HeldOut | None
    reference: Accuracy | None
    latency_runs: int
    progress: Progress


@dataclass(frozen=True, kw_only=True, slots=True)
class Findings:
    """Grows artifact by artifact."""

    verifications: list[Verification] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)


def verify_artifacts(bench: Bench, artifacts: Sequence[Artifact]) -> Findings:
    """Parity, accuracy, size and latency of every artifact; gates of those that cannot run here are not run.

    Raises:
        ArtifactError: A file cannot be loaded, or its runtime failed.
    """
    found = Findings()
    for target in dict.fromkeys(artifact.target for artifact in artifacts):
        _verify_target(bench, target, [artifact for artifact in artifacts if artifact.target == target], found)
    return found


def _verify_target(bench: Bench, target: str, artifacts: list[Artifact], found: Findings) -> None:
    with ExitStack() as stack:
        try:
            runners = {a.path: stack.enter_context(open_runner(target, bench.build / a.path)) for a in artifacts}
        except MissingToolError as error:
            for artifact in artifacts:
                found.checks.extend(not_run(target, artifact.precision, machine(), str(error)))
            return
        with bench.progress.track(f"verify {target}", len(artifacts) + 1, "artifacts") as task:
            latencies = alternating_latency(runners, bench.golden.x[0], bench.latency_runs)
            task.advance(note="latency")
            for artifact in artifacts:
                _verify_one(bench, artifact, runners[artifact.path], latencies[artifact.path], found)
                task.advance(note=artifact.precision)
        _judge_target(artifacts, latencies, where(runners[artifacts[0].path].name), found)


def _verify_one(bench: Bench, artifact: Artifact, runner: Runner, latency: Latency, found: Findings) -> None:
    target, precision, place, golden = artifact.target, artifact.precision, where(runner.name), bench.golden
    if bench.held_out is not None:
        test = bench.held_out
        seen = verify_artifact(runner, artifact, golden, test.x, test.y, test.subject, bench.spec, latency)
    else:
        rung = verify_rung(artifact.path, runner.name, runner.run, golden, precision)
        seen = rung.model_copy(update={"latency": latency})
    step = output_step(artifact, golden.logits)
    checks = judge_parity(target, precision, seen.parity, place, step)
    if any(check.outcome is Outcome.FAILED for check in checks):
        note = _first_divergence(bench, artifact, runner)
        checks = judge_parity(target, precision, seen.parity, place, step, note)
    found.checks.extend(checks)
    if seen.accuracy is not None and bench.reference is not None:
        found.checks.extend(judge_accuracy(target, precision, seen.accuracy, bench.reference, place))
    else:
        found.checks.extend(c for c in not_run(target, precision, place, _NO_DATA) if c.gate.startswith("accuracy"))
    found.verifications.append(seen)


_NO_DATA = "needs the recordings that it was built from: run factory verify with --data"


def _judge_target(artifacts: list[Artifact], latencies: Mapping[str, Latency], place: str, found: Findings) -> None:
    by_precision = {artifact.precision: artifact for artifact in artifacts}
    single = by_precision.get(Precision.FP32)
    if single is None:
        return
    for artifact in artifacts:
        sizes = judge_size(artifact.target, artifact.precision, artifact.size_bytes, single.size_bytes, machine())
        found.checks.extend(sizes)
    if (static := by_precision.get(Precision.INT8_STATIC)) is not None:
        found.checks.extend(
            judge_latency(single.target, latencies[static.path], latencies[single.path], place, int8_dot_product())
        )


def _first_divergence(bench: Bench, artifact: Artifact, runner: Runner) -> str:
    """Name the layer that leaves the ONNX graph, or say why it could not be looked for."""
    onnx = bench.build / "onnx" / "model.onnx"
    bound = tolerance(artifact.target, artifact.precision).layer_error
    try:
        from exporters.onnx.runner import OnnxRunner

        with OnnxRunner(onnx) as reference:
            return explain_parity(reference, runner, bench.golden, runner.run(bench.golden.x), bound)
    except MissingToolError as error:
        return f"first diverging layer not looked for: {error}"


def open_runner(target: str, path: Path) -> Runner:
    """A runner of one file; enter it before use.

    Raises:
        MissingToolError: The target's runtime is not installed.
    """
    from exporters.registry import load_runner

    return load_runner(target)(path)
