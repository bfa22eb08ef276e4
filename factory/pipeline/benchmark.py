"""A recipe over several seeds, each beside the same student trained by cross-entropy alone."""

from collections.abc import Sequence
from pathlib import Path

from factory.artifacts.store import Stage, open_store
from factory.contracts.benchmark import BenchmarkResult, SeedResult
from factory.contracts.files import atomic_write
from factory.contracts.manifest import Accuracy, Manifest
from factory.pipeline.build import build
from factory.pipeline.request import BuildRequest, Run
from factory.pipeline.stages import student_inputs

CONTROL = "cross_entropy"


def benchmark(requests: Sequence[BuildRequest], command: str, out: Path) -> BenchmarkResult:
    """Build each request and its control; goes on where it was stopped.

    Args:
        requests: One a seed, of one recipe.
        command: What a reader runs to get the same figures.
        out: Where the result is written, benchmark.json.
    """
    seeds, manifest = [], None
    for request in requests:
        manifest = build(request).manifest
        with open_store(request.build, request.progress) as store:
            seeds.append(_seed_result(manifest, control_stage(Run(request, store))))
    assert manifest is not None
    result = BenchmarkResult(
        command=command,
        recipe=manifest.recipe,
        provenance=manifest.provenance,
        student_cost=manifest.training.student_cost,
        teacher_cost=manifest.training.teacher_cost,
        seeds=tuple(seeds),
    )
    with atomic_write(out) as temporary:
        temporary.write_text(result.model_dump_json(indent=1) + "\n", "utf-8")
    return result


def control_stage(run: Run) -> Accuracy:
    """The control: same student, head, epochs, schedule and augmentation, without a teacher."""
    distill = run.recipe.distill.model_copy(update={"method": "cross_entropy"})
    recipe = run.recipe.model_copy(update={"distill": distill})

    def work() -> Accuracy:
        from factory.devices.host import choose_device
        from factory.models import load_network
        from factory.training import predict, train_student
        from factory.verification.accuracy import measure

        windows, split, folder = run.windows, run.split, run.folder / CONTROL
        teacher, device = run.folder / "teacher", choose_device(run.request.device)
        train_student(recipe, windows, split, teacher, folder, device, run.progress)
        logits = predict(load_network(folder), windows.x[split.test])
        return measure(logits, windows.y[split.test], windows.subject[split.test], windows.spec.labels)

    stage = Stage(
        name=CONTROL,
        inputs=student_inputs(run, recipe),
        outputs=(f"{CONTROL}/network.safetensors",),
        result=Accuracy,
        folder=CONTROL,
    )
    return run.store.run(stage, work)


def _seed_result(manifest: Manifest, control: Accuracy) -> SeedResult:
    names = {artifact.path: f"{artifact.target} {artifact.precision}" for artifact in manifest.artifacts}
    measured = {names[v.subject]: v for v in manifest.verifications if v.subject in names}
    eager = next(step.accuracy for step in manifest.conversion if step.subject == "eager")
    assert eager is not None
    return SeedResult(
        seed=manifest.recipe.seed,
        head=manifest.training.head,
        teacher=manifest.training.teacher,
        student=eager,
        twin=control,
        artifacts={name: v.accuracy for name, v in measured.items() if v.accuracy is not None},
        latency_us={name: v.latency.median_us for name, v in measured.items() if v.latency is not None},
        size_bytes={names[artifact.path]: artifact.size_bytes for artifact in manifest.artifacts},
        failed_gates=tuple(f"{check.target} {check.precision or ''} {check.gate}" for check in manifest.failed),
        data=manifest.data,
    )
