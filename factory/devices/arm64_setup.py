"""The runtimes of their own aarch64 wheels on an emulated core: `factory devices setup arm64`.

Debian brings the emulator, a cross-compiler and with it arm64's C library; PyPI brings each runtime's wheel, of which
only the hashes in arm64.lock are taken; the programs that run models are compiled here.

    setup.json   versions, and the hash of every file below
    lib/         arm64's C and C++ libraries, the runtimes
    bin/         litert, onnxruntime, executorch, selftest
    count.so     of this host
    cpu/<name>/  what a core's /proc and /sys say
"""

import re
import shutil
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path

from factory.contracts.errors import ArtifactError
from factory.contracts.files import BROKEN_ZIP, sha256_file
from factory.devices.host import cpu_count
from factory.devices.runtimes import PROGRAMS, RUNTIMES, Runtime
from factory.devices.setups import COMPILER, Kind, run_step

LOCK = Path(__file__).with_name("arm64.lock")
_TAGS = (*(f"manylinux_2_{minor}" for minor in (36, 35, 34, 31, 28, 27, 26, 17)), "manylinux2014")
_PIN = re.compile(r"^(?P<package>[A-Za-z0-9_.-]+)==(?P<version>\S+) --hash=sha256:(?P<sha256>[0-9a-f]{64})$")
_DOWNLOAD_S = 300


@dataclass(frozen=True, kw_only=True, slots=True)
class Pin:
    """One wheel that is taken."""

    package: str
    version: str
    sha256: str


def arm64(wheels: Path | None = None) -> Kind:
    """The set-up.

    Args:
        wheels: Folder of wheels that were downloaded before; None asks PyPI.
    """
    return Kind(name="arm64", made_of=LOCK.read_text("utf-8") + repr(RUNTIMES), fill=partial(_fill, wheels))


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


def _fill(wheels: Path | None, folder: Path) -> dict[str, str]:
    """Fetch, unpack, compile."""
    _fetch(folder / "wheels", wheels)
    versions = _unpack(folder / "wheels", folder)
    with ThreadPoolExecutor(max_workers=cpu_count()) as pool:
        for done in [pool.submit(_compile, folder, runtime) for runtime in RUNTIMES.values()]:
            done.result()
    shutil.rmtree(folder / "wheels")
    shutil.rmtree(folder / "headers")
    return versions


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
    run_step(
        command, "downloading the runtimes", "check the network, or name a folder of wheels by --wheels", _DOWNLOAD_S
    )


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
        (folder / "lib" / runtime.installed(Path(found[0]).name)).write_bytes(archive.read(found[0]))
    headers = folder / "headers"
    headers.mkdir(exist_ok=True)
    tops = tuple(f"{top}/" for top in runtime.headers)
    archive.extractall(headers, [name for name in archive.namelist() if name.startswith(tops)])


def _compile(folder: Path, runtime: Runtime) -> None:
    """One runtime's program."""
    command = [COMPILER, "-std=c++17", "-O2", "-w", *(f"-D{name}" for name in runtime.defines)]
    command += [f"-I{folder / 'headers' / top}" for top in runtime.headers]
    command += [str(PROGRAMS / "main.cpp"), str(PROGRAMS / f"{runtime.program}.cpp"), f"-L{folder / 'lib'}"]
    # Kernels and backends register themselves when they are loaded; nothing calls them by name.
    command += ["-Wl,--no-as-needed", *(f"-l{_linked(folder / 'lib', name)}" for name in runtime.linked)]
    command += ["-o", str(folder / "bin" / runtime.program)]
    run_step(command, f"compiling the {runtime.title} program", f"check {COMPILER}")


def _linked(lib: Path, name: str) -> str:
    """-l's argument: the plain name, or the exact file where its name is longer."""
    if (lib / f"lib{name}.so").is_file():
        return name
    return f":{next(lib.glob(f'lib{name}.so.*')).name}"
