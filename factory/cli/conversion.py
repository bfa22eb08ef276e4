"""The verify stage of a build: eager -> folded -> ONNX -> artifacts, each step measured and judged."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from factory.artifacts.store import Stage, StageStore
from factory.cli.job import Job, Prepared
from factory.cli.provenance import versions
from factory.cli.stages import CODE_VERSIONS
from factory.cli.verification import Bench, Findings, HeldOut, open_runner, verify_artifacts
from factory.contracts.artifact import Artifact, Precision
from factory.contracts.base import Contract
from factory.contracts.dataset import Floats
from factory.contracts.manifest import Accuracy, Baseline, Check, NetworkCost, Verification
from factory.devices.host import machine, where
from factory.verify.accuracy import measure
from factory.verify.agreement import overlap
from factory.verify.baseline import fit_baseline
from factory.verify.gates import judge_parity, judge_student, judge_worth
from factory.verify.golden import GoldenPack, read_golden
from factory.verify.measure import measure_parity
from factory.verify.tolerances import tolerance

if TYPE_CHECKING:
    from torch import nn


class Verified(Contract):
    """What verification found."""

    conversion: tuple[Verification, ...]
    verifications: tuple[Verification, ...]
    checks: tuple[Check, ...]
    baseline: Baseline
    teacher: Accuracy
    student_cost: NetworkCost
    teacher_cost: NetworkCost


def verify_stage(store: StageStore, job: Job, prepared: Prepared, artifacts: tuple[Artifact, ...]) -> Verified:
    """Measure every step once; a gate that breaks is recorded here and raised at the end of the build."""
    from exporters.tflite.crosscheck import crosscheck_environment, installed

    inputs = {
        "version": CODE_VERSIONS["verify"],
        "artifacts": {artifact.path: artifact.sha256 for artifact in artifacts},
        "networks": [store.hashes(name) for name in ("teacher", "student", "onnx", "golden")],
        "windows": prepared.windows.content_hash,
        "latency_runs": job.recipe.verify.latency_runs,
        "tools": versions("torch", "onnxruntime", *packages_of(artifacts)),
        "machine": machine(),
        "crosscheck": installed(crosscheck_environment()),
    }
    stage = Stage(name="verify", inputs=inputs, outputs=(), result=Verified)
    return store.run(stage, lambda: _verify(job, prepared, artifacts))


def make_bench(job: Job, prepared: Prepared, reference: Accuracy | None) -> Bench:
    """What this job's artifacts are measured against, the whole test split among it."""
    test, windows = prepared.split.test, prepared.windows
    return Bench(
        build=job.build,
        spec=windows.spec,
        golden=read_golden(job.build / "golden.npz"),
        held_out=HeldOut(x=windows.x[test], y=windows.y[test], subject=windows.subject[test]),
        reference=reference,
        latency_runs=job.recipe.verify.latency_runs,
        progress=job.progress,
    )


def packages_of(artifacts: tuple[Artifact, ...]) -> tuple[str, ...]:
    """Distributions whose versions decide what the artifacts' targets answer."""
    from exporters.registry import find_target

    names = dict.fromkeys(artifact.target for artifact in artifacts)
    return tuple(dict.fromkeys(package for name in names for package in find_target(name).packages))


def _verify(job: Job, prepared: Prepared, artifacts: tuple[Artifact, ...]) -> Verified:
    from factory.models import load_ensemble, load_network
    from factory.models.cost import ensemble_cost, network_cost

    bare = make_bench(job, prepared, None)
    assert bare.held_out is not None
    spec, golden, held_out = bare.spec, bare.golden, bare.held_out
    teacher, student = load_ensemble(job.build / "teacher"), load_network(job.build / "student")
    baseline = fit_baseline(prepared.windows, prepared.split, job.recipe.seed)
    reference_logits = _torch_run(student)(held_out.x)
    conversion, checks = _conversion_checks(job, golden, held_out, spec.labels)
    eager = conversion[0].accuracy
    assert eager is not None
    checks += judge_worth(eager, baseline, machine(), overlap(spec))
    bench = replace(bare, reference=eager, reference_logits=reference_logits, baseline=baseline)
    found = verify_artifacts(bench, artifacts)
    checks += _crosscheck(job, golden, artifacts, found)
    cost = network_cost(student)
    checks += judge_student(cost.parameters, machine())
    return Verified(
        conversion=tuple(conversion),
        verifications=tuple(found.verifications),
        checks=tuple(checks + found.checks),
        baseline=baseline,
        teacher=_accuracy(_torch_run(teacher), held_out, spec.labels),
        student_cost=cost,
        teacher_cost=ensemble_cost(teacher),
    )


def _conversion_checks(
    job: Job, golden: GoldenPack, held_out: HeldOut, labels: tuple[str, ...]
) -> tuple[list[Verification], list[Check]]:
    """The network on its way to the artifacts; all float32, so all must agree."""
    from exporters.onnx_runner import OnnxRunner
    from factory.models import fold, load_network

    student = load_network(job.build / "student")
    torch_name = f"torch {versions('torch')['torch']}"
    conversion, checks = [], []
    with OnnxRunner(job.build / "onnx" / "model.onnx") as onnx:
        steps = (
            ("eager", "torch", torch_name, _torch_run(student)),
            ("folded", "torch", torch_name, _torch_run(fold(student))),
            ("onnx", "onnx", onnx.name, onnx.run),
        )
        for subject, target, name, run in steps:
            step = measure_parity(subject, name, run, golden, Precision.FP32)
            conversion.append(step.model_copy(update={"accuracy": _accuracy(run, held_out, labels)}))
            checks += judge_parity(target, Precision.FP32, step.parity, where(name), note=f"step {subject}")
    return conversion, checks


def _crosscheck(job: Job, golden: GoldenPack, artifacts: tuple[Artifact, ...], found: Findings) -> list[Check]:
    """The float file of tflite, if its runtime took it, against a second converter; not run where that is missing."""
    from exporters.tflite.crosscheck import crosscheck, crosscheck_environment

    measured = {verification.subject for verification in found.verifications}
    float_files = [a for a in artifacts if (a.target, a.precision) == ("tflite", Precision.FP32)]
    single = [artifact for artifact in float_files if artifact.path in measured]
    limit = tolerance("tflite", Precision.FP32).max_abs
    if not single or limit is None:
        return []
    with open_runner("tflite", job.build / single[0].path) as runner:
        logits = runner.run(golden.x)
    return [crosscheck(job.build / "student", golden.x, logits, limit, crosscheck_environment())]


def _torch_run(network: "nn.Module") -> Callable[[Floats], Floats]:
    from factory.train import predict

    return lambda x: predict(network, x)


def _accuracy(run: Callable[[Floats], Floats], held_out: HeldOut, labels: tuple[str, ...]) -> Accuracy:
    return measure(run(held_out.x), held_out.y, held_out.subject, labels)
