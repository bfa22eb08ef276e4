"""What is installed, what each target needs, which recordings are found: `factory doctor`."""

import platform
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from factory.contracts.errors import FactoryError

_PIN = re.compile(r"^(?P<package>[A-Za-z0-9_.-]+)==(?P<pinned>[^;\s]+)")


class State(StrEnum):
    """Of one entry."""

    OK = "ok"
    MISSING = "missing"
    DIFFERS = "differs"


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
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


def take_inventory(data: Path | None, cache: Path) -> list[Entry]:
    """Look at this machine; nothing heavy but torch is imported.

    Args:
        data: Folder of the official data sets.
        cache: Folder of prepared windows.
    """
    return [*_system(), *_packages(), *_targets(), _crosscheck(), *_recordings(data), _cache(cache)]


def _system() -> Iterator[Entry]:
    from factory.devices.host import choose_device, machine

    yield Entry(group="system", name="machine", state=State.OK, detail=machine())
    right = platform.python_version_tuple()[:2] == ("3", "11")
    detail = platform.python_version() + ("" if right else ", expected 3.11: make the environment with it")
    yield Entry(group="system", name="python", state=State.OK if right else State.DIFFERS, detail=detail)
    try:
        yield Entry(group="system", name="device", state=State.OK, detail=f"training on {choose_device('auto')}")
    except ModuleNotFoundError:
        remedy = "torch is not installed: pip install 'smldist-factory[train]'"
        yield Entry(group="system", name="device", state=State.MISSING, detail=remedy)


def _packages() -> Iterator[Entry]:
    """Every pinned package: its version against the pin."""
    pins = {
        match["package"]: match["pinned"] for text in requires("smldist-factory") or () if (match := _PIN.match(text))
    }
    for package, pinned in sorted(pins.items()):
        try:
            found = version(package)
        except PackageNotFoundError:
            yield Entry(group="package", name=package, state=State.MISSING, detail=f"expected {pinned}")
            continue
        same = found == pinned
        detail = found if same else f"{found}, tested with {pinned}"
        yield Entry(group="package", name=package, state=State.OK if same else State.DIFFERS, detail=detail)


def _targets() -> Iterator[Entry]:
    from exporters.registry import targets

    for target in targets():
        if target.missing:
            detail = f"needs {', '.join(target.missing)}: {target.install}"
            yield Entry(group="target", name=target.name, state=State.MISSING, detail=detail)
        else:
            yield Entry(group="target", name=target.name, state=State.OK, detail="can be exported and verified here")


def _crosscheck() -> Entry:
    from exporters.tflite.crosscheck import INSTALL, crosscheck_environment, installed

    place = crosscheck_environment()
    if installed(place):
        return Entry(group="target", name="crosscheck", state=State.OK, detail=f"litert-torch in {place}")
    return Entry(
        group="target", name="crosscheck", state=State.MISSING, detail=f"second converter, optional: {INSTALL}"
    )


def _recordings(folder: Path | None) -> Iterator[Entry]:
    from factory.data.sources import SOURCES, open_source

    for name in SOURCES:
        if name == "table":
            continue
        try:
            files = open_source(name).files(folder)
        except FactoryError as error:
            yield Entry(group="recordings", name=name, state=State.MISSING, detail=str(error))
        else:
            yield Entry(group="recordings", name=name, state=State.OK, detail=f"{len(files)} files")


def _cache(folder: Path) -> Entry:
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else 0
    return Entry(group="cache", name="windows", state=State.OK, detail=f"{folder}, {size / 1e6:.1f} MB")
