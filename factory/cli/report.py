"""`factory report BUILD`: write the report of a finished build again."""

from pathlib import Path
from typing import Annotated

import typer

from factory.cli._options import BuildArgument


def report(
    build: BuildArgument,
    out: Annotated[
        Path | None, typer.Option("--out", help="HTML file. Default: <build>/report.html.", show_default=False)
    ] = None,
    picture: Annotated[
        Path | None,
        typer.Option("--picture", help="Also a PNG of size, latency, accuracy and confusion.", show_default=False),
    ] = None,
) -> None:
    """Write the self-contained HTML report from a build's manifest.

    Example: factory report build/demo --out demo.html --picture demo.png
    """
    from factory.artifacts.manifest_io import read_manifest
    from factory.reporting.html import write_report

    manifest, path = read_manifest(build / "manifest.json"), out if out is not None else build / "report.html"
    write_report(build, manifest, path)
    typer.echo(str(path))
    if picture is not None:
        from factory.reporting.picture import summary_picture

        summary_picture([manifest], picture)
        typer.echo(str(picture))
