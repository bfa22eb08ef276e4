"""A phone over adb: the runtimes of the emulated device, run by the phone's own processor.

Everything goes to one folder below /data/local/tmp, checked there by its hash and removed at the end, also after a
failure. The programs bring arm64's C library and its dynamic linker, so that Android's own is not needed.
"""

import re
import shlex
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from factory.contracts.errors import DeviceError, FactoryError, MissingToolError, StorageError
from factory.contracts.files import says_no_space, sha256_file
from factory.devices.device import Answer, Question
from factory.devices.runtimes import RUNTIMES, runtime_of
from factory.devices.setups import SYSTEM, Setup
from factory.devices.ssh import one_line
from factory.devices.transcript import read_answer, read_transcript, require_success

SCHEME = "adb"
FOLDER = "/data/local/tmp"
_PREFIX = "smldist-"
_CONNECT_S, _PUSH_S, _RUN_S = 20, 300, 1800
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
    listed = _adb(["devices"], "listing phones", _CONNECT_S)
    return {found["serial"]: found["state"] for found in _SERIAL.finditer(listed.stdout)}


class AdbDevice:
    """One phone; see `Device`."""

    emulated = False

    def __init__(self, serial: str, setup: Setup) -> None:
        self.name = f"{SCHEME}:{serial}"
        self.facts: dict[str, str] = {}
        self._serial, self._setup = serial, setup
        self._folder = f"{FOLDER}/{_PREFIX}{uuid.uuid4().hex[:12]}"
        self._pushed: set[str] = set()

    def __enter__(self) -> Self:
        try:
            self._prepare()
        except BaseException:
            self._clean()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._clean()

    def runs(self, target: str) -> bool:
        """Whether the set-up has a runtime for a target's files."""
        return target in RUNTIMES

    def limits(self, target: str) -> str:
        """The target: it has the host's releases."""
        return target

    def ask(self, question: Question) -> Answer:
        """See `Device.ask`; instructions are not counted."""
        question.require_intact()
        runtime = runtime_of(question.artifact.target)
        version = self._setup.version(runtime)
        self._push_program(runtime.program)
        model, answers = f"model{question.path.suffix}", f"{self._folder}/logits.f32"
        self._push_bytes(runtime.flat(question.windows), "windows.f32")
        self._push(question.path, model)
        run = f"./ld-linux-aarch64.so.1 --library-path . ./{runtime.program} {model} windows.f32 logits.f32 0"
        said, code = self._shell(
            f"cd {self._folder} && {run} {question.timed}", f"running {question.path.name}", _RUN_S
        )
        require_success(code, said, str(question.path), self.name)
        logits = self._pull(answers)
        found = read_answer(said, logits, len(question.windows), version, self.name)
        times = read_transcript(said, self.name).latency_us
        return Answer(logits=found, runtime=version, latency_us=times)

    def _prepare(self) -> None:
        """It is there, is an arm64 phone, computes right, and nothing of an earlier run is left."""
        found = serials()
        if (state := found.get(self._serial)) != "device":
            seen = ", ".join(f"{serial} ({how})" for serial, how in found.items()) or "none"
            raise DeviceError(
                f"{self.name} is {state or 'not there'}, adb sees {seen}: connect it and allow USB debugging"
            )
        self.facts = self._ask_facts()
        if "arm64" not in self.facts.get("abi", ""):
            raise DeviceError(
                f"{self.name} is {self.facts.get('abi', 'unknown')}, expected arm64-v8a: take such a phone"
            )
        self._must(f"rm -rf {FOLDER}/{_PREFIX}* && mkdir -p {self._folder}", "making a folder")
        self._push_program("selftest")
        said, code = self._shell(
            f"cd {self._folder} && ./ld-linux-aarch64.so.1 --library-path . ./selftest", "its self-test", _CONNECT_S
        )
        if code:
            raise DeviceError(f"{self.name} fails its self-test ({one_line(said, 200)}): {_CHECK}")

    def _ask_facts(self) -> dict[str, str]:
        """Properties, thermal state and battery, where shown."""
        facts = {}
        for name, key in _PROPERTIES.items():
            if value := one_line(self._shell(f"getprop {key}", "asking what it is", _CONNECT_S)[0], 100):
                facts[name] = value
        heat, _ = self._shell("dumpsys thermalservice 2>/dev/null", "asking its temperature", _CONNECT_S)
        if found := _THERMAL.search(heat):
            facts["thermal_status"] = found.group(1)
        battery, _ = self._shell("dumpsys battery 2>/dev/null", "asking its battery", _CONNECT_S)
        facts |= {f"battery_{name}": value for name, value in _BATTERY.findall(battery)}
        return facts

    def _push_program(self, name: str) -> None:
        """A program and the libraries that it needs, once."""
        self._push(self._setup.program(name), name, executable=True)
        own = [file for runtime in RUNTIMES.values() if runtime.program == name for file in runtime.files]
        for library in (*SYSTEM, *own):
            self._push(self._setup.lib / library, library, executable=library.startswith("ld-"))

    def _push_bytes(self, content: bytes, name: str) -> None:
        with tempfile.TemporaryDirectory(prefix="smldist-adb-") as folder:
            path = Path(folder, name)
            path.write_bytes(content)
            self._push(path, name, again=True)

    def _push(self, path: Path, name: str, executable: bool = False, again: bool = False) -> None:
        """Copy a file and compare its hash there."""
        digest = sha256_file(path)
        if not again and digest + name in self._pushed:
            return
        there, what = f"{self._folder}/{name}", f"pushing {name}"
        done = _adb(["-s", self._serial, "push", str(path), there], what, _PUSH_S)
        if done.returncode:
            raise self._failure(what, done.stdout + done.stderr)
        said = self._must(f"sha256sum {there}" + (f" && chmod 755 {there}" if executable else ""), f"checking {name}")
        if said.split()[:1] != [digest]:
            raise DeviceError(f"{self.name}: {name} arrived damaged: {_CHECK}")
        self._pushed.add(digest + name)

    def _pull(self, there: str) -> bytes:
        what = f"pulling {there.rpartition('/')[2]}"
        with tempfile.TemporaryDirectory(prefix="smldist-adb-") as folder:
            here = Path(folder, "pulled")
            done = _adb(["-s", self._serial, "pull", there, str(here)], what, _PUSH_S)
            if done.returncode or not here.is_file():
                raise self._failure(what, done.stdout + done.stderr)
            return here.read_bytes()

    def _must(self, command: str, what: str) -> str:
        said, code = self._shell(command, what, _CONNECT_S)
        if code:
            raise self._failure(what, said)
        return said

    def _shell(self, command: str, what: str, seconds: int) -> tuple[str, int]:
        """What a command printed to either stream, and its exit code.

        The code is printed by the phone's shell as well, because a connection that breaks ends adb with any code.
        """
        wrapped = f"{{ {command}; }} 2>&1; code=$?; echo; echo exit $code"
        done = _adb(["-s", self._serial, "shell", wrapped], what, seconds)
        found = _DONE.search(done.stdout.replace("\r\n", "\n"))
        if found is None:
            raise self._failure(what, done.stdout + done.stderr)
        return done.stdout.replace("\r\n", "\n")[: found.start()], int(found.group(1))

    def _failure(self, what: str, said: str) -> FactoryError:
        reason = one_line(said, 200) or "it said nothing"
        if says_no_space(said):
            return StorageError(f"{self.name}: no space left while {what}: free some in {FOLDER}")
        return DeviceError(f"{self.name}: {what} failed ({reason}): {_CHECK}")

    def _clean(self) -> None:
        """Remove our folder; where the phone is gone, the next run does."""
        self._pushed.clear()
        try:
            self._shell(f"rm -rf {shlex.quote(self._folder)}", "tidying up", _CONNECT_S)
        except FactoryError:
            return


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
