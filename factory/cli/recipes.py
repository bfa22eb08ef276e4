"""`factory recipes`: list the shipped recipes or print one; and finding a recipe by name or path."""

import difflib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from factory.cli._options import JsonOption
from factory.contracts.errors import RecipeError

if TYPE_CHECKING:
    from factory.contracts.recipe import Recipe

SHIPPED = Path(__file__).parent.parent / "recipes"
"""Package data; always unpacked, wheels are never run zipped."""


def recipes(
    name: Annotated[str | None, typer.Argument(help="Print this recipe, every value written out.")] = None,
    as_json: JsonOption = False,
) -> None:
    """List the shipped recipes, or print one as TOML.

    Example: factory recipes demo > my_recipe.toml
    """
    if name is not None:
        recipe, _ = find_recipe(name)
        typer.echo(recipe.model_dump_json(indent=2) if as_json else recipe.to_toml(), nl=as_json)
        return
    rows = [(shipped, find_recipe(shipped)[0]) for shipped in shipped_names()]
    if as_json:
        typer.echo(json.dumps([{"name": shipped, "summary": recipe.summary} for shipped, recipe in rows], indent=2))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("recipe", "data", "window", "what it is")
    for shipped, recipe in rows:
        data = recipe.data
        table.add_row(shipped, data.source, f"{data.window} at {data.rate_hz:g} Hz", recipe.summary)
    Console().print(table)


def shipped_names() -> list[str]:
    """Names of the shipped recipes, `demo` first."""
    return sorted((path.stem for path in SHIPPED.glob("*.toml")), key=lambda name: (name != "demo", name))


def find_recipe(name: str) -> "tuple[Recipe, Path]":
    """A recipe by shipped name or path, and the folder its own relative paths start from.

    Raises:
        RecipeError: No such recipe (names the closest), or its content is wrong.
    """
    from factory.contracts.recipe import load_recipe

    if name.endswith(".toml") or os.sep in name:
        path = Path(name)
    elif name in shipped_names():
        path = SHIPPED / f"{name}.toml"
    else:
        close = difflib.get_close_matches(name, shipped_names(), n=1)
        hint = f"did you mean '{close[0]}'? " if close else ""
        raise RecipeError(
            f"no recipe '{name}': {hint}choose one of {', '.join(shipped_names())}, or give the path of a TOML file"
        )
    return load_recipe(path), path.parent
