"""Making the emulated arm64 device: `factory devices setup arm64`.

Debian brings the emulator, a cross-compiler and with it arm64's C library; PyPI brings each runtime's aarch64 wheel, of
which only the hashes in arm64.lock are taken; the programs that run models, the self-test and the plug-in that counts
instructions are compiled here. All of it ends up in one folder of the cache, whole or not at all:

    setup.json   versions, and the hash of every file below
    lib/         arm64's C and C++ libraries, the runtimes
    bin/         litert, onnxruntime, executorch, selftest
    count.so     of this host
    cpu/<name>/  what a core's /proc and /sys say
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from filelock import FileLock

from factory.contracts.base import Contract
from factory.contracts.errors import ArtifactError, MissingToolError
from factory.contracts.files import BROKEN_ZIP, atomic_write, sha256_file, storage_errors
from factory.contracts.progress import Progress
from factory.contracts.stored import read_json
from factory.devices.profiles import PROFILES
from factory.devices.runtimes import PROGRAMS, RUNTIMES, Runtime

COMMAND = "factory devices setup arm64"
PACKAGES = {"qemu-aarch64": "qemu-user", "aarch64-linux-gnu-g++": "g++-aarch64-linux-gnu", "cc": "gcc"}
"""Programs that are needed, and Debian's packages of them."""
INSTALL = f"apt-get install {' '.join(PACKAGES.values())}"
LOCK = Path(__file__).with_name("arm64.lock")
_EMULATOR, _COMPILER = "qemu-aarch64", "aarch64-linux-gnu-g++"
_SYSTEM = (
    "ld-linux-aarch64.so.1",
    "libc.so.6",
    "libm.so.6",
    "libgcc_s.so.1",
    "libstdc++.so.6",
    "libpthread.so.0",
    "libdl.so.2",
    "librt.so.1",
)
_TAGS = (*(f"manylinux_2_{minor}" for minor in (36, 35, 34, 31, 28, 27, 26, 17)), "manylinux2014")
_PIN = re.compile(r"^(?P<package>[A-Za-z0-9_.-]+)==(?P<version>\S+) --hash=sha256:(?P<sha256>[0-9a-f]{64})$")
_DOWNLOAD_S, _COMPILE_S = 300, 120
_LAYOUT = 1
"""Raise it when this module makes something else of the same sources."""
_RECORD, _PREFIX = "setup.json", ".making-"


@dataclass(frozen=True, kw_only=True, slots=True)
class Pin:
    """One wheel that is taken."""

    package: str
    version: str
    sha256: str


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

    def libraries(self, program: str) -> tuple[Path, ...]:
        """What a program needs of lib/."""
        own = [runtime for runtime in RUNTIMES.values() if runtime.program == program]
        names = [_soname(Path(pattern).name, runtime) for runtime in own for pattern in runtime.libraries]
        return tuple(self.lib / name for name in (*_SYSTEM, *names))

    def version(self, runtime: Runtime) -> str:
        """Title and version, for example 'LiteRT 2.3.0'."""
        return f"{runtime.title} {self.record.versions[runtime.package]}"


def missing_tools() -> tuple[str, ...]:
    """Debian packages that are needed and not there."""
    return tuple(package for tool, package in PACKAGES.items() if shutil.which(tool) is None)


def find_setup(cache: Path) -> Setup | None:
    """The set-up of this version of the project and of these tools, if it was made."""
    if missing_tools():
        return None
    folder = _place(cache)
    if not (folder / _RECORD).is_file():
        return None
    return Setup(folder=folder, record=read_json(SetupRecord, folder / _RECORD, f"run {COMMAND} --force"))


def require_setup(cache: Path) -> Setup:
    """As `find_setup`.

    Raises:
        MissingToolError: It was not made; names the command.
        ArtifactError: A file of it was changed.
    """
    if missing := missing_tools():
        raise MissingToolError(f"arm64 needs {', '.join(missing)}: apt-get install {' '.join(missing)}")
    found = find_setup(cache)
    if found is None:
        raise MissingToolError(f"the emulated arm64 device is not set up in {cache}: {COMMAND}")
    for path, digest in found.record.files.items():
        file = found.folder / path
        if not file.is_file() or sha256_file(file) != digest:
            raise ArtifactError(f"{file} is missing or was changed: {COMMAND} --force")
    return found


def make_setup(
    cache: Path, progress: Progress, check: Callable[[Setup], None], wheels: Path | None = None, force: bool = False
) -> Setup:
    """Make the set-up, unless it is there.

    Args:
        cache: The cache's folder.
        progress: Told of each step.
        check: The self-test; a set-up that fails it is not kept.
        wheels: Folder of wheels that were downloaded before; None asks PyPI.
        force: Make it anew.

    Raises:
        MissingToolError: A tool is missing, PyPI cannot be reached, or something does not compile.
        ArtifactError: A wheel is not the one of arm64.lock.
        StorageError: The cache is full or not writable.
    """
    if missing := missing_tools():
        raise MissingToolError(f"arm64 needs {', '.join(missing)}: apt-get install {' '.join(missing)}")
    folder = _place(cache)
    with storage_errors(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.parent / ".lock"):
            found = None if force else find_setup(cache)
            if found is not None:
                return found
            with _temporary(folder.parent) as making, progress.track("set up arm64", 3, "steps") as task:
                _fetch(making / "wheels", wheels)
                task.advance(note="wheels")
                record = _fill(making)
                task.advance(note="programs")
                made = Setup(folder=making, record=record)
                check(made)
                task.advance(note="self-test")
                shutil.rmtree(folder, ignore_errors=True)
                making.rename(folder)
            return Setup(folder=folder, record=record)


def pins() -> tuple[Pin, ...]:
    """The wheels of arm64.lock."""
    lines = (_PIN.match(line) for line in LOCK.read_text("utf-8").splitlines())
    return tuple(Pin(**found.groupdict()) for found in lines if found is not None)


def require_wheel(path: Path) -> Pin:
    """The pin of a wheel.

    Raises:
        ArtifactError: Its content is none that arm64.lock names.
    """
    digest = sha256_file(path)
    for pin in pins():
        if pin.sha256 == digest:
            return pin
    raise ArtifactError(f"{path.name} has SHA-256 {digest[:12]}, which {LOCK.name} does not name: download it again")


def _place(cache: Path) -> Path:
    return cache / "arm64" / _key()


def _key() -> str:
    """What decides the set-up: the lock, the sources, how they are compiled, the tools."""
    digest = hashlib.sha256(LOCK.read_bytes())
    for path in sorted(PROGRAMS.glob("*.*")):
        digest.update(path.name.encode() + path.read_bytes())
    made_of = (_LAYOUT, RUNTIMES, PROFILES, _SYSTEM, _tool(_EMULATOR), _tool(_COMPILER))
    digest.update(repr(made_of).encode())
    return digest.hexdigest()[:16]


def _tool(name: str) -> str:
    """The first line that a tool says of its version."""
    said = subprocess.run([name, "--version"], capture_output=True, text=True, check=False).stdout
    return (said.splitlines() or [""])[0].strip()


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


def _fetch(folder: Path, given: Path | None) -> None:
    """The locked wheels in `folder`, from `given` or from PyPI, each by its hash."""
    folder.mkdir()
    if given is not None:
        for path in sorted(given.glob("*.whl")):
            shutil.copyfile(path, folder / path.name)
    else:
        _download(folder)
    found = {require_wheel(path).package for path in sorted(folder.glob("*.whl"))}
    if lacking := sorted({pin.package for pin in pins()} - found):
        raise ArtifactError(f"no wheel of {', '.join(lacking)}: download those that {LOCK.name} names")


def _download(folder: Path) -> None:
    platforms = [word for tag in _TAGS for word in ("--platform", f"{tag}_aarch64")]
    abis = [word for abi in ("cp311", "abi3", "none") for word in ("--abi", abi)]
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--only-binary=:all:", "--python-version", "3.11", "--implementation", "cp", *abis, *platforms]
    command += ["--require-hashes", "-r", str(LOCK), "--dest", str(folder)]
    _step(command, "downloading the runtimes", "check the network, or name a folder of wheels by --wheels", _DOWNLOAD_S)


def _fill(folder: Path) -> SetupRecord:
    """Unpack, compile, record."""
    for name in ("lib", "bin", "cpu"):
        (folder / name).mkdir()
    _system_libraries(folder / "lib")
    versions = _unpack(folder / "wheels", folder)
    compiled = [*RUNTIMES.values(), None]
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        for done in [pool.submit(_compile, folder, runtime) for runtime in compiled]:
            done.result()
    for name in PROFILES:
        _write_root(folder, name)
    shutil.rmtree(folder / "wheels")
    shutil.rmtree(folder / "headers")
    kept = sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    record = SetupRecord(
        key=_key(),
        emulator=_emulator_version(),
        compiler=_tool(_COMPILER),
        versions=versions,
        files={path.relative_to(folder).as_posix(): sha256_file(path) for path in kept},
    )
    with atomic_write(folder / _RECORD) as temporary:
        temporary.write_text(record.model_dump_json(indent=1) + "\n", "utf-8")
    return record


def _emulator_version() -> str:
    found = re.search(r"version (\d+(?:\.\d+)+)", _tool(_EMULATOR))
    return found.group(1) if found is not None else "unknown"


def _system_libraries(lib: Path) -> None:
    """The C and C++ libraries of the cross-compiler: those of Debian's arm64."""
    for name in _SYSTEM:
        said = subprocess.run([_COMPILER, f"-print-file-name={name}"], capture_output=True, text=True, check=False)
        source = Path(said.stdout.strip())
        if not source.is_absolute() or not source.is_file():
            raise MissingToolError(f"{_COMPILER} has no {name}: {INSTALL}")
        shutil.copyfile(source, lib / name)
    (lib / "ld-linux-aarch64.so.1").chmod(0o755)


def _unpack(wheels: Path, folder: Path) -> dict[str, str]:
    """Libraries into lib/, headers into headers/; versions by package."""
    versions = {}
    for path in sorted(wheels.glob("*.whl")):
        pin = require_wheel(path)
        versions[pin.package] = pin.version
        runtime = next(runtime for runtime in RUNTIMES.values() if runtime.package == pin.package)
        try:
            with zipfile.ZipFile(path) as archive:
                _take(archive, runtime, folder)
        except BROKEN_ZIP as error:
            raise ArtifactError(f"{path.name} is corrupt ({error}): download it again") from error
    return versions


def _take(archive: zipfile.ZipFile, runtime: Runtime, folder: Path) -> None:
    names = archive.namelist()
    for pattern in runtime.libraries:
        found = [name for name in names if fnmatchcase(name, pattern)]
        if len(found) != 1:
            raise ArtifactError(f"{archive.filename} has {len(found)} files {pattern}: lock another version")
        (folder / "lib" / _soname(Path(found[0]).name, runtime)).write_bytes(archive.read(found[0]))
    headers = folder / "headers"
    headers.mkdir(exist_ok=True)
    tops = tuple(f"{top}/" for top in runtime.headers)
    archive.extractall(headers, [name for name in archive.namelist() if name.startswith(tops)])


def _soname(name: str, runtime: Runtime) -> str:
    """What the dynamic linker asks for."""
    if runtime.soname is not None and Path(name).match(runtime.soname[0]):
        return runtime.soname[1]
    return name


def _compile(folder: Path, runtime: Runtime | None) -> None:
    """One runtime's program; None compiles self-test and plug-in."""
    if runtime is None:
        selftest = [_COMPILER.replace("g++", "gcc"), "-O2", "-o", str(folder / "bin/selftest")]
        _step([*selftest, str(PROGRAMS / "selftest.c")], "compiling the self-test", f"check {_COMPILER}", _COMPILE_S)
        plugin = ["cc", "-O2", "-shared", "-fPIC", "-o", str(folder / "count.so"), str(PROGRAMS / "count.c")]
        _step(plugin, "compiling the counter", "check cc", _COMPILE_S)
        return
    command = [_COMPILER, "-std=c++17", "-O2", "-w", *(f"-D{name}" for name in runtime.defines)]
    command += [f"-I{folder / 'headers' / top}" for top in runtime.headers]
    command += [str(PROGRAMS / "main.cpp"), str(PROGRAMS / f"{runtime.program}.cpp"), f"-L{folder / 'lib'}"]
    # Kernels and backends register themselves when they are loaded; nothing calls them by name.
    command += ["-Wl,--no-as-needed", *(f"-l{_linked(folder / 'lib', name)}" for name in runtime.linked)]
    command += ["-o", str(folder / "bin" / runtime.program)]
    _step(command, f"compiling the {runtime.title} program", f"check {_COMPILER}", _COMPILE_S)


def _linked(lib: Path, name: str) -> str:
    """-l's argument: the plain name, or the exact file where its name is longer."""
    if (lib / f"lib{name}.so").is_file():
        return name
    return f":{next(lib.glob(f'lib{name}.so.*')).name}"


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


def _step(command: Sequence[str], what: str, remedy: str, seconds: int) -> None:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=seconds, env={**os.environ, "LC_ALL": "C"}
        )
    except subprocess.TimeoutExpired as error:
        raise MissingToolError(f"{what} took more than {seconds} s: {remedy}") from error
    if done.returncode:
        said = " ".join((done.stderr or done.stdout).split())[-300:]
        raise MissingToolError(f"{what} failed ({said}): {remedy}")
