"""An arm64 core under QEMU's user emulation: the runtimes that phones have, computing what phones compute.

It proves arithmetic and counts instructions; its time says nothing of a real core, so none is measured. Only the named
cores of profiles.py can be asked for: QEMU's default and 'max' have an int8 matrix extension that computes wrongly, and
a self-test with a known product refuses whatever has it.
"""

import os
import shutil
import statistics
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from factory.contracts.base import Contract
from factory.contracts.errors import DeviceError
from factory.contracts.files import storage_errors
from factory.devices.device import Answer, Question
from factory.devices.profiles import PROFILES, Profile
from factory.devices.runtimes import RUNTIMES, Runtime
from factory.devices.setups import Setup
from factory.devices.transcript import read_answer, require_success

SCHEME = "arm64"
COUNTED = 9
"""Inferences whose median is an artifact's count."""
_AGAIN = "make it again by factory devices setup and --force"
_LIMIT_S = 1800
_SELFTEST_S = 30
_MARKED = 1000
"""Instructions between two marks of the self-test, apart from what calls and marks (at most 30)."""


class SelfTest(Contract):
    """What programs/selftest.c prints."""

    dot_product: bool
    sme: bool
    sve: bool
    product: int
    expected: int


class EmulatedDevice:
    """One emulated core; see `Device`."""

    emulated = True

    def __init__(
        self, setup: Setup, profile: Profile, scheme: str = SCHEME, runtimes: Mapping[str, Runtime] = RUNTIMES
    ) -> None:
        self.name = f"{scheme}:{profile.name}"
        self._setup, self._profile, self._runtimes = setup, profile, runtimes
        self._folder: Path | None = None

    @property
    def facts(self) -> dict[str, str]:
        """Core, emulator and compiler."""
        return {
            "processor": self._profile.name,
            "emulator": f"QEMU {self._setup.record.emulator}",
            "compiler": self._setup.record.compiler,
        }

    def __enter__(self) -> Self:
        require_sound(self._setup, self._profile)
        with storage_errors(Path(tempfile.gettempdir())):
            self._folder = Path(tempfile.mkdtemp(prefix="smldist-arm64-"))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def runs(self, target: str) -> bool:
        """Whether the set-up has a runtime for a target's files."""
        return target in self._runtimes

    def limits(self, target: str) -> str:
        """See `Device.limits`: another release than the host's has limits of its own."""
        return self._runtimes[target].program if self._runtimes[target].release else target

    def ask(self, question: Question) -> Answer:
        """See `Device.ask`."""
        assert self._folder is not None, "ask inside a with-block"
        question.require_intact()
        runtime = self._runtimes[question.artifact.target]
        with tempfile.TemporaryDirectory(dir=self._folder) as name:
            folder = Path(name)
            with storage_errors(folder):
                (folder / "windows.f32").write_bytes(runtime.flat(question.windows))
                model = folder / f"model{question.path.suffix}"
                shutil.copyfile(question.path, model)
                (folder / "first.f32").write_bytes(runtime.flat(question.windows[:1]))
            said = self._run(
                folder, runtime.program, [model.name, "windows.f32", "logits.f32", "0", "0"], str(question.path)
            )
            version = self._setup.version(runtime)
            logits = read_answer(said, (folder / "logits.f32").read_bytes(), len(question.windows), version, self.name)
            counts = self._count(folder, runtime.program, model.name, question)
        return Answer(logits=logits, runtime=version, instructions=counts)

    def _count(self, folder: Path, program: str, model: str, question: Question) -> tuple[int, ...]:
        """Instructions of each counted inference of the first window."""
        if question.counted == 0:
            return ()
        arguments = [model, "first.f32", "counted.f32", str(question.counted), "0"]
        self._run(folder, program, arguments, str(question.path), counting=True)
        return marked((folder / "counts.txt").read_text("ascii"), question.counted, self.name)

    def _run(self, folder: Path, program: str, arguments: Sequence[str], what: str, counting: bool = False) -> str:
        done = emulate(self._setup, self._profile, program, arguments, folder, _LIMIT_S, counting)
        said = (done.stderr.strip().splitlines() or ["it printed nothing"])[-1]
        require_success(done.returncode, said, what, self.name)
        return done.stdout


def emulate(
    setup: Setup,
    profile: Profile,
    program: str,
    arguments: Sequence[str],
    folder: Path,
    seconds: float,
    counting: bool = False,
) -> subprocess.CompletedProcess[str]:
    """Run a program of the set-up on a named core; the one place that starts the emulator.

    Names inside `folder`, an empty environment and a fixed seed keep the program's memory, and with it the counts, the
    same wherever set-up and folder lie.

    Args:
        setup: Finished.
        profile: A named core; there is no other way to say which.
        program: In the set-up's bin/.
        arguments: For the program.
        folder: Where it runs.
        seconds: Limit.
        counting: Write counts.txt.

    Raises:
        DeviceError: It did not end in time, or the emulator is gone.
    """
    for name, target in (("lib", setup.lib), ("program", setup.program(program))):
        link = folder / name
        link.unlink(missing_ok=True)
        link.symlink_to(target)
    command = ["qemu-aarch64", "-cpu", PROFILES[profile.name].name, "-L", str(setup.root(profile.name)), "-seed", "1"]
    if counting:
        command += ["-plugin", str(setup.plugin), "-d", "plugin", "-D", "counts.txt"]
    command += ["-E", "LD_LIBRARY_PATH=lib", "./program", *arguments]
    try:
        return subprocess.run(
            command,
            cwd=folder,
            env={"PATH": os.environ.get("PATH", os.defpath)},
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise DeviceError(
            f"arm64:{profile.name}: {program} took more than {seconds:.0f} s: ask fewer windows"
        ) from error
    except OSError as error:
        raise DeviceError(f"arm64:{profile.name}: qemu-aarch64 does not start ({error}): {_AGAIN}") from error


def require_cores(setup: Setup) -> None:
    """Every core's self-test.

    Raises:
        DeviceError: As `require_sound`.
    """
    for profile in PROFILES.values():
        require_sound(setup, profile)


def require_sound(setup: Setup, profile: Profile) -> None:
    """Refuse an emulator that computes or counts wrongly.

    Raises:
        DeviceError: Says what it found and what was expected.
    """
    with tempfile.TemporaryDirectory(prefix="smldist-arm64-") as name:
        folder = Path(name)
        done = emulate(setup, profile, "selftest", [], folder, _SELFTEST_S, counting=True)
        where = f"arm64:{profile.name} under QEMU {setup.record.emulator}"
        remedy = f"install Debian's qemu-user 7.2 or newer, then {_AGAIN}"
        try:
            found = SelfTest.model_validate_json(done.stdout)
        except ValueError as error:
            said = " ".join((done.stderr or done.stdout).split())[-200:]
            raise DeviceError(f"{where} does not run its self-test ({said}): {remedy}") from error
        judge_selftest(found, profile, where, remedy)
        counts = marked((folder / "counts.txt").read_text("ascii"), 1, where)
    if not _MARKED <= counts[0] <= _MARKED + 30:
        raise DeviceError(f"{where} counts {counts[0]} instructions, expected {_MARKED}: {remedy}")


def judge_selftest(found: SelfTest, profile: Profile, where: str, remedy: str) -> None:
    """Whether the core is the one that was asked for and multiplies int8 right.

    Raises:
        DeviceError: It is not, or does not.
    """
    if found.sme or found.sve:
        raise DeviceError(f"{where} shows SME or SVE, which {profile.name} has not and QEMU computes wrongly: {remedy}")
    if found.dot_product != profile.dot_product:
        has = "has" if found.dot_product else "lacks"
        raise DeviceError(f"{where} {has} the int8 dot product, {profile.name} does not: {remedy}")
    if found.product != found.expected:
        raise DeviceError(f"{where} says an int8 product is {found.product}, expected {found.expected}: {remedy}")


def marked(text: str, times: int, where: str) -> tuple[int, ...]:
    """Instructions of each marked inference, what marking costs taken off.

    Args:
        text: What the counting plug-in wrote: one count up to each mark.
        times: Marked inferences.
        where: For messages.

    Raises:
        DeviceError: Another number of counts, or a program of several threads, whose counts differ in every run.
    """
    lines = text.split()
    if "threads" in lines:
        raise DeviceError(f"{where} ran the runtime in several threads, expected one: its instructions are not counted")
    if len(lines) != times + 2 or not all(line.isdigit() for line in lines):
        raise DeviceError(f"{where} wrote {len(lines)} counts, expected {times + 2}: {_AGAIN}")
    _, empty, *counts = (int(line) for line in lines)
    return tuple(count - empty for count in counts)


def typical(counts: Sequence[int]) -> int | None:
    """The median count, rounded down; None where nothing was counted."""
    return statistics.median_low(counts) if counts else None
