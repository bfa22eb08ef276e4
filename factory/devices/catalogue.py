"""Devices by the names that the command line takes, and which of them are here."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from factory.contracts.errors import FactoryError, RecipeError
from factory.devices.adb import SCHEME as ADB
from factory.devices.adb import phone, serials
from factory.devices.android_setup import ANDROID_RUNTIMES, android
from factory.devices.arm64 import SCHEME as ARM64
from factory.devices.arm64 import EmulatedDevice
from factory.devices.arm64_setup import arm64
from factory.devices.device import Device
from factory.devices.host import machine
from factory.devices.host_device import NAME as HOST
from factory.devices.host_device import HostDevice, OpenRunner
from factory.devices.profiles import PROFILES
from factory.devices.runtimes import RUNTIMES
from factory.devices.setups import INSTALL, Kind, find, missing_tools, require
from factory.devices.ssh import parse_url
from factory.devices.ssh_device import SCHEME as SSH
from factory.devices.ssh_device import board

ANDROID = "android"
ADB_INSTALL = "apt-get install adb"
NAMES = f"{HOST}, {ARM64}, {', '.join(f'{ARM64}:{name}' for name in PROFILES)}, {ANDROID}, {ADB}:SERIAL, {SSH}://[user@]host[:port]"


@dataclass(frozen=True, kw_only=True, slots=True)
class Listed:
    """One device, here or not.

    Attributes:
        name: For --device.
        ready: Whether artifacts can be run on it now.
        detail: What it is, or what it needs.
        install: The command that brings what is missing; empty where nothing is.
    """

    name: str
    ready: bool
    detail: str
    install: str = ""


def require_name(name: str) -> None:
    """Refuse, before anything is built, a name that no device has.

    Raises:
        RecipeError: Lists the names there are.
    """
    kind, _, rest = name.partition(":")
    if kind == SSH:
        parse_url(name)
        return
    emulated = kind in (ARM64, ANDROID) and rest in ("", *PROFILES)
    if not (name == HOST or emulated or (kind == ADB and rest)):
        raise RecipeError(f"no device '{name}': choose one of {NAMES}")


def open_devices(name: str, cache: Path, open_runner: OpenRunner) -> tuple[Device, ...]:
    """The devices of a name, not prepared yet; 'arm64' and 'android' stand for every core.

    Args:
        name: As the command line takes it.
        cache: Where set-ups lie.
        open_runner: Of this host.

    Raises:
        RecipeError: No such device.
        MissingToolError: It needs a set-up or a tool that is not here.
        ArtifactError: A file of the set-up was changed.
    """
    require_name(name)
    kind, _, rest = name.partition(":")
    if kind == HOST:
        return (HostDevice(open_runner),)
    setup = require(android() if kind == ANDROID else arm64(), cache)
    if kind == ADB:
        return (phone(rest, setup),)
    if kind == SSH:
        return (board(name, setup),)
    runtimes = ANDROID_RUNTIMES if kind == ANDROID else RUNTIMES
    cores = [profile for profile in PROFILES.values() if rest in ("", profile.name)]
    return tuple(EmulatedDevice(setup, core, kind, runtimes) for core in cores)


def list_devices(cache: Path) -> list[Listed]:
    """Every device that is here or could be; nothing is started on any."""
    emulated = [line for kind in (arm64(), android()) for line in _emulated(kind, cache)]
    return [Listed(name=HOST, ready=True, detail=machine()), *emulated, *_phones(cache), _board(cache)]


def _emulated(kind: Kind, cache: Path) -> Iterator[Listed]:
    missing, setup, broken = missing_tools(), None, ""
    try:
        setup = find(kind, cache)
    except FactoryError as error:
        broken = str(error)
    for profile in PROFILES.values():
        name = f"{kind.name}:{profile.name}"
        if missing:
            yield Listed(
                name=name, ready=False, detail=f"{', '.join(missing)} missing", install=f"{INSTALL} && {kind.command}"
            )
        elif setup is None:
            yield Listed(name=name, ready=False, detail=broken or "not set up", install=kind.command)
        else:
            library = "; Android's own library" if kind.name == ANDROID else ""
            yield Listed(name=name, ready=True, detail=f"QEMU {setup.record.emulator}; {profile.why}{library}")


def _phones(cache: Path) -> Iterator[Listed]:
    if shutil.which("adb") is None:
        yield Listed(name=f"{ADB}:SERIAL", ready=False, detail="adb is missing", install=ADB_INSTALL)
        return
    found = serials()
    if not found:
        yield Listed(name=f"{ADB}:SERIAL", ready=False, detail="no phone: connect one with USB debugging on")
    ready = not missing_tools() and find(arm64(), cache) is not None
    for serial, state in found.items():
        detail = {"device": "connected", "unauthorized": "allow USB debugging on its screen"}.get(state, state)
        install = "" if ready else arm64().command
        yield Listed(name=f"{ADB}:{serial}", ready=ready and state == "device", detail=detail, install=install)


def _board(cache: Path) -> Listed:
    """Whether there is one is not asked: that takes its name."""
    ready = not missing_tools() and find(arm64(), cache) is not None
    return Listed(
        name=f"{SSH}://[user@]host",
        ready=ready,
        detail="a 64-bit ARM board, such as a Raspberry Pi; a Jetson's engines: --board",
        install="" if ready else arm64().command,
    )
