"""A recipe over several seeds, each beside the same student trained by cross-entropy alone."""

from collections.abc import Sequence
from pathlib import Path

from factory.artifacts.store import open_store
from factory.contracts.benchmark import BenchmarkResult, SeedResult
from factory.contracts.manifest import Manifest
from factory.contracts.stored import write_json
from factory.pipeline.build import build
from factory.pipeline.request import BuildRequest, Run
from factory.pipeline.stages import control_stage


def benchmark(requests: Sequence[BuildRequest], command: str, out: Path) -> BenchmarkResult:
    """Build each request and its control; goes on where it was stopped.

    Args:
        requests: One a seed, of one recipe.
        command: What a reader runs to get the same figures.
        out: Where the result is written, benchmark.json.
    """
    seeds, manifest = [], None
    for request in requests:
        build(request)
        with open_store(request.build, request.progress) as store:
            control_stage(Run(request, store))
        manifest = build(request).manifest  # once more: only the manifest and the report, which now show the control
        seeds.append(_seed_result(manifest))
    assert manifest is not None
    result = BenchmarkResult(
        command=command,
        recipe=manifest.recipe,
        provenance=manifest.provenance,
        student_cost=manifest.training.student_cost,
        teacher_cost=manifest.training.teacher_cost,
        seeds=tuple(seeds),
    )
    write_json(result, out)
    return result


def _seed_result(manifest: Manifest) -> SeedResult:
    names = {artifact.path: f"{artifact.target} {artifact.precision}" for artifact in manifest.artifacts}
    measured = {names[v.subject]: v for v in manifest.verifications if v.subject in names}
    eager = next(step.accuracy for step in manifest.conversion if step.subject == "eager")
    control = manifest.training.cross_entropy
    assert eager is not None
    assert control is not None
    return SeedResult(
        seed=manifest.recipe.seed,
        head=manifest.training.head,
        teacher=manifest.training.teacher,
        student=eager,
        twin=control,
        baseline=manifest.baseline,
        artifacts={name: v.accuracy for name, v in measured.items() if v.accuracy is not None},
        latency_us={name: v.latency.median_us for name, v in measured.items() if v.latency is not None},
        size_bytes={names[artifact.path]: artifact.size_bytes for artifact in manifest.artifacts},
        failed_gates=tuple(f"{check.target} {check.precision or ''} {check.gate}" for check in manifest.failed),
        data=manifest.data,
    )
