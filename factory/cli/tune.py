"""`factory tune`: a recipe fitted to recordings, and what each change gains."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import factory
from factory.cli._options import CacheOption, DataOption, Device, DeviceOption, JsonOption, RecipeArgument, SeedOption
from factory.cli._output import print_json

if TYPE_CHECKING:
    from factory.contracts.tuning import Change, TuneResult


def tune(
    recipe: RecipeArgument = "demo",
    minutes: Annotated[float, typer.Option("--minutes", min=0.1, help="About how long; call again to go on.")] = 30.0,
    trials: Annotated[int, typer.Option("--trials", min=1, help="Candidates at most.")] = 200,
    folds: Annotated[
        int, typer.Option("--folds", min=2, max=10, help="Groups of training people, each held out once.")
    ] = 3,
    epochs: Annotated[
        int | None,
        typer.Option(
            "--epochs", min=1, help="Of each candidate. Default: a third of the recipe's.", show_default=False
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option("--name", help="Of the tuned recipe. Default: <recipe name>_tuned.", show_default=False),
    ] = None,
    data: DataOption = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder. Default: build/tune/<recipe name>.", show_default=False)
    ] = None,
    cache: CacheOption = None,
    device: DeviceOption = Device.AUTO.value,
    seed: SeedOption = None,
    as_json: JsonOption = False,
) -> None:
    """Fit a recipe to your recordings: window, augmentation, stem, width, learning rate and epochs.

    Training people are held out in turn, test people are never read. Says what each change gains; one that gains
    nothing is taken back. Goes on where it was stopped. Writes tune.json and recipe.toml, which factory build takes.

    Example: factory tune mine.toml --minutes 20 --out build/tune/mine
    """
    from factory.cli._progress import make_progress

    result = factory.tune(
        factory.load_recipe(recipe, seed=seed),
        minutes=minutes,
        trials=trials,
        folds=folds,
        epochs=epochs,
        name=name,
        data=data,
        out=out,
        cache=cache,
        device=device,
        progress=make_progress(as_json),
    )
    if as_json:
        print_json(result)
        return
    _print(result)
    typer.echo(f"go on with factory build {(out or Path('build/tune') / result.recipe.name) / 'recipe.toml'}")


def _print(result: "TuneResult") -> None:
    """Changes with their reasons, then own, tuned and trees."""
    from rich.console import Console
    from rich.table import Table

    table = Table("key", "recipe", "tuned", "why", title=f"{result.recipe.name}: {result.candidates} candidates")
    for change in result.changes:
        table.add_row(change.key, str(change.before), str(change.after), _why(change))
    if result.changes:
        Console().print(table)
    else:
        typer.echo("the recipe keeps every value")
    if result.note:
        typer.echo(result.note)
    folds = f"{len(result.groups)} groups of training people, {result.epochs} epochs, a seed that decided nothing"
    typer.echo(f"macro-F1 by {folds}:")
    for what, scores in (("recipe's own", result.own), ("tuned", result.found), ("trees", result.trees)):
        typer.echo(f"  {what:13} {sum(scores) / len(scores):.4f}  ({', '.join(f'{score:.3f}' for score in scores)})")


def _why(change: "Change") -> str:
    if change.gain_pp is None:
        return change.why or "part of the best candidate; what it gains alone was not measured"
    return f"{-change.gain_pp:+.1f} +- {change.spread_pp:.1f} pp without it"
