"""Options that several commands share. Only the standard library and Typer, so that `--help` stays fast."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Device(StrEnum):
    """Where training runs."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"
    MPS = "mps"


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
DeviceOption = Annotated[Device, typer.Option("--device", help="Where to train.")]


BOARD_SCHEME = "ssh://"


def _place(text: str) -> str:
    """A training device or a board; click turns the error into exit code 2."""
    if text in tuple(Device) or text.startswith(BOARD_SCHEME):
        return text
    raise typer.BadParameter(f"'{text}' is neither {', '.join(Device)} nor ssh://[user@]host[:port]")


PlaceOption = Annotated[
    str,
    typer.Option(
        "--device",
        callback=_place,
        help="Where to train: auto, cpu, cuda or mps. Or a board, ssh://[user@]host[:port]: it builds and measures the "
        "engines of target jetson, and training runs on auto.",
    ),
]


def _board(text: str | None) -> str | None:
    if text is None or text.startswith(BOARD_SCHEME):
        return text
    raise typer.BadParameter(f"'{text}' is not ssh://[user@]host[:port]")


BoardOption = Annotated[
    str | None,
    typer.Option(
        "--device",
        callback=_board,
        help="A board, ssh://[user@]host[:port], that builds and measures the engines of target jetson.",
        show_default=False,
    ),
]
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
TensorBoardOption = Annotated[
    bool, typer.Option("--tensorboard", help="Write TensorBoard events beside each network while it trains.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Machine-readable result on stdout, no progress.")]


def cache_folder(chosen: Path | None) -> Path:
    """Where prepared windows are kept: `chosen`, or the user's cache folder."""
    if chosen is not None:
        return chosen
    import platformdirs

    return Path(platformdirs.user_cache_dir("smldist-factory"))
