"""Measure and judge artifacts on this host. Needs no torch, so that verifying needs only the runtimes."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from factory.contracts.artifact import Artifact, Precision
from factory.contracts.dataset import Floats, Ints
from factory.contracts.errors import ArtifactError, MissingToolError
from factory.contracts.exporter import Runner
from factory.contracts.manifest import Accuracy, Baseline, Check, Latency, Outcome, Verification
from factory.contracts.progress import Progress
from factory.contracts.window import WindowSpec
from factory.devices.host import int8_dot_product, machine, where
from factory.verification.agreement import overlap
from factory.verification.gates import (
    judge_accuracy,
    judge_agreement,
    judge_latency,
    judge_parity,
    judge_size,
    not_run,
    output_step,
)
from factory.verification.golden import GoldenPack
from factory.verification.measure import alternating_latency, explain_parity, measure_artifact, measure_parity
from factory.verification.tolerances import tolerance
from factory.verification.worth import judge_worth

RUN_GATE = "run"
"""Failed where a runtime refuses a file or its windows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldOut:
    """The whole test split: x (N, C, T) in SI units, y (N,) class index, subject (N,) names."""

    x: Floats
    y: Ints
    subject: NDArray[np.str_]


@dataclass(frozen=True, kw_only=True, slots=True)
class VerifyRequest:
    """What artifacts are verified against.

    Attributes:
        build: The build folder.
        spec: The sensor contract.
        golden: Windows and reference logits.
        held_out: The test split; None measures parity and latency alone.
        reference: Accuracy of the reference network on that split.
        reference_logits: (N, K) of the reference network on that split; None where only its figures are known, and a
            target's own float file, which may flip no window, stands in.
        baseline: Of the same windows and split; None judges no artifact's worth.
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
    reference_logits: Floats | None = None
    baseline: Baseline | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """What was found, artifact by artifact."""

    verifications: list[Verification] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)


def verify_artifacts(request: VerifyRequest, artifacts: Sequence[Artifact]) -> Measured:
    """Parity, accuracy, size and latency of every artifact, and what a target checks of its own.

    A target whose runtime is missing here is listed as not run, one whose runtime refuses a file as failed (gate
    `run`); the others are verified all the same.
    """
    found = Measured()
    for target in dict.fromkeys(artifact.target for artifact in artifacts):
        own = tuple(artifact for artifact in artifacts if artifact.target == target)
        try:
            _verify_target(request, target, own, found)
        except ArtifactError as error:
            found.checks.append(
                Check(gate=RUN_GATE, target=target, outcome=Outcome.FAILED, where=machine(), note=str(error))
            )
    return found


def _verify_target(request: VerifyRequest, target: str, artifacts: tuple[Artifact, ...], found: Measured) -> None:
    with ExitStack() as stack:
        try:
            runners = {a.path: stack.enter_context(open_runner(target, request.build / a.path)) for a in artifacts}
        except MissingToolError as error:
            for artifact in artifacts:
                found.checks.extend(_of(artifact, not_run(target, artifact.precision, machine(), str(error))))
            return
        if request.reference_logits is None:
            request = replace(request, reference_logits=_float_logits(request, artifacts, runners))
        with request.progress.track(f"verify {target}", len(artifacts) + 1, "artifacts") as task:
            latencies = alternating_latency(runners, request.golden.x[0], request.latency_runs)
            task.advance(note="latency")
            for artifact in artifacts:
                _verify_one(request, artifact, runners[artifact.path], latencies[artifact.path], found)
                task.advance(note=f"{artifact.precision} {artifact.variant}".rstrip())
        found.checks.extend(_sizes(artifacts))
        found.checks.extend(_latencies(artifacts, latencies, where(runners[artifacts[0].path].name)))
    found.checks.extend(_own_checks(request.build, target, artifacts))


def _verify_one(request: VerifyRequest, artifact: Artifact, runner: Runner, latency: Latency, found: Measured) -> None:
    target, precision, place, golden = artifact.target, artifact.precision, where(runner.name), request.golden
    if request.held_out is not None:
        test = request.held_out
        seen = measure_artifact(
            runner, artifact, golden, test.x, test.y, test.subject, request.spec, latency, request.reference_logits
        )
    else:
        seen = measure_parity(artifact.path, runner.name, runner.run, golden, precision)
        seen = seen.model_copy(update={"latency": latency})
    step = output_step(artifact, golden.logits)
    checks = judge_parity(target, precision, seen.parity, place, step)
    if any(check.outcome is Outcome.FAILED for check in checks):
        note = _first_divergence(request, artifact, runner)
        checks = judge_parity(target, precision, seen.parity, place, step, note)
    found.checks.extend(_of(artifact, checks))
    found.checks.extend(_of(artifact, _split_checks(request, artifact, seen, place)))
    found.verifications.append(seen)


def _float_logits(
    request: VerifyRequest, artifacts: Sequence[Artifact], runners: Mapping[str, Runner]
) -> Floats | None:
    """(N, K) of the float file on the test split; None without one, or without a rounded file to compare."""
    single = [artifact for artifact in artifacts if artifact.precision is Precision.FP32]
    if request.held_out is None or not single or len(single) == len(artifacts):
        return None
    plain = min(single, key=lambda artifact: artifact.variant)
    return runners[plain.path].run(request.held_out.x)


def _split_checks(request: VerifyRequest, artifact: Artifact, seen: Verification, place: str) -> list[Check]:
    """What the whole test split says of an artifact; what cannot be said without it, as not run."""
    target, precision = artifact.target, artifact.precision
    if seen.accuracy is None or request.reference is None:
        unknown = not_run(target, precision, place, _NO_DATA)
        return [c for c in unknown if c.gate.startswith(("accuracy", "parity.split"))]
    checks = judge_accuracy(target, precision, seen.accuracy, request.reference, place, seen.split_agreement)
    if seen.split_agreement is not None:
        checks += judge_agreement(target, precision, seen.split_agreement, place)
    else:
        unknown = not_run(target, precision, place, _NO_REFERENCE)
        checks += [c for c in unknown if c.gate == "parity.split_agreement"]
    if request.baseline is not None:
        checks += judge_worth(seen.accuracy, request.baseline, place, overlap(request.spec), target, precision)
    return checks


_NO_REFERENCE = "needs a float file of this target beside it: add fp32 to export.precisions, or run factory build"
_NO_DATA = "needs the recordings that it was built from: run factory verify with --data"


def _sizes(artifacts: Sequence[Artifact]) -> Iterator[Check]:
    """Every file against the float one of its variant, or else against the plain float one."""
    single = {artifact.variant: artifact for artifact in artifacts if artifact.precision is Precision.FP32}
    for artifact in artifacts:
        if (reference := single.get(artifact.variant, single.get(""))) is not None:
            sizes = judge_size(
                artifact.target, artifact.precision, artifact.size_bytes, reference.size_bytes, machine()
            )
            yield from _of(artifact, sizes)


def _latencies(artifacts: Sequence[Artifact], latencies: Mapping[str, Latency], place: str) -> Iterator[Check]:
    """int8_static against fp32, each variant that has both."""
    from exporters.registry import find_target

    by_kind = {(artifact.precision, artifact.variant): artifact for artifact in artifacts}
    for static in artifacts:
        single = by_kind.get((Precision.FP32, static.variant))
        if static.precision is not Precision.INT8_STATIC or single is None:
            continue
        stand_in = find_target(static.target).stand_in
        fast, slow = latencies[static.path], latencies[single.path]
        for check in judge_latency(static.target, fast, slow, place, int8_dot_product()):
            judged = check.model_copy(update={"outcome": Outcome.NOT_RUN, "note": stand_in}) if stand_in else check
            yield from _of(static, [judged])


def _own_checks(build: Path, target: str, artifacts: tuple[Artifact, ...]) -> tuple[Check, ...]:
    """What a target checks beyond the gates that every target has."""
    from exporters.registry import load_checks

    checks = load_checks(target)
    return checks(build, artifacts) if checks is not None else ()


def _of(artifact: Artifact, checks: Iterable[Check]) -> list[Check]:
    """Checks of one precision that say which of its variants they mean."""
    return [check.model_copy(update={"variant": artifact.variant}) for check in checks]


def _first_divergence(request: VerifyRequest, artifact: Artifact, runner: Runner) -> str:
    """Name the layer that leaves the ONNX graph, or say why it could not be looked for."""
    if not runner.layer_names():
        return f"{runner.name} shows no tensors inside: compare the fp32 file, and the other targets' files"
    onnx = request.build / "onnx" / "model.onnx"
    bound = tolerance(artifact.target, artifact.precision).layer_error
    try:
        from exporters.onnx_runner import OnnxRunner

        with OnnxRunner(onnx) as reference:
            return explain_parity(reference, runner, request.golden, runner.run(request.golden.x), bound)
    except MissingToolError as error:
        return f"first diverging layer not looked for: {error}"


def open_runner(target: str, path: Path) -> Runner:
    """A runner of one file; enter it before use.

    Raises:
        MissingToolError: The target's runtime is not installed.
    """
    from exporters.registry import load_runner

    return load_runner(target)(path)
