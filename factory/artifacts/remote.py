"""A store in an object store (Amazon S3, Google Cloud Storage), through fsspec's file systems.

An object appears whole or not at all there, and can be created only if it is not there, which is what a lock needs. A
publisher makes the new version in a folder of its own, then copies what is new in the order of a local publisher:
blobs, the version, the index.
"""

import os
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

from factory.artifacts.publishing import Draft, publish_draft
from factory.contracts.errors import FactoryError, MissingToolError, StorageError
from factory.contracts.release import CARD, CATALOGUE, INDEX, RELEASE, Release

_SCHEMES = ("s3", "gs", "memory")
"""Read and written encrypted, with creation that fails where the object is there; `memory` is fsspec's, for trials."""
KINDS = "a store is a folder, an https address, or s3://... or gs://..."
INSTALL = "pip install 'smldist-factory[remote]'"
_LOCK = ".lock"
_WAIT_S = 60.0
_POLL_S = 0.1
_BLOCK = 1 << 16


def is_remote(store: str) -> bool:
    """Whether it is the address of an object store."""
    return urlsplit(store).scheme in _SCHEMES


class Remote:
    """A store below a key of an object store."""

    def __init__(self, address: str) -> None:
        """Read or write the store at `address`; credentials are those that its library finds.

        Raises:
            MissingToolError: fsspec, or its part for this kind of address, is not installed.
        """
        self.address = address.rstrip("/")
        try:
            from fsspec.core import url_to_fs

            with self._failures(self.address):
                self._files, self._root = url_to_fs(self.address)
        except ImportError as error:
            raise MissingToolError(
                f"{self.address} needs a package that is not installed ({error}): {INSTALL}"
            ) from error

    def blocks(self, path: str, start: int = 0) -> Iterator[bytes]:
        """As `factory.artifacts.reader.Reader.blocks`."""
        with self._failures(path), self._files.open(self._at(path), "rb") as content:
            content.seek(start)
            while block := content.read(_BLOCK):
                yield block

    def read(self, path: str) -> bytes | None:
        """A whole small file; None if it is not there."""
        try:
            return b"".join(self.blocks(path))
        except FileNotFoundError:
            return None

    def write(self, path: str, content: bytes) -> None:
        """Create or replace a file."""
        with self._failures(path):
            self._files.pipe_file(self._at(path), content)

    def require_store(self) -> None:
        """Never write among files that are not a store's.

        Raises:
            StorageError: There are such files.
        """
        with self._failures(self.address):
            if self._files.exists(self._at(CATALOGUE)) or not self._files.exists(self._root):
                return
            others = [name for name in self._files.ls(self._root, detail=False) if not name.endswith(_LOCK)]
        if others:
            raise StorageError(f"{self.address} holds files that are no store: choose an empty or new place with --to")

    @contextmanager
    def alone(self, wait_s: float = _WAIT_S) -> Iterator[None]:
        """Hold the store's lock, an object that is only created where it is not there.

        Raises:
            StorageError: Another publisher holds it for longer than `wait_s`.
        """
        lock, until = self._at(_LOCK), time.monotonic() + wait_s
        while not self._created(lock):
            if time.monotonic() > until:
                holder = (self.read(_LOCK) or b"nobody").decode("utf-8", errors="replace")
                raise StorageError(
                    f"{self.address} is being published into by {holder:.200}: wait; if that publisher is gone, remove "
                    f"{self.address}/{_LOCK}"
                )
            time.sleep(_POLL_S)
        try:
            yield
        finally:
            with suppress(FileNotFoundError), self._failures(_LOCK):
                self._files.rm_file(lock)

    def _created(self, lock: str) -> bool:
        holder = (
            f"process {os.getpid()} on {socket.gethostname()}, {time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())}"
        )
        with self._failures(_LOCK):
            try:
                self._files.pipe_file(lock, holder.encode(), mode="create")
            except FileExistsError:
                return False
            return True

    def _at(self, path: str) -> str:
        return f"{self._root}/{path}"

    @contextmanager
    def _failures(self, path: str) -> Iterator[None]:
        """Each library has errors of its own; all mean that the store is not at hand."""
        try:
            yield
        except (FileNotFoundError, ImportError, FactoryError, GeneratorExit):
            raise
        except Exception as error:
            told = " ".join(str(error).split())
            raise StorageError(
                f"{self.address}: {path} cannot be reached ({type(error).__name__}: {told:.200}): check address, "
                "credentials and network, and run the same command again"
            ) from error


def publish_remote(store: str, draft: Draft, version: str | None = None, key: Path | None = None) -> Release:
    """`publish_draft` into an object store.

    Raises:
        ArtifactError: As `publish_draft`.
        StorageError: It cannot be reached, holds something else, or another publisher holds it.
        MissingToolError: As `Remote`.
    """
    remote = Remote(store)
    with tempfile.TemporaryDirectory() as scratch, remote.alone():
        remote.require_store()
        local = Path(scratch) / "store"
        (local / "blobs").mkdir(parents=True)
        for path in (CATALOGUE, f"{draft.name}/{INDEX}"):
            if (content := remote.read(path)) is not None:
                (local / path).parent.mkdir(exist_ok=True)
                (local / path).write_bytes(content)
        release = publish_draft(local, draft, version, key)
        blobs = sorted(path for path in (local / "blobs").rglob("*") if path.is_file())
        folder = local / draft.name / release.version
        last = [folder / CARD, folder / RELEASE, local / draft.name / INDEX, local / CATALOGUE]
        for file in (*blobs, *last):
            remote.write(file.relative_to(local).as_posix(), file.read_bytes())
    return release
