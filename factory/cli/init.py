"""`factory init`: from a user's own recordings to a description and a recipe."""

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from factory.cli._options import JsonOption
from factory.cli._output import print_json

_DESCRIPTION, _RECIPE = "data.toml", "recipe.toml"


def init(
    file: Annotated[Path, typer.Argument(help="A .csv or .parquet file, one row a sample.", show_default=False)],
    out: Annotated[Path, typer.Option("--out", help="Folder for data.toml and recipe.toml.")] = Path(),
    subject: Annotated[str | None, typer.Option("--subject", help="Column of who wore the sensor.")] = None,
    session: Annotated[str | None, typer.Option("--session", help="Column of recordings of one subject.")] = None,
    time: Annotated[str | None, typer.Option("--time", help="Column of time stamps.")] = None,
    label: Annotated[str | None, typer.Option("--label", help="Column of activities.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite data.toml and recipe.toml.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Look at your own recordings and write data.toml and recipe.toml, each guess with its reason.

    Example: factory init walking.csv && factory data check recipe.toml
    """
    from factory.cli._progress import make_progress
    from factory.contracts.errors import RecipeError
    from factory.contracts.files import atomic_write
    from factory.data.columns import Chosen
    from factory.data.describe import description_toml, recipe_toml
    from factory.data.guess import guess_table

    paths = (out / _DESCRIPTION, out / _RECIPE)
    if (there := [path for path in paths if path.exists()]) and not force:
        raise RecipeError(f"{there[0]} exists: add --force to overwrite it, or --out another folder")
    chosen = Chosen(subject=subject, session=session, time=time, label=label)
    guess = guess_table(file, chosen, make_progress(quiet=as_json))
    texts = (description_toml(guess, out), recipe_toml(guess, _DESCRIPTION))
    with ExitStack() as both:  # or neither: a lone data.toml would stop the next run
        for path, text in zip(paths, texts, strict=True):
            both.enter_context(atomic_write(path)).write_text(text, encoding="utf-8")
    if as_json:
        print_json({"description": str(paths[0]), "recipe": str(paths[1])})
        return
    typer.echo(
        f"{file.name}: {len(guess.subjects)} people, {len(guess.labels)} classes, {guess.clock.rate_hz:g} Hz, "
        f"{', '.join(f'{sensor.axes.name} in {sensor.unit}' for sensor in guess.sensors)}"
    )
    typer.echo(f"wrote {paths[0]} and {paths[1]}: read them, lines with PLEASE CHECK first, then")
    typer.echo(f"  factory data check {paths[1]}\n  factory build {paths[1]}")
