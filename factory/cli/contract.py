"""`factory contract check MODEL RECORDING`: can this model be fed with that?"""

from pathlib import Path
from typing import Annotated

import typer

import factory
from factory.cli._options import DescriptionOption, JsonOption, RecordingArgument, TimeOption, UnitOption, units_of
from factory.cli._output import print_doubts, print_json

app = typer.Typer(help="What a model must be fed.", no_args_is_help=True)


@app.command("check")
def check(
    model: Annotated[
        Path, typer.Argument(help="A pulled folder, a build, a contract.json or a model file.", show_default=False)
    ],
    recording: RecordingArgument,
    description: DescriptionOption = None,
    unit: UnitOption = None,
    time: TimeOption = "time_s",
    as_json: JsonOption = False,
) -> None:
    """Say whether a recording is what a model's contract asks for, and what differs if it is not (exit code 4).

    Example: factory contract check app recording.csv
    """
    from factory.cli._progress import make_progress

    found = factory.check_recording(
        model, recording, description=description, units=units_of(unit), time=time, progress=make_progress(as_json)
    )
    if as_json:
        print_json({"recording": str(recording), "windows": found.windows, "doubts": found.doubts})
    else:
        typer.echo(f"{recording} is what the model takes: {found.windows} windows")
        print_doubts(found.doubts)
