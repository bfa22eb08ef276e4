"""`factory benchmark` and `factory results`: a recipe over several seeds, beside its cross-entropy twin."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from factory.cli._options import (
    CacheOption,
    DataOption,
    Device,
    DeviceOption,
    JsonOption,
    OutOption,
    RecipeArgument,
    cache_folder,
)

if TYPE_CHECKING:
    from factory.artifacts.store import StageStore
    from factory.cli.job import Job, Prepared
    from factory.contracts.benchmark import BenchmarkResult, SeedResult
    from factory.contracts.manifest import Accuracy, Manifest

_SEEDS = [0, 1, 2]


def benchmark(
    recipe: RecipeArgument = "demo",
    seed: Annotated[list[int], typer.Option("--seed", min=0, help="May be repeated.")] = _SEEDS,
    data: DataOption = None,
    out: OutOption = None,
    cache: CacheOption = None,
    device: DeviceOption = Device.AUTO,
    as_json: JsonOption = False,
) -> None:
    """Build a recipe once a seed, train the same student by cross-entropy alone beside it, and compare.

    Goes on where it was stopped. Writes benchmark.json into the output folder.

    Example: factory benchmark uci_har --data ~/har --out build/benchmark/uci_har
    """
    from factory.cli._progress import make_progress
    from factory.cli.job import Job, resolve
    from factory.cli.results import table
    from factory.contracts.files import atomic_write

    base, _ = resolve(recipe, out, None)
    folder = out if out is not None else Path("build") / "benchmark" / base.name
    runs = []
    for number in dict.fromkeys(seed):
        resolved, build = resolve(recipe, folder / f"seed{number}", number)
        runs.append(
            Job(
                recipe=resolved,
                data=data,
                cache=cache_folder(cache),
                build=build,
                device=device.value,
                targets=("tflite",),
                tensorboard=False,
                progress=make_progress(as_json),
            )
        )
    result = _benchmark(runs, f"factory benchmark {recipe} " + " ".join(f"--seed {job.recipe.seed}" for job in runs))
    with atomic_write(folder / "benchmark.json") as temporary:
        temporary.write_text(result.model_dump_json(indent=1) + "\n", "utf-8")
    typer.echo(result.model_dump_json(indent=2) if as_json else table([result]))


def _benchmark(jobs: "list[Job]", command: str) -> "BenchmarkResult":
    from factory.cli import pipeline
    from factory.contracts.benchmark import BenchmarkResult

    seeds, manifest = [], None
    for job in jobs:
        manifest = pipeline.build(job).manifest
        seeds.append(_seed_result(manifest, _twin(job)))
    assert manifest is not None
    return BenchmarkResult(
        command=command,
        recipe=manifest.recipe,
        provenance=manifest.provenance,
        student_cost=manifest.training.student_cost,
        teacher_cost=manifest.training.teacher_cost,
        seeds=tuple(seeds),
    )


def _seed_result(manifest: "Manifest", twin: "Accuracy") -> "SeedResult":
    from factory.contracts.benchmark import SeedResult

    names = {artifact.path: f"{artifact.target} {artifact.precision}" for artifact in manifest.artifacts}
    measured = {names[v.subject]: v for v in manifest.verifications if v.subject in names}
    eager = next(step.accuracy for step in manifest.conversion if step.subject == "eager")
    assert eager is not None
    return SeedResult(
        seed=manifest.recipe.seed,
        head=manifest.training.head,
        teacher=manifest.training.teacher,
        student=eager,
        twin=twin,
        artifacts={name: v.accuracy for name, v in measured.items() if v.accuracy is not None},
        latency_us={name: v.latency.median_us for name, v in measured.items() if v.latency is not None},
        size_bytes={names[artifact.path]: artifact.size_bytes for artifact in manifest.artifacts},
        failed_gates=tuple(f"{check.target} {check.precision or ''} {check.gate}" for check in manifest.failed),
        data=manifest.data,
    )


def _twin(job: "Job") -> "Accuracy":
    """The control: same student, head, epochs, schedule and augmentation, without a teacher's word."""
    from factory.artifacts.store import open_store
    from factory.cli.job import Prepared

    with open_store(job.build, job.progress) as store:
        return _twin_stage(store, job, Prepared(job))


def _twin_stage(store: "StageStore", job: "Job", prepared: "Prepared") -> "Accuracy":
    from factory.artifacts.store import Stage
    from factory.cli.stages import student_inputs
    from factory.contracts.manifest import Accuracy
    from factory.devices.host import choose_device
    from factory.models import load_network
    from factory.train import predict, train_student
    from factory.verify.accuracy import measure

    distill = job.recipe.distill.model_copy(update={"method": "cross_entropy"})
    recipe = job.recipe.model_copy(update={"distill": distill})

    def work() -> Accuracy:
        windows, split, folder = prepared.windows, prepared.split, job.build / "twin"
        teacher, device = job.build / "teacher", choose_device(job.device)
        train_student(recipe, windows, split, teacher, folder, device, job.progress)
        logits = predict(load_network(folder), windows.x[split.test])
        return measure(logits, windows.y[split.test], windows.subject[split.test], windows.spec.labels)

    inputs = student_inputs(store, recipe, prepared)
    stage = Stage(name="twin", inputs=inputs, outputs=("twin/network.safetensors",), result=Accuracy, folder="twin")
    return store.run(stage, work)
