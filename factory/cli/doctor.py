"""`factory doctor`: what is installed, what each target needs, which recordings are found."""

import platform
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Annotated

import typer

from factory.cli._options import CacheOption, DataOption, JsonOption
from factory.cli._output import print_json
from factory.contracts.errors import FactoryError, MissingToolError

_DEFAULT_TARGET = "tflite"
_PIN = re.compile(r"^(?P<package>[A-Za-z0-9_.-]+)==(?P<pinned>[^;\s]+)")


class Installable(StrEnum):
    """What doctor can set up."""

    CROSSCHECK = "crosscheck"


class State(StrEnum):
    """Of one line."""

    OK = "ok"
    MISSING = "missing"
    DIFFERS = "differs"


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One thing looked at.

    Attributes:
        group: system, package, target, recordings or cache.
        name: Of the thing.
        state: What was found.
        detail: Version, place or remedy.
    """

    group: str
    name: str
    state: State
    detail: str


def doctor(
    install: Annotated[
        Installable | None, typer.Option("--install", help="Make an environment of its own for this tool, first.")
    ] = None,
    data: DataOption = None,
    cache: CacheOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what is installed and what is missing. Exit code 5 if the TFLite target cannot be built.

    Example: factory doctor --data ~/har
    """
    if install is Installable.CROSSCHECK:
        from exporters.tflite.crosscheck import crosscheck_environment, install_crosscheck

        typer.echo(f"installing litert-torch into {crosscheck_environment()}, some 7 GB ...", err=True)
        install_crosscheck(crosscheck_environment())
    from factory.pipeline.request import cache_folder

    lines = [*_system(), *_packages(), *_targets(), _crosscheck(), *_recordings(data), _cache(cache_folder(cache))]
    if as_json:
        print_json([asdict(line) for line in lines])
    else:
        _print(lines)
    unusable = [line for line in lines if (line.group, line.name) == ("target", _DEFAULT_TARGET)]
    if any(line.state is not State.OK for line in unusable):
        raise MissingToolError(f"the default target cannot be built: {unusable[0].detail}")


def _system() -> Iterator[Line]:
    from factory.devices.host import choose_device, machine

    yield Line(group="system", name="machine", state=State.OK, detail=machine())
    right = platform.python_version_tuple()[:2] == ("3", "11")
    detail = platform.python_version() + ("" if right else ", expected 3.11: make the environment with it")
    yield Line(group="system", name="python", state=State.OK if right else State.DIFFERS, detail=detail)
    try:
        yield Line(group="system", name="device", state=State.OK, detail=f"training on {choose_device('auto')}")
    except ModuleNotFoundError:
        remedy = "torch is not installed: pip install 'smldist-factory[train]'"
        yield Line(group="system", name="device", state=State.MISSING, detail=remedy)


def _packages() -> Iterator[Line]:
    """Every pinned package: its version against the pin."""
    pins = {
        match["package"]: match["pinned"] for text in requires("smldist-factory") or () if (match := _PIN.match(text))
    }
    for package, pinned in sorted(pins.items()):
        try:
            found = version(package)
        except PackageNotFoundError:
            yield Line(group="package", name=package, state=State.MISSING, detail=f"expected {pinned}")
            continue
        same = found == pinned
        detail = found if same else f"{found}, tested with {pinned}"
        yield Line(group="package", name=package, state=State.OK if same else State.DIFFERS, detail=detail)


def _targets() -> Iterator[Line]:
    from exporters.registry import targets

    for target in targets():
        if target.missing:
            detail = f"needs {', '.join(target.missing)}: {target.install}"
            yield Line(group="target", name=target.name, state=State.MISSING, detail=detail)
        else:
            yield Line(group="target", name=target.name, state=State.OK, detail="can be exported and verified here")


def _crosscheck() -> Line:
    from exporters.tflite.crosscheck import INSTALL, crosscheck_environment, installed

    place = crosscheck_environment()
    if installed(place):
        return Line(group="target", name="crosscheck", state=State.OK, detail=f"litert-torch in {place}")
    return Line(group="target", name="crosscheck", state=State.MISSING, detail=f"second converter, optional: {INSTALL}")


def _recordings(folder: Path | None) -> Iterator[Line]:
    from factory.data.sources import SOURCES, open_source

    for name in SOURCES:
        if name == "table":
            continue
        try:
            files = open_source(name).files(folder)
        except FactoryError as error:
            yield Line(group="recordings", name=name, state=State.MISSING, detail=str(error))
        else:
            yield Line(group="recordings", name=name, state=State.OK, detail=f"{len(files)} files")


def _cache(folder: Path) -> Line:
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else 0
    return Line(group="cache", name="windows", state=State.OK, detail=f"{folder}, {size / 1e6:.1f} MB")


def _print(lines: list[Line]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    colours = {State.OK: "green", State.MISSING: "yellow", State.DIFFERS: "yellow"}
    table = Table("", "what", "state", "detail")
    group = ""
    for line in lines:
        if line.group != group:
            table.add_section()
        table.add_row(
            "" if line.group == group else line.group,
            line.name,
            Text(line.state, colours[line.state]),
            Text(line.detail),
        )
        group = line.group
    Console().print(table)
