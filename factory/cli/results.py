"""`factory results`: the table of docs/results.md, printed from benchmark files."""

from pathlib import Path
from typing import Annotated

import typer


def results(
    files: Annotated[list[Path], typer.Argument(help="benchmark.json files.", exists=True, dir_okay=False)],
) -> None:
    """Print a Markdown table of benchmarks: macro-F1 on test subjects, mean and deviation over seeds.

    Example: factory results docs/results/uci_har.json docs/results/hapt.json
    """
    from factory.reporting.benchmarks import read_benchmark, table

    typer.echo(table([read_benchmark(path) for path in files]))
