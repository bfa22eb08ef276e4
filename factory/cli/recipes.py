"""`factory recipes`: list the shipped recipes or print one."""

from typing import Annotated

import typer

import factory
from factory.cli._options import JsonOption
from factory.cli._output import print_json


def recipes(
    name: Annotated[str | None, typer.Argument(help="Print this recipe, every value written out.")] = None,
    as_json: JsonOption = False,
) -> None:
    """List the shipped recipes, or print one as TOML.

    Example: factory recipes demo > my_recipe.toml
    """
    if name is not None:
        recipe = factory.load_recipe(name)
        if as_json:
            print_json(recipe)
        else:
            typer.echo(recipe.to_toml(), nl=False)
        return
    from factory.recipes import shipped_names

    rows = [(shipped, factory.load_recipe(shipped)) for shipped in shipped_names()]
    if as_json:
        print_json([{"name": shipped, "summary": recipe.summary} for shipped, recipe in rows])
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("recipe", "data", "window", "what it is")
    for shipped, recipe in rows:
        data = recipe.data
        table.add_row(shipped, data.source, f"{data.window} at {data.rate_hz:g} Hz", recipe.summary)
    Console().print(table)
