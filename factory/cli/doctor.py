"""`factory doctor`: what is installed, what each target needs, which recordings are found."""

from dataclasses import asdict
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from factory.cli._options import CacheOption, DataOption, JsonOption
from factory.cli._output import print_json
from factory.contracts.errors import MissingToolError

if TYPE_CHECKING:
    from factory.pipeline.inventory import Entry

_DEFAULT_TARGET = "tflite"


class Installable(StrEnum):
    """What doctor can set up."""

    CROSSCHECK = "crosscheck"


def doctor(
    install: Annotated[
        Installable | None, typer.Option("--install", help="Make an environment of its own for this tool, first.")
    ] = None,
    data: DataOption = None,
    cache: CacheOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what is installed and what is missing. Exit code 5 if the TFLite target cannot be built.

    Example: factory doctor --data ~/har
    """
    if install is Installable.CROSSCHECK:
        from exporters.tflite.crosscheck import crosscheck_environment, install_crosscheck

        typer.echo(f"installing litert-torch into {crosscheck_environment()}, some 7 GB ...", err=True)
        install_crosscheck(crosscheck_environment())
    from factory.pipeline.inventory import State, take_inventory
    from factory.pipeline.request import cache_folder

    lines = take_inventory(data, cache_folder(cache))
    if as_json:
        print_json([asdict(line) for line in lines])
    else:
        _print(lines)
    unusable = [line for line in lines if (line.group, line.name) == ("target", _DEFAULT_TARGET)]
    if any(line.state is not State.OK for line in unusable):
        raise MissingToolError(f"the default target cannot be built: {unusable[0].detail}")


def _print(lines: "list[Entry]") -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from factory.pipeline.inventory import State

    colours = {State.OK: "green", State.MISSING: "yellow", State.DIFFERS: "yellow"}
    table = Table("", "what", "state", "detail")
    group = ""
    for line in lines:
        if line.group != group:
            table.add_section()
        table.add_row(
            "" if line.group == group else line.group,
            line.name,
            Text(line.state, colours[line.state]),
            Text(line.detail),
        )
        group = line.group
    Console().print(table)
