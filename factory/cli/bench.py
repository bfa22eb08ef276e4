"""`factory bench`: methods x data sets x folds x seeds from one TOML."""

from pathlib import Path
from typing import Annotated

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
)
from factory.cli._output import print_json


def bench(
    spec: Annotated[
        str, typer.Argument(help="A shipped one, such as quick or few_labels (docs/bench.md), or a TOML file's path.")
    ] = "quick",
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--only",
            help="Label of a data set or method; may be repeated. The control is always run.",
            show_default=False,
        ),
    ] = None,
    data: DataOption = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder. Default: build/bench/<name>.", show_default=False)
    ] = None,
    cache: CacheOption = None,
    device: DeviceOption = Device.AUTO.value,
    workers: Annotated[int, typer.Option("--workers", min=1, help="Processes, of one thread each.")] = 1,
    engine: EngineOption = Engine.LOCAL,
    address: AddressOption = None,
    cpus: Annotated[float, typer.Option("--cpus", min=0, help="Of a cell on Ray; may be a fraction.")] = 1.0,
    gpus: Annotated[float, typer.Option("--gpus", min=0, help="Of a cell on Ray; may be a fraction.")] = 0.0,
    table: Annotated[bool, typer.Option("--table", help="Print what is there, train nothing.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Count the cells, time one epoch of each kind, and say how long it takes.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Compare methods: same student, steps and augmentation, people in folds, paired tests, one file a cell.

    Goes on where it was stopped; several runs over one folder share the work. Writes results.parquet, bench.json,
    table.md and ranks.png.

    Example: factory bench few_labels --data ~/har --workers 2 --only wide
    """
    from factory.cli._progress import make_progress

    progress = make_progress(as_json)
    if dry_run:
        estimate = factory.bench_estimate(
            spec, only=only or (), data=data, out=out, cache=cache, device=device, workers=workers, progress=progress
        )
        if as_json:
            print_json(estimate)
        else:
            typer.echo(str(estimate))
        return
    if table:
        summary = factory.bench_table(spec, only=only or (), out=out)
    else:
        summary = factory.bench(
            spec,
            only=only or (),
            data=data,
            out=out,
            cache=cache,
            device=device,
            workers=workers,
            engine=engine.value,
            address=address,
            cpus=cpus,
            gpus=gpus,
            progress=progress,
        )
    if as_json:
        print_json(summary)
        return
    from factory.reporting.bench import tables

    typer.echo(tables(summary))
