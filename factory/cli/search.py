"""`factory search`: the student's layout under a bound on what it costs."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

import factory
from factory.cli._options import (
    AddressOption,
    CacheOption,
    DataOption,
    Device,
    DeviceOption,
    Engine,
    EngineOption,
    JsonOption,
    RecipeArgument,
    SeedOption,
)
from factory.cli._output import print_json

if TYPE_CHECKING:
    from factory.contracts.recipe import Core
    from factory.contracts.search import SearchResult

_CORES = ("cortex-a53", "cortex-a76")


class Method(StrEnum):
    """How candidates are trained."""

    CROSS_ENTROPY = "cross_entropy"
    RECIPE = "recipe"


def _bounds(texts: list[str]) -> list[str]:
    """CORE=NUMBER each; click turns the error into exit code 2."""
    for text in texts:
        core, _, number = text.partition("=")
        if core not in _CORES:
            raise typer.BadParameter(f"'{core}' is none of {', '.join(_CORES)}: for example cortex-a76=90000")
        if not number.isdecimal() or int(number) < 1:
            raise typer.BadParameter(f"'{text}' bounds nothing: for example cortex-a76=90000")
    return texts


def search(
    recipe: RecipeArgument = "demo",
    trials: Annotated[int, typer.Option("--trials", min=1, help="Students to train.")] = 40,
    epochs: Annotated[
        int | None,
        typer.Option("--epochs", min=1, help="Of each student. Default: a third of the recipe's.", show_default=False),
    ] = None,
    minutes: Annotated[
        float | None,
        typer.Option("--minutes", min=0, help="No student begins later; call again to go on.", show_default=False),
    ] = None,
    max_instructions: Annotated[
        list[str] | None,
        typer.Option(
            "--max-instructions",
            metavar="CORE=N",
            callback=lambda texts: _bounds(texts or []),
            help="arm64 instructions of an int8_static inference: cortex-a76=90000. May be repeated.",
            show_default=False,
        ),
    ] = None,
    max_macs: Annotated[
        int | None, typer.Option("--max-macs", min=1, help="Multiply-accumulates.", show_default=False)
    ] = None,
    max_kb: Annotated[
        float | None,
        typer.Option("--max-kb", min=0.001, help="Size of the int8_static file, 1000 bytes.", show_default=False),
    ] = None,
    method: Annotated[
        Method, typer.Option("--method", help="How students are trained: alone, or as the recipe does, by one teacher.")
    ] = Method.CROSS_ENTROPY,
    name: Annotated[
        str | None,
        typer.Option(
            "--name", help="Of the winner's recipe, such as demo_tiny. Default: <recipe>_searched.", show_default=False
        ),
    ] = None,
    data: DataOption = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder. Default: build/search/<recipe name>.", show_default=False)
    ] = None,
    cache: CacheOption = None,
    device: DeviceOption = Device.AUTO.value,
    workers: Annotated[
        int,
        typer.Option(
            "--workers", min=1, help="Students trained at once: processes of one thread each, or Ray's tasks."
        ),
    ] = 1,
    engine: EngineOption = Engine.LOCAL,
    address: AddressOption = None,
    cpus: Annotated[float, typer.Option("--cpus", min=0, help="Of a student on Ray; may be a fraction.")] = 1.0,
    gpus: Annotated[float, typer.Option("--gpus", min=0, help="Of a student on Ray; may be a fraction.")] = 0.0,
    seed: SeedOption = None,
    as_json: JsonOption = False,
) -> None:
    """Search a layout of the student: block, stem, widths, depths, kernels and strides, within bounds on its cost.

    Validation people select, test people are never read. Goes on where it was stopped. Writes search.json, pareto.png
    and recipe.toml, which factory build takes.

    Example: factory search demo --max-instructions cortex-a76=90000 --trials 40 --workers 2
    """
    from factory.cli._progress import make_progress

    bounds = {cast("Core", core): int(n) for core, _, n in (text.partition("=") for text in max_instructions or [])}
    result = factory.search(
        factory.load_recipe(recipe, seed=seed),
        trials=trials,
        epochs=epochs,
        minutes=minutes,
        max_instructions=bounds,
        max_macs=max_macs,
        max_kb=max_kb,
        method=method.value,
        name=name,
        data=data,
        out=out,
        cache=cache,
        device=device,
        workers=workers,
        engine=engine.value,
        address=address,
        cpus=cpus,
        gpus=gpus,
        progress=make_progress(as_json),
    )
    if as_json:
        print_json(result)
        return
    _print(result)
    typer.echo(f"go on with factory build {(out or Path('build/search') / result.recipe.name) / 'recipe.toml'}")


def _print(result: "SearchResult") -> None:
    """The Pareto front, the winner and the recipe's own student."""
    from rich.console import Console
    from rich.table import Table

    from factory.reporting.layouts import cost_name, layout_text

    table = Table(
        "", "student: block; stem; stages; features", title=f"{result.recipe.name}: {cost_name(result.objective)}"
    )
    for column in ("macro-F1", "A76", "A53", "MACs", "kB"):
        table.add_column(column, justify="right")
    winner = result.candidate(result.winner)
    for number in dict.fromkeys((*result.pareto, winner.number, 0)):
        found = result.candidate(number)
        name = "winner" if number == winner.number else "recipe's own" if number == 0 else ""
        cost = found.cost
        table.add_row(
            name,
            layout_text(found.student),
            f"{found.macro_f1:.4f}",
            f"{cost.instructions['cortex-a76']:,}",
            f"{cost.instructions['cortex-a53']:,}",
            f"{cost.macs:,}",
            f"{cost.size_bytes / 1000:.1f}",
        )
    Console().print(table)
    typer.echo(f"{len(result.candidates)} students trained, {result.rejected} layouts over a bound or drawn twice")
    if winner.counted is not None and winner.counted.instructions:
        counts = ", ".join(f"{core} {count:,}" for core, count in winner.counted.instructions.items())
        typer.echo(f"winner counted by {winner.counted.runtime}: {counts}; {winner.counted.size_bytes / 1000:.1f} kB")
    if result.note:
        typer.echo(f"winner {result.note}")
