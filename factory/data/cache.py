"""Windows on disk: <cache>/windows/<key>/{x,y,subject,recording,start}.npy and meta.json.

The key is the SHA-256 of what identifies the windows: the content of the source's files and the preparation
settings. meta.json says which code cut them; windows of other code are cut again. A folder appears under its
key by one rename, so it is complete or not there. Arrays are memory-mapped and never unpickled. A folder that
does not match its meta.json is rebuilt.
"""

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray
from pydantic import Field, ValidationError

from factory.contracts.base import Contract
from factory.contracts.dataset import Floats, Ints, WindowSet
from factory.contracts.errors import ArtifactError
from factory.contracts.files import atomic_write, sha256_file, storage_errors
from factory.contracts.progress import Progress
from factory.contracts.window import WindowSpec

_FORMAT = 1
"""Of the folder; part of every key."""
FULL_HASH_BELOW = 200_000_000
"""Bytes; a larger array is checked by size and by samples of its content, so that loading stays quick."""
ARRAYS = ("x", "y", "subject", "recording", "start")
_BLOCK = 65_536


class StoredArray(Contract):
    """One .npy file."""

    size_bytes: int = Field(gt=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    quick: str = Field(pattern=r"^[0-9a-f]{64}$", description="SHA-256 over size, head, tail and 62 blocks between")


class Meta(Contract):
    """meta.json: what the arrays are and how to recognise damage."""

    key: str
    code: str = Field(description="hash of the code that cut them")
    spec: WindowSpec
    teacher_spec: WindowSpec | None = Field(
        default=None, description="of x.npy, where the teacher sees more channels; the student's come first"
    )
    official_test: tuple[str, ...]
    lost: dict[str, int]
    recordings: int = Field(ge=0, description="gap-free segments that gave windows")
    arrays: dict[str, StoredArray]


class CorruptError(Exception):
    """A cached file is not what its meta.json says; never leaves this module's callers."""


class WindowWriter:
    """Appends windows to the files of a folder; memory does not grow with their number, apart from the labels."""

    def __init__(self, folder: Path, channels: int, length: int) -> None:
        self._folder = folder
        self._shape = (channels, length)
        self._path = folder / "x.npy"
        self._file: BinaryIO = self._path.open("wb")
        self._header()
        self.count = 0
        self._y: list[Ints] = []
        self._start: list[Ints] = []
        self._recording: list[Ints] = []
        self._subject: list[NDArray[np.str_]] = []

    def _header(self, count: int = 0) -> None:
        # NumPy pads the header so that the first axis may grow in place.
        np.lib.format.write_array_header_1_0(
            self._file, {"descr": "<f4", "fortran_order": False, "shape": (count, *self._shape)}
        )

    def append(self, x: Floats, y: Ints, start: Ints, recording: int, subject: str) -> None:
        """Add (n, C, T) windows of one recording."""
        self._file.write(np.ascontiguousarray(x, "<f4").data)
        self.count += len(y)
        self._y.append(y)
        self._start.append(start)
        self._recording.append(np.full(len(y), recording, np.int64))
        self._subject.append(np.full(len(y), subject))

    def close(self) -> None:
        """Write the number of windows into the header, and the other arrays."""
        begin = self._file.tell() - self.count * 4 * int(np.prod(self._shape))
        self._file.seek(0)
        self._header(self.count)
        assert self._file.tell() == begin, "the .npy header changed its length"
        self._file.close()
        for name, parts in (("y", self._y), ("start", self._start), ("recording", self._recording)):
            np.save(self._folder / f"{name}.npy", np.concatenate([np.empty(0, np.int64), *parts]))
        np.save(self._folder / "subject.npy", np.concatenate(self._subject or [np.empty(0, "<U1")]))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()


def content_hashes(paths: Iterable[Path], root: Path, cache: Path) -> dict[str, str]:
    """SHA-256 of each file by its path below `root`; unchanged files (size and time) are not read again."""
    index_path = cache / "hashes.json"
    known = _read_index(index_path)
    found: dict[str, str] = {}
    fresh = dict(known)
    settled = time.time_ns() - 2_000_000_000  # a file that is younger may change again within its clock's tick
    for path in paths:
        stat = path.stat()
        entry = known.get(str(path.resolve()))
        if entry is not None and entry[:2] == [stat.st_size, stat.st_mtime_ns]:
            digest = str(entry[2])
        else:
            digest = sha256_file(path)
            if stat.st_mtime_ns < settled:
                fresh[str(path.resolve())] = [stat.st_size, stat.st_mtime_ns, digest]
        found[path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name] = digest
    if fresh != known:
        with atomic_write(index_path) as temporary:
            temporary.write_text(json.dumps(fresh), encoding="utf-8")
    return found


def _read_index(path: Path) -> dict[str, list[Any]]:
    """The index; empty if it is not there or damaged, since it only saves time."""
    try:
        index = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(index, dict):
        return {}
    return {key: value for key, value in index.items() if isinstance(value, list) and len(value) == 3}


def key_of(parts: dict[str, Any]) -> str:
    """SHA-256 of settings and content hashes."""
    text = json.dumps({"version": _FORMAT, **parts}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def window_folder(cache: Path, key: str) -> Path:
    """Where the windows of that key lie."""
    return cache / "windows" / key


def load_or_build(cache: Path, key: str, code: str, build: Callable[[Path], Meta], progress: Progress) -> WindowSet:
    """Windows of that key and code; built by `build(folder)` if they are not there, damaged or of other code.

    Raises:
        ArtifactError: What was just built cannot be read back.
        StorageError: The disk is full or not writable.
    """
    folder = window_folder(cache, key)
    with storage_errors(folder), _locked(folder, progress):
        for leftover in folder.parent.glob(f".{key}.*"):  # of a killed process: the lock is ours
            shutil.rmtree(leftover)
        if folder.exists():
            try:
                return _load(folder, key, code)
            except CorruptError as damage:
                progress.say(f"cached windows cannot be used ({damage}): preparing them again")
                shutil.rmtree(folder)
        temporary = folder.with_name(f".{key}.{os.getpid()}")
        try:
            temporary.mkdir(parents=True)
            meta = build(temporary)
            (temporary / "meta.json").write_text(meta.model_dump_json(indent=1), encoding="utf-8")
            temporary.rename(folder)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        try:
            return _load(folder, key, code)
        except CorruptError as damage:
            raise ArtifactError(
                f"{folder} cannot be read back after writing ({damage}): check the disk, or choose another cache folder"
            ) from damage


@contextmanager
def _locked(folder: Path, progress: Progress) -> Iterator[None]:
    folder.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder.parent / f"{folder.name}.lock")
    try:
        lock.acquire(timeout=0.5)
    except Timeout:
        progress.say("another process prepares the same windows: waiting for it")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def describe_arrays(folder: Path, names: Iterable[str] = ARRAYS) -> dict[str, StoredArray]:
    """Sizes and hashes of the arrays in `folder`, each synchronised to the disk."""
    described = {}
    for name in names:
        path = folder / f"{name}.npy"
        with path.open("rb+") as handle:
            os.fsync(handle.fileno())
        described[name] = StoredArray(size_bytes=path.stat().st_size, sha256=sha256_file(path), quick=_quick_hash(path))
    return described


def _quick_hash(path: Path) -> str:
    size = path.stat().st_size
    digest = hashlib.sha256(str(size).encode())
    with path.open("rb") as handle:
        for place in np.linspace(0, max(size - _BLOCK, 0), 64).astype(np.int64).tolist():
            handle.seek(place)
            digest.update(handle.read(_BLOCK))
    return digest.hexdigest()


def _load(folder: Path, key: str, code: str) -> WindowSet:
    try:
        meta = Meta.model_validate_json((folder / "meta.json").read_bytes())
    except (OSError, ValidationError) as error:
        raise CorruptError("meta.json is not readable") from error
    if meta.key != key or not set(ARRAYS) <= set(meta.arrays):
        raise CorruptError("meta.json is of other windows")
    if meta.code != code:
        raise CorruptError("another version of this tool cut them")
    arrays = {name: _load_array(folder / f"{name}.npy", stored) for name, stored in meta.arrays.items()}
    count = len(arrays["y"])
    channels = len(meta.spec.channels)
    if arrays["x"].shape != (count, len((meta.teacher_spec or meta.spec).channels), meta.spec.length):
        raise CorruptError(f"x.npy has shape {arrays['x'].shape}")
    return WindowSet(
        x=arrays["x"][:, :channels],
        y=arrays["y"],
        subject=arrays["subject"],
        recording=arrays["recording"],
        start=arrays["start"],
        spec=meta.spec,
        official_test=meta.official_test,
        content_hash=key,
        digest=_digest(meta),
        lost=meta.lost,
        teacher_x=arrays["x"] if meta.teacher_spec is not None else None,
        teacher_spec=meta.teacher_spec,
    )


def _digest(meta: Meta) -> str:
    """SHA-256 over the contract and every array: equal windows have an equal one, whatever code cut them."""
    arrays = "".join(f"{name} {stored.sha256}\n" for name, stored in sorted(meta.arrays.items()))
    specs = meta.spec.model_dump_json() + (meta.teacher_spec.model_dump_json() if meta.teacher_spec else "")
    return hashlib.sha256(f"{specs}\n{arrays}".encode()).hexdigest()


def _load_array(path: Path, stored: StoredArray) -> NDArray[Any]:
    try:
        if path.stat().st_size != stored.size_bytes:
            raise CorruptError(f"{path.name} has {path.stat().st_size} bytes, expected {stored.size_bytes}")
        small = stored.size_bytes < FULL_HASH_BELOW
        if (sha256_file(path) if small else _quick_hash(path)) != (stored.sha256 if small else stored.quick):
            raise CorruptError(f"the content of {path.name} changed")
        array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise CorruptError(f"{path.name} is not readable") from error
    return array
