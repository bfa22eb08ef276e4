"""`factory predict MODEL RECORDING`: label a recording."""

import sys
from pathlib import Path
from typing import Annotated

import typer

import factory
from factory.cli._options import DescriptionOption, JsonOption, RecordingArgument, TimeOption, UnitOption, units_of
from factory.cli._output import print_doubts, print_json


def predict(
    model: Annotated[Path, typer.Argument(help="A model file, a pulled folder, or a build.", show_default=False)],
    recording: RecordingArgument,
    description: DescriptionOption = None,
    unit: UnitOption = None,
    time: TimeOption = "time_s",
    target: Annotated[str | None, typer.Option("--target", help="Which file of a folder.", show_default=False)] = None,
    precision: Annotated[
        str | None, typer.Option("--precision", help="Which file of a folder.", show_default=False)
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="CSV file. Default: standard output.", show_default=False)
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Label each window of a recording; one that breaks the model's contract is refused, with what differs.

    Example: factory predict demo/tflite/model_int8_static.tflite recording.csv --out labels.csv
    """
    from factory.cli._progress import make_progress

    found = factory.predict(
        model,
        recording,
        description=description,
        units=units_of(unit),
        time=time,
        target=target,
        precision=precision,
        progress=make_progress(as_json or out is None),
    )
    print_doubts(found.doubts)
    if out is not None:
        from factory.contracts.files import atomic_write

        with atomic_write(out) as temporary, temporary.open("w", encoding="utf-8", newline="") as content:
            found.write_csv(content)
    if as_json:
        from factory.pipeline.predict import COLUMNS

        print_json([dict(zip(COLUMNS, row, strict=True)) for row in found.rows()])
    elif out is None:
        found.write_csv(sys.stdout)
    else:
        typer.echo(str(out))
