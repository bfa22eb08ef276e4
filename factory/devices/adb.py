"""A phone over adb; how runtimes and files get there and what is asked stands in pushed.py."""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from factory.contracts.errors import DeviceError, MissingToolError
from factory.devices.pushed import CONNECT_S, PushedDevice, failure
from factory.devices.setups import Setup
from factory.devices.ssh import one_line

SCHEME = "adb"
FOLDER = "/data/local/tmp"
_PUSH_S = 300
_PROPERTIES = {
    "model": "ro.product.model",
    "android": "ro.build.version.release",
    "sdk": "ro.build.version.sdk",
    "abi": "ro.product.cpu.abi",
    "chip": "ro.soc.model",
}
_SERIAL = re.compile(r"^(?P<serial>\S+)\s+(?P<state>device|offline|unauthorized|no permissions)\b", re.MULTILINE)
_DONE = re.compile(r"\nexit (\d+)\s*$")
_THERMAL = re.compile(r"Thermal Status:\s*(\d+)")
_BATTERY = re.compile(r"^\s*(level|temperature|status):\s*(-?\d+)", re.MULTILINE)
_CHECK = f"look at the phone and its cable, then run again; what was left in {FOLDER} goes with the next run"


def serials() -> dict[str, str]:
    """Serial numbers of the phones that adb sees, and their state.

    Raises:
        MissingToolError: adb is not installed.
        DeviceError: It hangs.
    """
    listed = _adb(["devices"], "listing phones", CONNECT_S)
    return {found["serial"]: found["state"] for found in _SERIAL.finditer(listed.stdout)}


def phone(serial: str, setup: Setup) -> PushedDevice:
    """The phone of a serial number, not connected yet."""
    return PushedDevice(AdbLink(serial), setup)


class AdbLink:
    """One phone; see `Link`."""

    store, prefix, remedy = FOLDER, "smldist-", _CHECK

    def __init__(self, serial: str) -> None:
        self.name = f"{SCHEME}:{serial}"
        self._serial = serial

    def open(self) -> None:
        """The connection is adb's own; the phone must be one that it may talk to."""
        found = serials()
        if (state := found.get(self._serial)) != "device":
            seen = ", ".join(f"{serial} ({how})" for serial, how in found.items()) or "none"
            raise DeviceError(
                f"{self.name} is {state or 'not there'}, adb sees {seen}: connect it and allow USB debugging"
            )

    def close(self) -> None:
        """Nothing is held."""

    def facts(self) -> dict[str, str]:
        """Properties, thermal state and battery, where shown."""
        facts = {}
        for name, key in _PROPERTIES.items():
            if value := one_line(self.shell(f"getprop {key}", "asking what it is", CONNECT_S)[0], 100):
                facts[name] = value
        heat, _ = self.shell("dumpsys thermalservice 2>/dev/null", "asking its temperature", CONNECT_S)
        if found := _THERMAL.search(heat):
            facts["thermal_status"] = found.group(1)
        battery, _ = self.shell("dumpsys battery 2>/dev/null", "asking its battery", CONNECT_S)
        facts |= {f"battery_{name}": value for name, value in _BATTERY.findall(battery)}
        if "arm64" not in facts.get("abi", ""):
            raise DeviceError(f"{self.name} is {facts.get('abi', 'unknown')}, expected arm64-v8a: take such a phone")
        return facts

    def shell(self, command: str, what: str, seconds: int) -> tuple[str, int]:
        """See `Link.shell`. The code is printed by the phone's shell, too: a broken connection ends adb with any."""
        wrapped = f"{{ {command}; }} 2>&1; code=$?; echo; echo exit $code"
        done = _adb(["-s", self._serial, "shell", wrapped], what, seconds)
        found = _DONE.search(done.stdout.replace("\r\n", "\n"))
        if found is None:
            raise failure(self, what, done.stdout + done.stderr)
        return done.stdout.replace("\r\n", "\n")[: found.start()], int(found.group(1))

    def push(self, path: Path, there: str, what: str) -> None:
        """See `Link.push`."""
        done = _adb(["-s", self._serial, "push", str(path), there], what, _PUSH_S)
        if done.returncode:
            raise failure(self, what, done.stdout + done.stderr)

    def pull(self, there: str, what: str) -> bytes:
        """See `Link.pull`."""
        with tempfile.TemporaryDirectory(prefix="smldist-adb-") as folder:
            here = Path(folder, "pulled")
            done = _adb(["-s", self._serial, "pull", there, str(here)], what, _PUSH_S)
            if done.returncode or not here.is_file():
                raise failure(self, what, done.stdout + done.stderr)
            return here.read_bytes()


def _adb(arguments: Sequence[str], what: str, seconds: int) -> "subprocess.CompletedProcess[str]":
    tool = shutil.which("adb")
    if tool is None:
        raise MissingToolError("adb is missing: apt-get install adb")
    try:
        return subprocess.run(
            [tool, *arguments], capture_output=True, text=True, errors="replace", timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise DeviceError(f"adb took more than {seconds} s for {what}: {_CHECK}") from error
