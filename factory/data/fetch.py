"""Downloading the authors' archives: hash of the first download recorded, checked ever after.

Nothing half-done is left: archives go to a hidden folder beside the data, are unpacked there and appear
under their name by one rename. `<data>/fetched.json` remembers the hashes.
"""

import logging
import shutil
import stat
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING
from urllib.parse import urlsplit

from pydantic import Field, ValidationError

from factory.contracts.addresses import is_safe, redirected_to
from factory.contracts.base import Contract
from factory.contracts.errors import ArtifactError, DataError, StorageError
from factory.contracts.files import BROKEN_ZIP, atomic_write, sha256_file, storage_errors
from factory.contracts.progress import Progress, Task

if TYPE_CHECKING:
    from requests import Response

RECORD = "fetched.json"
_MEGABYTE = 1_000_000
_BLOCK = 1 << 20
_TIMEOUT_S = 30
_LITTER = ("__MACOSX", ".DS_Store")


class FetchedArchive(Contract):
    """What a download was."""

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    size_bytes: int = Field(gt=0)


class Fetched(Contract):
    """fetched.json: every archive that was downloaded into this data folder, by address."""

    archives: dict[str, FetchedArchive] = Field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Download:
    """One data set to fetch.

    Attributes:
        name: Its folder in the data folder.
        urls: Archives (.zip), all unpacked into that folder.
        complete: Given the unpacked folder, raises DataError if the official layout is not there.
    """

    name: str
    urls: tuple[str, ...]
    complete: Callable[[Path], object]


def fetch(download: Download, data: Path, progress: Progress, again: bool = False) -> Path:
    """Download and unpack a data set, unless it is there.

    Args:
        download: What, from where.
        data: The data folder; made if it is not there.
        progress: Told of megabytes and files.
        again: Download even if it is there; replaces it when complete.

    Returns:
        The data set's folder.

    Raises:
        DataError: No network, a truncated or damaged archive; names the address and where to unpack by hand.
        ArtifactError: Another content than at the first download, or an archive that writes outside its folder.
        StorageError: The disk is full or not writable, or another process fetches into the folder.
    """
    target = data / download.name
    for url in download.urls:
        _require_https(url)
    if not again and _is_complete(download, target):
        progress.say(f"{download.name} is there: {target} (--again downloads it anew)")
        return target
    with storage_errors(data):
        data.mkdir(parents=True, exist_ok=True)
        with _alone(data), _workshop(data / f".fetch-{download.name}") as workshop:
            fetched = _read_record(data / RECORD)
            for url in download.urls:
                known = fetched.archives.get(url)
                archive = _download(url, workshop, target, known, progress)
                fetched = _with_archive(fetched, url, archive)
                unpack(archive, workshop / "unpacked", progress)
                archive.unlink()
            _require_complete(download, workshop / "unpacked", target)
            _swap(workshop / "unpacked", target, workshop / "old")
            with atomic_write(data / RECORD) as path:
                path.write_text(fetched.model_dump_json(indent=2) + "\n", encoding="utf-8")
    return target


def unpack(archive: Path, folder: Path, progress: Progress) -> None:
    """Unpack a zip and the zips inside it, into `folder`.

    Raises:
        ArtifactError: A member would land outside `folder`, or is a link.
        DataError: Not a zip, or a member is damaged.
        StorageError: Not enough space for what is in it.
    """
    try:
        with zipfile.ZipFile(archive) as content:
            members = [member for member in content.infolist() if not _is_litter(member)]
            for member in members:
                _require_inside(archive, member)
            _require_space(folder, sum(member.file_size for member in members))
            with progress.track(f"unpack {archive.name}", len(members), "files") as bar:
                for member in members:
                    _write_member(content, member, folder)
                    bar.advance()
    except BROKEN_ZIP as error:
        raise DataError(f"{archive.name} is not a complete zip archive ({error}): download it again") from error
    for inner in (folder / member.filename for member in members if member.filename.lower().endswith(".zip")):
        unpack(inner, inner.parent, progress)
        inner.unlink()


def _is_complete(download: Download, folder: Path) -> bool:
    if not folder.is_dir():
        return False
    try:
        download.complete(folder)
    except DataError:
        return False
    return True


def _require_complete(download: Download, folder: Path, target: Path) -> None:
    try:
        download.complete(folder)
    except DataError as error:
        message = str(error).replace(str(folder), str(target))
        raise DataError(f"the archive of {download.name} is not laid out as its authors' was: {message}") from error


def _require_https(url: str) -> None:
    if not is_safe(url):
        raise DataError(f"{url} is not fetched: only https addresses are; download and unpack it by hand")


@contextmanager
def _alone(data: Path) -> Iterator[None]:
    """Hold the data folder, so that two processes do not fetch into it at once."""
    from filelock import FileLock, Timeout

    lock = FileLock(data / ".fetch.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise StorageError(f"another process fetches into {data}: wait for it, or choose another --data") from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _workshop(folder: Path) -> Iterator[Path]:
    """An empty folder that is gone afterwards; also clears what a killed process left."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _read_record(path: Path) -> Fetched:
    try:
        return Fetched.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return Fetched()
    except ValidationError as error:
        raise ArtifactError(
            f"{path} is damaged: remove it if you trust the next download to be the authors', "
            "whose hash is then recorded anew"
        ) from error


def _with_archive(fetched: Fetched, url: str, archive: Path) -> Fetched:
    entry = FetchedArchive(sha256=sha256_file(archive), size_bytes=archive.stat().st_size)
    return Fetched(archives={**fetched.archives, url: entry})


def _download(url: str, workshop: Path, target: Path, known: FetchedArchive | None, progress: Progress) -> Path:
    import pooch
    import requests

    pooch.get_logger().setLevel(logging.CRITICAL)  # every failure is raised, and the bar says the rest
    name = PurePosixPath(urlsplit(url).path).name
    with ExitStack() as stack:
        bar = _Megabytes(f"download {name}", stack, progress)
        watched = {"response": _refuse_plain_redirect}
        loader = pooch.HTTPDownloader(progressbar=bar, chunk_size=_BLOCK, timeout=_TIMEOUT_S, hooks=watched)
        try:
            pooch.retrieve(url, f"sha256:{known.sha256}" if known else None, name, workshop, downloader=loader)
        except requests.exceptions.RequestException as error:
            raise DataError(
                f"{url} cannot be downloaded ({_reason(error)}): check the network, "
                f"or download it elsewhere and unpack it into {target}"
            ) from error
        except ValueError as error:  # pooch's word for another hash
            raise ArtifactError(
                f"{url} is not what was downloaded first ({known.sha256[:12] if known else '?'}...): "
                f"ask its authors what changed; to accept it, remove its entry from {target.parent / RECORD}"
            ) from error
    return workshop / name


def _refuse_plain_redirect(answer: "Response", *_: object, **__: object) -> None:
    """Called by requests for each answer, before it follows a redirect."""
    if target := redirected_to(answer):
        _require_https(target)


def _reason(error: Exception) -> str:
    """The innermost cause that says something, in a few words."""
    response = getattr(error, "response", None)
    if response is not None:
        return f"the server answered {response.status_code} {response.reason}"
    text = str(error)
    for sign, words in (
        ("IncompleteRead", "the transfer broke off"),
        ("Connection broken", "the transfer broke off"),
        ("refused", "connection refused"),
        ("NameResolution", "its name cannot be resolved"),
        ("timed out", "no answer in time"),
        ("CERTIFICATE", "its certificate is not trusted"),
    ):
        if sign in text:
            return words
    return f"{type(error).__name__}: {text:.120}"


class _Megabytes:
    """What pooch takes for a progress bar: opens ours once the size is known."""

    def __init__(self, name: str, stack: ExitStack, progress: Progress) -> None:
        self._name = name
        self._stack = stack
        self._progress = progress
        self._task: Task | None = None
        self._bytes = 0
        self._shown = 0

    @property
    def total(self) -> int:
        """Bytes so far; pooch only ever sets it."""
        return self._bytes

    @total.setter
    def total(self, size: int) -> None:
        track: AbstractContextManager[Task] = self._progress.track(self._name, -(-size // _MEGABYTE) or None, "MB")
        self._task = self._stack.enter_context(track)

    def update(self, size: int) -> None:
        """Count `size` bytes more."""
        self._bytes += size
        step = self._bytes // _MEGABYTE - self._shown
        if self._task is not None and step > 0:
            self._task.advance(step)
            self._shown += step

    def reset(self) -> None:
        """Pooch counts from the start again at the end, to fill its bar."""
        self._bytes = 0

    def close(self) -> None:
        """The exit stack closes the bar."""


def _is_litter(member: zipfile.ZipInfo) -> bool:
    return any(part in _LITTER for part in PurePosixPath(member.filename).parts)


def _require_inside(archive: Path, member: zipfile.ZipInfo) -> None:
    path = PurePosixPath(member.filename.replace("\\", "/"))
    link = stat.S_ISLNK(member.external_attr >> 16)
    if link or path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
        raise ArtifactError(
            f"{archive.name} holds '{member.filename}', which would be written outside its folder: "
            "do not use this archive"
        )


def _require_space(folder: Path, needed: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise StorageError(
            f"unpacking needs {needed / 1e6:.0f} MB, {free / 1e6:.0f} MB are free at {folder.parent}: "
            "free some, or choose another --data"
        )


def _write_member(content: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path) -> None:
    path = folder / PurePosixPath(member.filename.replace("\\", "/"))
    if member.is_dir():
        path.mkdir(parents=True, exist_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    source: IO[bytes]
    with content.open(member) as source, path.open("wb") as target:
        shutil.copyfileobj(source, target, _BLOCK)


def _swap(new: Path, target: Path, old: Path) -> None:
    """Put `new` in place of `target`; what was there goes to `old`."""
    if target.exists():
        target.rename(old)
    try:
        new.rename(target)
    except OSError:
        if old.exists():
            old.rename(target)
        raise
