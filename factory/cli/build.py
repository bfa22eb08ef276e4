"""`factory build`, `factory train`, `factory export`: recordings in, verified artifacts out."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from factory.cli._options import (
    BOARD_SCHEME,
    BuildArgument,
    CacheOption,
    DataOption,
    Device,
    DeviceOption,
    JsonOption,
    OutOption,
    PlaceOption,
    RecipeArgument,
    SeedOption,
    TargetOption,
    TensorBoardOption,
    cache_folder,
)

if TYPE_CHECKING:
    from factory.cli.job import Job

_DEFAULT_TARGETS = ["tflite"]


def build(
    recipe: RecipeArgument = "demo",
    target: TargetOption = _DEFAULT_TARGETS,
    data: DataOption = None,
    out: OutOption = None,
    cache: CacheOption = None,
    device: PlaceOption = Device.AUTO.value,
    seed: SeedOption = None,
    tensorboard: TensorBoardOption = False,
    as_json: JsonOption = False,
) -> None:
    """Train teacher and student, export, verify, report. Redoes only what changed.

    Targets are exported side by side; one that fails leaves the others whole.

    Example: factory build hapt --data ~/har --out build/hapt
    """
    from factory.cli import pipeline
    from factory.cli.tables import print_build
    from factory.cli.verification import require_all

    built = pipeline.build(_job(recipe, target, data, out, cache, device, seed, tensorboard, as_json))
    if as_json:
        typer.echo(built.manifest.model_dump_json(indent=2))
    else:
        print_build(built.manifest, built.report)
        if built.android:
            typer.echo(f"app: {built.android}")
    _raise_first(built.failures)
    require_all(built.manifest.checks)


def train(
    recipe: RecipeArgument = "demo",
    data: DataOption = None,
    out: OutOption = None,
    cache: CacheOption = None,
    device: DeviceOption = Device.AUTO,
    seed: SeedOption = None,
    tensorboard: TensorBoardOption = False,
    as_json: JsonOption = False,
) -> None:
    """Train teacher and student only; `factory build` or `factory export` goes on from there.

    Example: factory train uci_har --data ~/har --seed 1 --out build/uci_har_1
    """
    import json

    from factory.cli import pipeline

    job = _job(recipe, [], data, out, cache, device, seed, tensorboard, as_json)
    teacher, student = pipeline.train(job)
    if as_json:
        typer.echo(json.dumps({"teacher": teacher.model_dump(), "student": student.model_dump()}, indent=2))
        return
    typer.echo(f"teacher {teacher.epochs} epochs in {teacher.seconds:.0f} s, head {teacher.head}")
    typer.echo(f"student {student.epochs} epochs in {student.seconds:.0f} s, {student.method}")
    typer.echo(f"{job.build}: go on with factory export {job.build}")


def export(
    build: BuildArgument,
    target: TargetOption = _DEFAULT_TARGETS,
    data: DataOption = None,
    cache: CacheOption = None,
    device: DeviceOption = Device.AUTO,
    as_json: JsonOption = False,
) -> None:
    """Write a trained build's files for a target, without verifying them.

    Example: factory export build/demo --target tflite
    """
    import json

    from factory.cli import pipeline
    from factory.contracts.errors import ArtifactError

    recipe = build / "recipe.toml"
    if not recipe.is_file():
        raise ArtifactError(f"{build} has no recipe.toml, so it is not a build: run factory train first")
    exports = pipeline.export(_job(str(recipe), target, data, build, cache, device, None, False, as_json))
    if as_json:
        typer.echo(json.dumps([artifact.model_dump(mode="json") for artifact in exports.artifacts], indent=2))
    else:
        for artifact in exports.artifacts:
            typer.echo(f"{build / artifact.path}  {artifact.size_bytes / 1000:.1f} kB")
        for check in exports.checks:
            typer.echo(f"{check.target}: {check.outcome.replace('_', ' ')}: {check.note}", err=True)
    _raise_first(exports.failures)


def _raise_first(failures: tuple[Exception, ...]) -> None:
    """The command's exit code is that of the first target that failed; all of them are in the table."""
    if failures:
        raise failures[0]


def _job(
    recipe: str,
    targets: list[str],
    data: Path | None,
    out: Path | None,
    cache: Path | None,
    device: str,
    seed: int | None,
    tensorboard: bool,
    quiet: bool,
) -> "Job":
    from factory.cli._progress import make_progress
    from factory.cli.job import Job, resolve

    resolved, folder = resolve(recipe, out, seed)
    board = device if device.startswith(BOARD_SCHEME) else None
    return Job(
        recipe=resolved,
        data=data,
        cache=cache_folder(cache),
        build=folder,
        device=Device.AUTO.value if board else str(device),
        targets=tuple(dict.fromkeys(targets)),
        tensorboard=tensorboard,
        progress=make_progress(quiet),
        board=board,
    )
