"""Options that several commands share. Only the standard library and Typer, so that `--help` stays fast."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Device(StrEnum):
    """Processors that train."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"
    MPS = "mps"


class Engine(StrEnum):
    """What trains many networks at once."""

    LOCAL = "local"
    RAY = "ray"


RecipeArgument = Annotated[
    str, typer.Argument(help="A shipped recipe's name (factory recipes) or the path of a TOML file.")
]
BuildArgument = Annotated[Path, typer.Argument(help="A folder that `factory build` wrote.", show_default=False)]
DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data",
        envvar="FACTORY_DATA",
        help="Folder of the official data sets (factory data fetch).",
        show_default=False,
    ),
]
OutOption = Annotated[
    Path | None, typer.Option("--out", help="Build folder. Default: build/<recipe name>.", show_default=False)
]
CacheOption = Annotated[
    Path | None,
    typer.Option(
        "--cache", envvar="FACTORY_CACHE", help="Cache of prepared windows. Default: the user's.", show_default=False
    ),
]
BOARD_SCHEME = "ssh://"


def _processor(text: str) -> str:
    """A processor; click turns the error into exit code 2."""
    if text.startswith(BOARD_SCHEME):
        raise typer.BadParameter(
            f"--device is the processor that trains: verify on a board by --verify-on {text}, build a Jetson's engines "
            f"by --board {text}"
        )
    if text.partition(":")[0] in ("arm64", "adb"):
        raise typer.BadParameter(f"--device is the processor that trains; verify on another by --verify-on {text}")
    if text not in tuple(Device):
        raise typer.BadParameter(f"'{text}' is none of {', '.join(Device)}")
    return text


DeviceOption = Annotated[
    str, typer.Option("--device", callback=_processor, help="Processor that trains: auto, cpu, cuda or mps.")
]
DevicesOption = Annotated[
    int,
    typer.Option(
        "--devices",
        min=1,
        help="How many processors of that kind train each network together, a process each; the model stays the same, "
        "up to rounding.",
    ),
]


def _board(text: str | None) -> str | None:
    if text is None or text.startswith(BOARD_SCHEME):
        return text
    raise typer.BadParameter(f"'{text}' is not ssh://[user@]host[:port]")


BoardOption = Annotated[
    str | None,
    typer.Option(
        "--board",
        callback=_board,
        help="A board, ssh://[user@]host[:port], that builds and measures the engines of target jetson.",
        show_default=False,
    ),
]
VerifyOnOption = Annotated[
    str,
    typer.Option(
        "--verify-on",
        help="Device that answers the files too: arm64 (emulated), adb:SERIAL, ssh://[user@]host; auto: arm64 if set "
        "up; none. factory devices lists them.",
    ),
]
VerifierOption = Annotated[
    str | None,
    typer.Option(
        "--device",
        help="Another processor that answers the files too: arm64, arm64:cortex-a76, adb:SERIAL, ssh://[user@]host "
        "(factory devices).",
        show_default=False,
    ),
]
EngineOption = Annotated[Engine, typer.Option("--engine", help="local, or ray: a cluster.")]
AddressOption = Annotated[
    str | None,
    typer.Option("--address", help="Of the Ray cluster, auto or HOST:PORT. Default: one here.", show_default=False),
]
ForceOption = Annotated[bool, typer.Option("--force", help="Replace a build of another recipe in the build folder.")]
SeedOption = Annotated[
    int | None, typer.Option("--seed", min=0, max=2**31 - 1, help="Replaces the recipe's seed.", show_default=False)
]
TargetOption = Annotated[
    list[str],
    typer.Option(
        "--target",
        help="What to export for; may be repeated. 'all': whatever is installed (factory doctor lists them); "
        "'android': a phone's targets, and the folder that an app ships.",
    ),
]
ExplainOption = Annotated[
    bool,
    typer.Option(
        "--explain",
        help="Measure how far the teacher leads the student on validation people, say what gain that promises and what "
        "would raise it, and stop there.",
    ),
]
TensorBoardOption = Annotated[
    bool, typer.Option("--tensorboard", help="Write TensorBoard events beside each network while it trains.")
]
MinutesOption = Annotated[
    float | None,
    typer.Option(
        "--minutes",
        min=0.01,
        help="For all trainings together, about: epochs are cut to what this machine trains in that time.",
        show_default=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Machine-readable result on stdout, no progress.")]
RecordingArgument = Annotated[Path, typer.Argument(help="One file: CSV, Parquet or .xlsx.", show_default=False)]
DescriptionOption = Annotated[
    Path | None,
    typer.Option(
        "--description",
        help="data.toml of files of this layout (factory init). Default: columns are named as the contract's.",
        show_default=False,
    ),
]
UnitOption = Annotated[
    list[str] | None,
    typer.Option(
        "--unit", help="QUANTITY=UNIT where it is not the contract's, as accelerometer=g.", show_default=False
    ),
]
TimeOption = Annotated[str, typer.Option("--time", help="Column of time stamps in seconds.")]


def units_of(given: list[str] | None) -> dict[str, str]:
    """Quantity to unit; click turns the error into exit code 2."""
    units = {}
    for text in given or ():
        name, sign, unit = text.partition("=")
        if not (name and sign and unit):
            raise typer.BadParameter(f"'{text}' is not QUANTITY=UNIT", param_hint="--unit")
        units[name] = unit
    return units
