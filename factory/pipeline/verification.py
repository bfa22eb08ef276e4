"""The verify stage of a build: eager -> folded -> ONNX -> artifacts, each step measured and judged."""

from collections.abc import Callable
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from factory.artifacts.store import Stage
from factory.contracts.artifact import Artifact, Precision
from factory.contracts.base import Contract
from factory.contracts.code import code_hash
from factory.contracts.dataset import Floats
from factory.contracts.manifest import Accuracy, Baseline, Check, MixedWindows, NetworkCost, Savings, Verification
from factory.devices.host import machine, where
from factory.pipeline.measure import HeldOut, Measured, VerifyRequest, open_runner, verify_artifacts
from factory.pipeline.provenance import versions
from factory.pipeline.request import Run
from factory.verification.accuracy import measure
from factory.verification.agreement import overlap
from factory.verification.gates import judge_parity, judge_student
from factory.verification.golden import GoldenPack, read_golden
from factory.verification.measure import measure_mixed, measure_parity
from factory.verification.tolerances import tolerance
from factory.verification.worth import judge_worth

if TYPE_CHECKING:
    from torch import nn

_CODE = (
    __name__,
    "exporters.onnx_runner",
    "factory.data.outside",
    "factory.models",
    "factory.pipeline.savings",
    "factory.training.predict",
    "factory.verification",
)


class Verified(Contract):
    """What verification found."""

    conversion: tuple[Verification, ...]
    verifications: tuple[Verification, ...]
    checks: tuple[Check, ...]
    mixed: MixedWindows | None
    teacher: Accuracy
    student_cost: NetworkCost
    teacher_cost: NetworkCost
    savings: Savings


def verify_stage(run: Run, artifacts: tuple[Artifact, ...]) -> Verified:
    """Measure every step once; a gate that breaks is recorded here and raised at the end of the build."""
    from exporters.registry import find_target
    from exporters.tflite.crosscheck import crosscheck_environment, installed

    targets = [find_target(name) for name in dict.fromkeys(artifact.target for artifact in artifacts)]
    inputs = {
        "artifacts": {artifact.path: artifact.sha256 for artifact in artifacts},
        "networks": [run.store.hashes(name) for name in ("teacher", "student", "onnx", "golden")],
        "windows": run.windows.digest,
        "baseline": run.store.result("baseline", Baseline).model_dump(mode="json", exclude={"seconds"}),
        "latency_runs": run.recipe.verify.latency_runs,
        "tools": versions("torch", "onnxruntime", *(package for target in targets for package in target.packages)),
        "machine": machine(),
        "crosscheck": installed(crosscheck_environment()),
        "tolerances": tolerances_of(artifacts),
        "code": code_hash(_verify, *_CODE, *(target.package for target in targets)),
    }
    stage = Stage(name="verify", inputs=inputs, outputs=(), result=Verified)
    return run.store.run(stage, lambda: _verify(run, artifacts))


def verify_request(run: Run, reference: Accuracy | None) -> VerifyRequest:
    """What this run's artifacts are measured against, the whole test split among it."""
    test, windows = run.split.test, run.windows
    return VerifyRequest(
        build=run.folder,
        spec=windows.spec,
        golden=read_golden(run.folder / "golden.npz"),
        held_out=HeldOut(x=windows.x[test], y=windows.y[test], subject=windows.subject[test]),
        reference=reference,
        latency_runs=run.recipe.verify.latency_runs,
        progress=run.progress,
    )


def tolerances_of(artifacts: tuple[Artifact, ...]) -> dict[str, dict[str, object]]:
    """The limits that decide the outcome, as values: whatever changes them, their verdict is no longer current."""
    kinds = dict.fromkeys([("torch", Precision.FP32), ("onnx", Precision.FP32)])
    kinds |= dict.fromkeys((artifact.target, artifact.precision) for artifact in artifacts)
    return {f"{target}/{precision}": asdict(tolerance(target, precision)) for target, precision in kinds}


def _verify(run: Run, artifacts: tuple[Artifact, ...]) -> Verified:
    from factory.models import load_ensemble, load_network
    from factory.models.cost import ensemble_cost, network_cost
    from factory.pipeline.savings import measure_savings

    bare = verify_request(run, None)
    assert bare.held_out is not None
    spec, golden, held_out = bare.spec, bare.golden, bare.held_out
    teacher, student = load_ensemble(run.folder / "teacher"), load_network(run.folder / "student")
    baseline, answer = run.store.result("baseline", Baseline), _torch_run(student)
    conversion, checks = _conversion_checks(run, golden, held_out, spec.labels)
    eager = conversion[0].accuracy
    assert eager is not None
    checks += judge_worth(eager, baseline, machine(), overlap(spec))
    request = replace(bare, reference=eager, reference_logits=answer(held_out.x), baseline=baseline)
    found = verify_artifacts(request, artifacts)
    checks += _crosscheck(run, golden, artifacts, found)
    cost = network_cost(student)
    checks += judge_student(cost.parameters, machine())
    seen = replace(held_out, x=run.windows.for_teacher().x[run.split.test])
    costs = ensemble_cost(teacher), cost
    return Verified(
        conversion=tuple(conversion),
        verifications=tuple(found.verifications),
        checks=tuple(checks + found.checks),
        mixed=_mixed(run, answer, held_out),
        teacher=_accuracy(_torch_run(teacher), seen, spec.labels),
        savings=measure_savings((teacher, student), costs, (seen.x[0], held_out.x[0]), request.latency_runs),
        student_cost=cost,
        teacher_cost=costs[0],
    )


def _mixed(run: Run, answer: Callable[[Floats], Floats], held_out: HeldOut) -> MixedWindows | None:
    """The student on test people's windows of more than one label, which every other figure leaves out."""
    from factory.data.outside import mixed_windows

    request, people = run.request, sorted(set(held_out.subject.tolist()))
    found = mixed_windows(run.recipe.data, request.data, request.cache, people, run.progress, run.folder)
    return measure_mixed(answer, held_out, found, found.purity, run.windows.spec.labels)


def _conversion_checks(
    run: Run, golden: GoldenPack, held_out: HeldOut, labels: tuple[str, ...]
) -> tuple[list[Verification], list[Check]]:
    """The network on its way to the artifacts; all float32, so all must agree."""
    from exporters.onnx_runner import OnnxRunner
    from factory.models import fold, load_network

    student = load_network(run.folder / "student")
    torch_name = f"torch {versions('torch')['torch']}"
    conversion, checks = [], []
    with OnnxRunner(run.folder / "onnx" / "model.onnx") as onnx:
        steps = (
            ("eager", "torch", torch_name, _torch_run(student)),
            ("folded", "torch", torch_name, _torch_run(fold(student))),
            ("onnx", "onnx", onnx.name, onnx.run),
        )
        for subject, target, name, answer in steps:
            step = measure_parity(subject, name, answer, golden, Precision.FP32)
            conversion.append(step.model_copy(update={"accuracy": _accuracy(answer, held_out, labels)}))
            checks += judge_parity(target, Precision.FP32, step.parity, where(name), note=f"step {subject}")
    return conversion, checks


def _crosscheck(run: Run, golden: GoldenPack, artifacts: tuple[Artifact, ...], found: Measured) -> list[Check]:
    """The float file of tflite, if its runtime took it, against a second converter; not run where that is missing."""
    from exporters.tflite.crosscheck import crosscheck, crosscheck_environment

    measured = {verification.subject for verification in found.verifications}
    float_files = [a for a in artifacts if (a.target, a.precision) == ("tflite", Precision.FP32)]
    single = [artifact for artifact in float_files if artifact.path in measured]
    limit = tolerance("tflite", Precision.FP32).max_abs
    if not single or limit is None:
        return []
    with open_runner("tflite", run.folder / single[0].path) as runner:
        logits = runner.run(golden.x)
    return [crosscheck(run.folder / "student", golden.x, logits, limit, crosscheck_environment())]


def _torch_run(network: "nn.Module") -> Callable[[Floats], Floats]:
    from factory.training import predict

    return lambda x: predict(network, x)


def _accuracy(answer: Callable[[Floats], Floats], held_out: HeldOut, labels: tuple[str, ...]) -> Accuracy:
    return measure(answer(held_out.x), held_out.y, held_out.subject, labels)
