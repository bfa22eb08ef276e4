"""`factory data`: what recordings there are, getting them, looking at them, cutting them to windows."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import factory
from factory.cli._options import CacheOption, DataOption, JsonOption
from factory.cli._output import print_json
from factory.contracts.errors import DataError, LeakageError, RecipeError

if TYPE_CHECKING:
    from factory.contracts.recipe import Recipe
    from factory.contracts.report import DataReport

app = typer.Typer(help="Recordings: list, fetch, check and prepare them.", no_args_is_help=True)

RecipeOrSource = Annotated[
    str, typer.Argument(help="A recipe's name or TOML file, or a source's name (factory data list).")
]


@app.command("list")
def list_sources(data: DataOption = None, as_json: JsonOption = False) -> None:
    """List the data sets that can be read, and whether they are in the data folder.

    Example: factory data list --data ~/recordings
    """
    from factory.data.catalogue import catalogue

    rows = catalogue(data)
    if as_json:
        print_json(rows)
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("source", "what", "people", "Hz", "channels", "classes", "found")
    for row in rows:
        cells = [row[key] for key in ("source", "what", "subjects", "rate_hz", "channels", "classes")]
        table.add_row(*(str(cell) for cell in cells), "yes" if row["found"] else "no")
    console = Console()
    console.print(table)
    for row in rows:
        get = "" if row["found"] or not row["urls"] else f" (factory data fetch {row['source']} --data FOLDER)"
        console.print(f"{row['source']}: {row['terms']}{get}", highlight=False, markup=False, soft_wrap=True)
    console.print("Your own CSV or Parquet: factory init FILE", highlight=False)


@app.command("formats")
def list_formats(as_json: JsonOption = False) -> None:
    """List the formats of apps, loggers and data sets that are read as they come; docs/formats.md says more.

    Example: factory data formats
    """
    from factory.data.formats import FORMATS, open_format

    formats = [open_format(name) for name in FORMATS]
    if as_json:
        keys = ("name", "title", "about", "pattern", "auxiliary")
        print_json([{key: getattr(each, key) for key in keys} for each in formats])
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("format", "what")
    for each in formats:
        table.add_row(each.name, each.title)
    Console().print(table)
    typer.echo("Other CSV, Parquet and .xlsx files are read by their content: factory init FILE")


@app.command()
def fetch(
    name: Annotated[str, typer.Argument(help="A source (factory data list).")],
    data: DataOption = None,
    again: Annotated[bool, typer.Option("--again", help="Download even if it is there.")] = False,
) -> None:
    """Download a data set from its authors and unpack it.

    Example: factory data fetch hapt --data ~/recordings
    """
    from factory.cli._progress import make_progress
    from factory.data.catalogue import WHAT
    from factory.data.fetch import Download
    from factory.data.fetch import fetch as download
    from factory.data.sources import open_source

    if name not in WHAT:
        raise RecipeError(f"no source '{name}': choose one of {', '.join(WHAT)}")
    source = open_source(name)
    if not source.urls:
        source.files(data)
        typer.echo(f"{name} needs no download: it ships with a Python package that is installed")
        return
    if data is None:
        raise DataError(f"where to put {name}? name a folder: factory data fetch {name} --data FOLDER")
    typer.echo(f"{source.terms}\n{source.cite}", err=True)
    folder = download(
        Download(name=name, urls=source.urls, complete=source.files), data, make_progress(quiet=False), again
    )
    typer.echo(str(folder))


@app.command()
def check(
    recipe: RecipeOrSource = "demo",
    data: DataOption = None,
    cache: CacheOption = None,
    windows: Annotated[
        bool, typer.Option("--windows/--no-windows", help="Compare the window with half and double of it.")
    ] = True,
    as_json: JsonOption = False,
) -> None:
    """Look at recordings, windows and split: rate, units, gravity, dead or clipped channels, classes, leakage.

    Ends with exit code 4 when it finds an error.
    Example: factory data check hapt --data ~/recordings
    """
    from factory.cli._progress import make_progress

    progress = make_progress(quiet=as_json)
    report = factory.check(_recipe_or_source(recipe), data=data, cache=cache, windows=windows, progress=progress)
    if as_json:
        print_json(report)
    else:
        from factory.cli._data_tables import show

        show(report)
    _require_usable(report)


@app.command()
def prepare(
    recipe: RecipeOrSource = "demo",
    data: DataOption = None,
    cache: CacheOption = None,
    as_json: JsonOption = False,
) -> None:
    """Cut a recipe's windows, keep them in the cache and count them.

    Example: factory data prepare hapt --data ~/recordings
    """
    from factory.cli._progress import make_progress
    from factory.data import make_split
    from factory.data import prepare as cut
    from factory.data.counts import count_windows
    from factory.pipeline.request import cache_folder

    chosen, folder = _recipe_or_source(recipe), cache_folder(cache)
    windows = cut(chosen.data, data, folder, make_progress(quiet=as_json))
    split = make_split(windows, chosen.split, chosen.seed)
    counts = count_windows(windows, split)
    path = Path(str(getattr(windows.x, "filename", folder))).parent
    if as_json:
        silent = len(split.unlabelled)
        print_json({"cache": str(path), "lost": windows.lost, "windows": counts, "unlabelled": silent})
        return
    from factory.cli._data_tables import show_counts

    show_counts(counts, windows.spec.labels)
    if len(split.unlabelled):
        people = len(set(windows.subject[split.unlabelled].tolist()))
        typer.echo(f"unlabelled: {len(split.unlabelled)} windows of {people} people, for the teacher to answer")
    for reason, number in windows.lost.items():
        typer.echo(f"left out: {number} {reason}")
    typer.echo(str(path))


@app.command()
def show(
    recipe: RecipeOrSource = "demo",
    data: DataOption = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="HTML file. Default: <recipe>_recordings.html.", show_default=False)
    ] = None,
    subject: Annotated[
        list[str] | None,
        typer.Option("--subject", help="Draw this person only; may be repeated. Default: all.", show_default=False),
    ] = None,
    cache: CacheOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write one HTML page to look at recordings in: signals, labels, gaps, findings, and what looks mislabelled.

    Example: factory data show hapt --data ~/recordings --out hapt.html
    """
    from factory.cli._progress import make_progress

    shown = factory.show(
        _recipe_or_source(recipe),
        data=data,
        out=out,
        subjects=subject or (),
        cache=cache,
        progress=make_progress(quiet=as_json),
    )
    if as_json:
        print_json({**asdict(shown), "page": str(shown.page)})
        return
    typer.echo(
        f"{shown.recordings} recordings of {shown.people} people, {shown.findings} findings, "
        f"{shown.suspects} stretches that look unlike their label"
    )
    typer.echo(str(shown.page))


def _require_usable(report: "DataReport") -> None:
    """Raise the gravest error of a report; leakage before all others."""
    leaks = [finding for finding in report.errors if finding.code.startswith("leakage.")]
    for finding in (leaks or report.errors)[:1]:
        others = f" (and {len(report.errors) - 1} more errors)" if len(report.errors) > 1 else ""
        where = "" if finding.where == "data" else f"{finding.where}: "
        raise (LeakageError if leaks else DataError)(f"{where}{finding.message}{others}")


def _recipe_or_source(name: str) -> "Recipe":
    """A recipe, or for a data set without one of its name the recipe with defaults that reads it."""
    from factory.data.catalogue import WHAT, default_recipe
    from factory.recipes import shipped_names

    if name not in WHAT or name in shipped_names():
        return factory.load_recipe(name)
    return default_recipe(name)
