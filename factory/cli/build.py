"""`factory build`, `factory train`, `factory export`: recordings in, verified artifacts out."""

from typing import TYPE_CHECKING

import typer

import factory
from factory.cli._options import (
    BoardOption,
    BuildArgument,
    CacheOption,
    DataOption,
    Device,
    DeviceOption,
    DevicesOption,
    ExplainOption,
    ForceOption,
    JsonOption,
    MinutesOption,
    OutOption,
    RecipeArgument,
    SeedOption,
    TargetOption,
    TensorBoardOption,
    VerifyOnOption,
)
from factory.cli._output import print_json

if TYPE_CHECKING:
    from factory.pipeline.explain import Explanation

_DEFAULT_TARGETS = ["tflite"]


def build(
    recipe: RecipeArgument = "demo",
    target: TargetOption = _DEFAULT_TARGETS,
    data: DataOption = None,
    out: OutOption = None,
    cache: CacheOption = None,
    device: DeviceOption = Device.AUTO.value,
    devices: DevicesOption = 1,
    board: BoardOption = None,
    verify_on: VerifyOnOption = "auto",
    seed: SeedOption = None,
    minutes: MinutesOption = None,
    force: ForceOption = False,
    tensorboard: TensorBoardOption = False,
    as_json: JsonOption = False,
) -> None:
    """Train teacher and student, export, verify, report. Redoes only what changed.

    Targets are exported side by side; one that fails leaves the others whole.

    Example: factory build hapt --data ~/har --out build/hapt
    """
    from factory.cli._progress import make_progress
    from factory.cli.tables import print_build

    built = factory.build(
        factory.load_recipe(recipe, seed=seed),
        targets=target,
        data=data,
        out=out,
        cache=cache,
        device=device,
        devices=devices,
        board=board,
        verify_on=verify_on,
        minutes=minutes,
        tensorboard=tensorboard,
        force=force,
        progress=make_progress(as_json),
        check=False,
    )
    if as_json:
        print_json(built.manifest)
    else:
        print_build(built.manifest, built.report)
        if built.android:
            typer.echo(f"app: {built.android}")
    built.require()


def train(
    recipe: RecipeArgument = "demo",
    data: DataOption = None,
    out: OutOption = None,
    cache: CacheOption = None,
    device: DeviceOption = Device.AUTO.value,
    devices: DevicesOption = 1,
    seed: SeedOption = None,
    minutes: MinutesOption = None,
    force: ForceOption = False,
    tensorboard: TensorBoardOption = False,
    explain: ExplainOption = False,
    as_json: JsonOption = False,
) -> None:
    """Train teacher and student only; `factory build` or `factory export` goes on from there.

    Example: factory train uci_har --data ~/har --seed 1 --out build/uci_har_1
    """
    from factory.cli._progress import make_progress

    if explain:
        found = factory.explain(
            factory.load_recipe(recipe, seed=seed),
            data=data,
            out=out,
            cache=cache,
            device=device,
            force=force,
            progress=make_progress(as_json),
        )
        if as_json:
            print_json(found)
        else:
            _print_explanation(found)
        return
    teacher, student = factory.train(
        factory.load_recipe(recipe, seed=seed),
        data=data,
        out=out,
        cache=cache,
        device=device,
        devices=devices,
        minutes=minutes,
        tensorboard=tensorboard,
        force=force,
        progress=make_progress(as_json),
    )
    if as_json:
        print_json({"teacher": teacher.model_dump(), "student": student.model_dump()})
        return
    typer.echo(f"teacher {teacher.epochs} epochs in {teacher.seconds:.0f} s, head {teacher.head}")
    typer.echo(f"student {student.epochs} epochs in {student.seconds:.0f} s, {student.method}")
    typer.echo("go on with factory build and the same arguments")


def _print_explanation(found: "Explanation") -> None:
    if found.lead is not None:
        lead = found.lead
        typer.echo(f"lead: {lead.verdict}")
        typer.echo(f"      {lead.teacher:.4f} against {lead.control:.4f}, each after {lead.epochs} epochs")
    typer.echo(f"expected gain: {found.expected}")
    for place, advice in enumerate(found.advice, start=1):
        typer.echo(f"{'what would raise it:' if place == 1 else ' ' * 20} {place}. {advice}")


def export(
    build: BuildArgument,
    target: TargetOption = _DEFAULT_TARGETS,
    data: DataOption = None,
    cache: CacheOption = None,
    device: DeviceOption = Device.AUTO.value,
    as_json: JsonOption = False,
) -> None:
    """Write a trained build's files for a target, without verifying them.

    Example: factory export build/demo --target tflite
    """
    from factory.cli._progress import make_progress

    exports = factory.export(
        build, targets=target, data=data, cache=cache, device=device, progress=make_progress(as_json)
    )
    if as_json:
        print_json([artifact.model_dump(mode="json") for artifact in exports.artifacts])
    else:
        for artifact in exports.artifacts:
            typer.echo(f"{build / artifact.path}  {artifact.size_bytes / 1000:.1f} kB")
        for check in exports.checks:
            typer.echo(f"{check.target}: {check.outcome.replace('_', ' ')}: {check.note}", err=True)
    for failure in exports.failures:
        raise failure
