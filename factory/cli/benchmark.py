"""`factory benchmark`: a recipe over several seeds, beside its cross-entropy control."""

from typing import Annotated

import typer

import factory
from factory.cli._options import CacheOption, DataOption, Device, DeviceOption, JsonOption, OutOption, RecipeArgument
from factory.cli._output import print_json

_SEEDS = [0, 1, 2]


def benchmark(
    recipe: RecipeArgument = "demo",
    seed: Annotated[list[int], typer.Option("--seed", min=0, help="May be repeated.")] = _SEEDS,
    data: DataOption = None,
    out: OutOption = None,
    cache: CacheOption = None,
    device: DeviceOption = Device.AUTO.value,
    as_json: JsonOption = False,
) -> None:
    """Build a recipe once a seed, train the same student by cross-entropy alone beside it, and compare.

    Goes on where it was stopped. Writes benchmark.json into the output folder.

    Example: factory benchmark uci_har --data ~/har --out build/benchmark/uci_har
    """
    from factory.cli._progress import make_progress
    from factory.reporting.benchmarks import table

    result = factory.benchmark(
        recipe, seeds=seed, data=data, out=out, cache=cache, device=device, progress=make_progress(as_json)
    )
    if as_json:
        print_json(result)
    else:
        typer.echo(table([result]))
