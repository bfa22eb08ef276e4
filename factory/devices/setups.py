"""What set-ups of emulated devices share: a folder that is whole or not there, tools, libraries, cores, a record."""

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from factory.contracts.base import Contract
from factory.contracts.errors import ArtifactError, MissingToolError
from factory.contracts.files import sha256_file, storage_errors
from factory.contracts.stored import read_json, write_json
from factory.devices.profiles import PROFILES
from factory.devices.runtimes import PROGRAMS, Runtime

PACKAGES = {"qemu-aarch64": "qemu-user", "aarch64-linux-gnu-g++": "g++-aarch64-linux-gnu", "cc": "gcc"}
"""Programs that are needed, and Debian's packages of them."""
INSTALL = f"apt-get install {' '.join(PACKAGES.values())}"
EMULATOR, COMPILER, C_COMPILER = "qemu-aarch64", "aarch64-linux-gnu-g++", "aarch64-linux-gnu-gcc"
SYSTEM = (
    "ld-linux-aarch64.so.1",
    "libc.so.6",
    "libm.so.6",
    "libgcc_s.so.1",
    "libstdc++.so.6",
    "libpthread.so.0",
    "libdl.so.2",
    "librt.so.1",
)
"""Of the cross-compiler: Debian's arm64 C and C++ libraries."""
_LAYOUT = 1
"""Raise it when what is made of the same sources changes."""
_COMPILE_S = 120
_RECORD, _PREFIX = "setup.json", ".making-"


class SetupRecord(Contract):
    """setup.json."""

    key: str
    emulator: str
    compiler: str
    versions: dict[str, str]
    files: dict[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Setup:
    """A finished set-up.

    Attributes:
        folder: Where it lies.
        record: What it is made of.
    """

    folder: Path
    record: SetupRecord

    @property
    def lib(self) -> Path:
        """Every library a program needs, arm64's C library among them."""
        return self.folder / "lib"

    @property
    def plugin(self) -> Path:
        """Counts instructions."""
        return self.folder / "count.so"

    def program(self, name: str) -> Path:
        """A program for arm64."""
        return self.folder / "bin" / name

    def root(self, profile: str) -> Path:
        """What stands for / of one core."""
        return self.folder / "cpu" / profile

    def version(self, runtime: Runtime) -> str:
        """Title and version, for example 'LiteRT 2.3.0'."""
        return runtime.titled(self.record.versions[runtime.package])


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """One kind of set-up.

    Attributes:
        name: Of its folder in the cache and of its devices.
        made_of: Whatever decides it beside tools and programs.
        fill: Makes lib/ and bin/ in a folder that has both; returns versions by package.
    """

    name: str
    made_of: str
    fill: Callable[[Path], dict[str, str]]

    @property
    def command(self) -> str:
        """What makes it."""
        return f"factory devices setup {self.name}"

    def place(self, cache: Path) -> Path:
        """Where it lies, made or not."""
        return cache / self.name / _key(self.made_of)


def missing_tools() -> tuple[str, ...]:
    """Debian packages that are needed and not there."""
    return tuple(package for tool, package in PACKAGES.items() if shutil.which(tool) is None)


def find(kind: Kind, cache: Path) -> Setup | None:
    """The set-up of this version of the project and of these tools, if it was made."""
    if missing_tools():
        return None
    folder = kind.place(cache)
    if not (folder / _RECORD).is_file():
        return None
    return Setup(folder=folder, record=read_json(SetupRecord, folder / _RECORD, f"{kind.command} --force"))


def require(kind: Kind, cache: Path) -> Setup:
    """As `find`, every file compared with its hash.

    Raises:
        MissingToolError: It was not made; names the command.
        ArtifactError: A file of it was changed.
    """
    require_tools(kind.name)
    found = find(kind, cache)
    if found is None:
        raise MissingToolError(f"the emulated {kind.name} device is not set up in {cache}: {kind.command}")
    for path, digest in found.record.files.items():
        file = found.folder / path
        if not file.is_file() or sha256_file(file) != digest:
            raise ArtifactError(f"{file} is missing or was changed: {kind.command} --force")
    return found


def require_tools(name: str) -> None:
    """Refuse to go on without emulator and compilers.

    Raises:
        MissingToolError: Names the packages.
    """
    if missing := missing_tools():
        raise MissingToolError(f"{name} needs {', '.join(missing)}: apt-get install {' '.join(missing)}")


def make(kind: Kind, cache: Path, check: Callable[[Setup], None], force: bool = False) -> Setup:
    """Make a set-up whole or not at all, unless it is there.

    Args:
        kind: Which.
        cache: The cache's folder.
        check: The self-test; a set-up that fails it is not kept.
        force: Make it anew.

    Raises:
        MissingToolError: A tool is missing, a registry cannot be reached, or something does not compile.
        ArtifactError: A download is not the one that is locked.
        StorageError: The cache is full or not writable.
    """
    require_tools(kind.name)
    folder = kind.place(cache)
    with storage_errors(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.parent / ".lock"):
            found = None if force else find(kind, cache)
            if found is not None:
                return found
            with _temporary(folder.parent) as making:
                made = Setup(folder=making, record=_fill(kind, making))
                check(made)
                shutil.rmtree(folder, ignore_errors=True)
                making.rename(folder)
            return Setup(folder=folder, record=made.record)


def run_step(command: Sequence[str], what: str, remedy: str, seconds: int = _COMPILE_S) -> None:
    """Run a tool to its end.

    Raises:
        MissingToolError: It failed or took too long; names the step.
    """
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=seconds, env={**os.environ, "LC_ALL": "C"}
        )
    except subprocess.TimeoutExpired as error:
        raise MissingToolError(f"{what} took more than {seconds} s: {remedy}") from error
    except OSError as error:
        raise MissingToolError(f"{what}: {command[0]} does not start ({error}): {remedy}") from error
    if done.returncode:
        said = " ".join((done.stderr or done.stdout).split())[-300:]
        raise MissingToolError(f"{what} failed ({said}): {remedy}")


def _fill(kind: Kind, folder: Path) -> SetupRecord:
    """Libraries, programs, cores, record."""
    for name in ("lib", "bin", "cpu"):
        (folder / name).mkdir()
    _system_libraries(folder / "lib")
    versions = kind.fill(folder)
    selftest = [C_COMPILER, "-O2", "-o", str(folder / "bin/selftest"), str(PROGRAMS / "selftest.c")]
    run_step(selftest, "compiling the self-test", f"check {C_COMPILER}")
    plugin = ["cc", "-O2", "-shared", "-fPIC", "-o", str(folder / "count.so"), str(PROGRAMS / "count.c")]
    run_step(plugin, "compiling the counter", "check cc")
    for name in PROFILES:
        _write_root(folder, name)
    kept = sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    record = SetupRecord(
        key=_key(kind.made_of),
        emulator=_emulator_version(),
        compiler=_tool(COMPILER),
        versions=versions,
        files={path.relative_to(folder).as_posix(): sha256_file(path) for path in kept},
    )
    write_json(record, folder / _RECORD)
    return record


def _key(made_of: str) -> str:
    """What decides a set-up: the sources, how they are compiled, the tools."""
    digest = hashlib.sha256(made_of.encode())
    for path in sorted(PROGRAMS.glob("*.*")):
        digest.update(path.name.encode() + path.read_bytes())
    digest.update(repr((_LAYOUT, PROFILES, SYSTEM, _tool(EMULATOR), _tool(COMPILER))).encode())
    return digest.hexdigest()[:16]


def _tool(name: str) -> str:
    """The first line that a tool says of its version."""
    said = subprocess.run([name, "--version"], capture_output=True, text=True, check=False).stdout
    return (said.splitlines() or [""])[0].strip()


def _emulator_version() -> str:
    found = re.search(r"version (\d+(?:\.\d+)+)", _tool(EMULATOR))
    return found.group(1) if found is not None else "unknown"


@contextmanager
def _temporary(folder: Path) -> Iterator[Path]:
    """A folder beside the final one; what an earlier run left behind goes first."""
    for abandoned in folder.glob(f"{_PREFIX}*"):
        shutil.rmtree(abandoned, ignore_errors=True)
    making = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=folder))
    making.chmod(0o755)
    try:
        yield making
    finally:
        shutil.rmtree(making, ignore_errors=True)


def _system_libraries(lib: Path) -> None:
    for name in SYSTEM:
        said = subprocess.run([COMPILER, f"-print-file-name={name}"], capture_output=True, text=True, check=False)
        source = Path(said.stdout.strip())
        if not source.is_absolute() or not source.is_file():
            raise MissingToolError(f"{COMPILER} has no {name}: {INSTALL}")
        shutil.copyfile(source, lib / name)
    (lib / "ld-linux-aarch64.so.1").chmod(0o755)


def _write_root(folder: Path, profile: str) -> None:
    """What a core's /lib, /proc and /sys say; QEMU looks here first."""
    root = folder / "cpu" / profile
    cores = root / "sys/devices/system/cpu"
    cores.mkdir(parents=True)
    (root / "proc").mkdir()
    (root / "proc/cpuinfo").write_text(PROFILES[profile].cpuinfo, "ascii")
    for name in ("possible", "present", "online"):
        (cores / name).write_text("0\n", "ascii")
    (root / "lib").symlink_to("../../lib")
