"""`factory init`: from a user's own recordings to a description and a recipe."""

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from factory.cli._options import JsonOption
from factory.cli._output import print_json

if TYPE_CHECKING:
    from factory.contracts.window import WindowSpec
    from factory.data.guess.table import TableGuess

_DESCRIPTION, _RECIPE = "data.toml", "recipe.toml"
_FIELD = "Column or {field} of the path of"


def init(
    paths: Annotated[
        list[Path], typer.Argument(help="Recordings: a folder, a zip archive, or files.", show_default=False)
    ],
    out: Annotated[Path, typer.Option("--out", help="Folder for data.toml and recipe.toml.")] = Path(),
    subject: Annotated[str | None, typer.Option("--subject", help=f"{_FIELD} who wore the sensor.")] = None,
    session: Annotated[str | None, typer.Option("--session", help=f"{_FIELD} recordings of one subject.")] = None,
    time: Annotated[
        str | None, typer.Option("--time", help="Column of time stamps; two with a comma: date,time.")
    ] = None,
    label: Annotated[str | None, typer.Option("--label", help=f"{_FIELD} activities.")] = None,
    sensor: Annotated[
        str | None, typer.Option("--sensor", help=f"{_FIELD} which sensor a row is of, in long tables.")
    ] = None,
    pattern: Annotated[
        str | None, typer.Option("--pattern", help="How files are named: '{subject}/{label}_{session}.csv'.")
    ] = None,
    rate: Annotated[
        float | None, typer.Option("--rate", help="Samples a second, where no time stamp tells it.", min=0.1, max=1000)
    ] = None,
    names: Annotated[
        str | None, typer.Option("--names", help="Names of columns, with commas between, where no header has them.")
    ] = None,
    labels: Annotated[Path | None, typer.Option("--labels", help="File of label intervals: start, end, label.")] = None,
    sum_gravity: Annotated[
        bool, typer.Option("--sum-gravity", help="Add Core Motion's gravity to its userAcceleration.")
    ] = False,
    format_: Annotated[
        str | None, typer.Option("--format", help="csv, or a named format, where it is not recognised.")
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(
            "--for", help="Model that is to answer: no labels or people are needed, data.toml alone is written."
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite data.toml and recipe.toml.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Look at your own recordings and write data.toml and recipe.toml, each guess with its reason.

    Example: factory init recordings/ && factory data check recipe.toml

    Example: factory init walk.csv --for phone && factory predict phone walk.csv --description data.toml
    """
    from factory.cli._progress import make_progress
    from factory.contracts.errors import RecipeError
    from factory.contracts.files import atomic_write
    from factory.data.guess.describe import description_toml, recipe_toml
    from factory.data.guess.project import Files
    from factory.data.guess.roles import Chosen
    from factory.data.guess.table import guess_table

    described, recipe = out / _DESCRIPTION, out / _RECIPE
    targets = (described, recipe) if model is None else (described,)
    if (there := [path for path in targets if path.exists()]) and not force:
        raise RecipeError(f"{there[0]} exists: add --force to overwrite it, or --out another folder")
    chosen = Chosen(
        subject=subject, session=session, time=time, label=label, sensor=sensor, rate_hz=rate,
        sum_gravity=sum_gravity, intervals=labels is not None,
        model=None if model is None else _window_of(model),
    )  # fmt: skip
    told = Files(
        pattern=pattern, names=tuple(part.strip() for part in names.split(",")) if names else None, labels=labels,
        format=format_,
    )  # fmt: skip
    guess = guess_table(paths, chosen, told, make_progress(quiet=as_json))
    texts = (description_toml(guess, out), *(() if model else (recipe_toml(guess, _DESCRIPTION),)))
    with ExitStack() as both:  # or neither: a lone data.toml would stop the next run
        for path, text in zip(targets, texts, strict=True):
            both.enter_context(atomic_write(path)).write_text(text, encoding="utf-8")
    if as_json:
        print_json(
            {
                "description": str(described),
                "recipe": str(recipe) if model is None else None,
                "checks": [{"code": c.code, "key": c.key, "message": c.message} for c in guess.checks],
                "left_out": guess.left_out,
            }
        )
        return
    _summarise(guess)
    if model is None:
        typer.echo(f"wrote {described} and {recipe}: read them, lines with PLEASE CHECK first, then")
        typer.echo(f"  factory data check {recipe}\n  factory build {recipe}")
    else:
        typer.echo(f"wrote {described}: read it, lines with PLEASE CHECK first, then")
        answering = "MODEL" if model.suffix == ".json" else model
        typer.echo(f"  factory predict {answering} {guess.project.members[0].path} --description {described}")


def _window_of(model: Path) -> "WindowSpec":
    from factory.pipeline.predict import contract_of

    return contract_of(model).window


def _summarise(guess: "TableGuess") -> None:
    """What was found, what must be checked, what is left out."""
    members = guess.project.members
    title = members[0].name if len(members) == 1 else f"{guess.project.folder} ({len(members)} files)"
    sensors = ", ".join(f"{sensor.axes.name} in {_unit(sensor.unit, sensor.scale)}" for sensor in guess.sensors)
    people, classes = len(guess.people.rows), len(guess.labels.order)
    if guess.model is None:
        labelled, without = guess.labelled, ""
        if labelled.without:
            fate = "a teacher will answer for them" if labelled.answered else "they are left out"
            without = f" ({len(labelled.without)} of them without labels: {fate})"
        typer.echo(f"{title}: {people} people{without}, {classes} classes, {guess.clock.rate_hz:g} Hz, {sensors}")
        typer.echo(f"window {guess.window.reason}")
    else:
        typer.echo(f"{title}: {guess.clock.rate_hz:g} Hz, {sensors}")
    for check in guess.checks:
        typer.echo(f"PLEASE CHECK: {check.message}")
    if guess.left_out:
        typer.echo("left out:")
        for name, reason in guess.left_out.items():
            typer.echo(f"  {name}: {reason}")


def _unit(unit: str, scale: float) -> str:
    return unit if abs(scale) == 1 else f"{abs(scale):.4g} {unit}"
