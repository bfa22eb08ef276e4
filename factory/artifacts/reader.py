"""Reading a store: a folder, the same behind a web server or in an object store, or the one that ships with us."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from factory.artifacts.documents import unsealed
from factory.artifacts.remote import KINDS, Remote, is_remote
from factory.contracts.addresses import is_safe, redirected_to
from factory.contracts.errors import ArtifactError, StorageError
from factory.contracts.release import CATALOGUE, INDEX, RELEASE, Catalogue, Entry, Index, Release

if TYPE_CHECKING:
    from requests import Response

BLOCK = 1 << 16
EMBEDDED = Path(__file__).parents[1] / "models_store"
"""Package data: models made by the shipped recipes; `make models` writes it."""
SHIPPED = "the store inside smldist-factory"
_MOST_BYTES = 16_000_000
"""Of a document: an index of 1000 versions has 0.4 MB."""
_TIMEOUT_S = 30
_OK, _PARTIAL, _NOT_FOUND = 200, 206, 404


class Reader(Protocol):
    """A store as it is read.

    Attributes:
        address: What names it to people and in records.
    """

    @property
    def address(self) -> str: ...  # noqa: D102

    def blocks(self, path: str, start: int = 0) -> Iterator[bytes]:
        """The content of a file from a byte on, in blocks.

        Raises:
            FileNotFoundError: There is no such file.
            StorageError: It cannot be read, or the transfer broke off.
        """
        ...


def open_reader(store: str | None) -> Reader:
    """The store at a path or an address; None is the one that ships with this tool.

    Raises:
        StorageError: No such folder, or an address of another kind.
        MissingToolError: What reads that kind of address is not installed.
    """
    if store is None:
        return Folder(EMBEDDED, SHIPPED)
    scheme = urlsplit(store).scheme
    if scheme in ("http", "https"):
        return Web(store)
    if is_remote(store):
        return Remote(store)
    if "://" in store:
        raise StorageError(f"{store} is not read: {KINDS}")
    return Folder(Path(store.removeprefix("file:")))


class Folder:
    """A store on a disk."""

    def __init__(self, path: Path, address: str | None = None) -> None:
        """Read the store in the folder `path`, which must be there; `address` names it otherwise than its path."""
        if not path.is_dir():
            raise StorageError(f"{path} is no store: name a folder that factory publish wrote")
        self._path = path
        self.address = address if address is not None else str(path.resolve())

    def blocks(self, path: str, start: int = 0) -> Iterator[bytes]:
        """As `Reader.blocks`."""
        file = self._path / path
        try:
            with file.open("rb") as content:
                content.seek(start)
                while block := content.read(BLOCK):
                    yield block
        except FileNotFoundError:
            raise
        except OSError as error:
            raise StorageError(f"{file} cannot be read ({error.strerror}): check the store's permissions") from error


class Web:
    """A store behind a web server that serves plain files."""

    def __init__(self, address: str) -> None:
        """Read the store below `address`."""
        self.address = address.rstrip("/")
        _require_safe(self.address)

    def blocks(self, path: str, start: int = 0) -> Iterator[bytes]:
        """As `Reader.blocks`; a server that cannot go on in the middle sends all, of which the start is left out."""
        import requests

        url = f"{self.address}/{path}"
        with self._failures(url), requests.Session() as session:
            headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
            answer = session.get(
                url, headers=headers, stream=True, timeout=_TIMEOUT_S, hooks={"response": _refuse_unsafe_redirect}
            )
            if answer.status_code == _NOT_FOUND:
                raise FileNotFoundError(url)
            if answer.status_code not in (_OK, _PARTIAL):
                raise StorageError(f"{url}: the server answered {answer.status_code} {answer.reason}: try again later")
            skip = start if answer.status_code == _OK else 0
            for block in answer.iter_content(BLOCK):
                yield block[skip:]
                skip = max(skip - len(block), 0)

    @contextmanager
    def _failures(self, url: str) -> Iterator[None]:
        import requests

        try:
            yield
        except requests.exceptions.RequestException as error:
            raise StorageError(
                f"{url} broke off or cannot be reached ({type(error).__name__}): check the network and run the same "
                "command again, which goes on where it was"
            ) from error


def read_index(store: Reader, name: str, trusted: str | None = None) -> Index:
    """The versions of a model.

    Raises:
        ArtifactError: No such model, or its index was changed or is not signed by the trusted key.
        StorageError: It cannot be read.
    """
    where = f"{store.address}/{name}/{INDEX}"
    try:
        content = _small(store, f"{name}/{INDEX}", _MOST_BYTES)
    except FileNotFoundError as error:
        there = ", ".join(read_catalogue(store).models) or "none"
        raise ArtifactError(f"{store.address} holds no model '{name}': it has {there}") from error
    index = unsealed(Index, content, where, trusted)
    if index.name != name:
        raise ArtifactError(f"{where} is the index of '{index.name}': do not use this store")
    return index


def read_catalogue(store: Reader) -> Catalogue:
    """The names of a store's models.

    Raises:
        ArtifactError: It is no store, or was changed.
    """
    try:
        content = _small(store, CATALOGUE, _MOST_BYTES)
    except FileNotFoundError as error:
        raise ArtifactError(f"{store.address} is no store, it has no {CATALOGUE}: publish into it first") from error
    return unsealed(Catalogue, content, f"{store.address}/{CATALOGUE}")


def read_release(store: Reader, name: str, entry: Entry) -> Release:
    """One version of a model; what the index says of it is signed where the index is.

    Raises:
        ArtifactError: It is missing, or not the one that the index lists.
        StorageError: It cannot be read.
    """
    path = f"{name}/{entry.version}/{RELEASE}"
    where = f"{store.address}/{path}"
    try:
        content = _small(store, path, entry.size_bytes)
    except FileNotFoundError as error:
        raise ArtifactError(f"{where} is missing: choose another version, or publish it again as a new one") from error
    found = hashlib.sha256(content).hexdigest()
    if found != entry.release:
        raise ArtifactError(f"{where} has SHA-256 {found}, the index says {entry.release}: do not use this store")
    release = unsealed(Release, content, where)
    if (release.name, release.version) != (name, entry.version):
        raise ArtifactError(f"{where} is {release.name} {release.version}: do not use this store")
    return release


def read_file(store: Reader, release: Release, path: str) -> bytes:
    """A small file of a release, checked.

    Raises:
        ArtifactError: Missing or changed.
        StorageError: It cannot be read.
    """
    file = release.file(path)
    where = f"{store.address}: {path} of {release.name} {release.version}"
    try:
        content = _small(store, release.place(file), file.size_bytes)
    except FileNotFoundError as error:
        raise ArtifactError(
            f"{store.address} lacks {path} of {release.name} {release.version}: publish again"
        ) from error
    found = hashlib.sha256(content).hexdigest()
    if found != file.sha256:
        raise ArtifactError(f"{where} has SHA-256 {found}, expected {file.sha256}: do not use this store")
    return content


def _small(store: Reader, path: str, most: int) -> bytes:
    parts, size = [], 0
    for block in store.blocks(path):
        parts.append(block)
        size += len(block)
        if size > most:
            raise ArtifactError(f"{store.address}/{path} is larger than {most} bytes: do not use this store")
    return b"".join(parts)


def _require_safe(url: str) -> None:
    if not is_safe(url):
        raise StorageError(f"{url} is not read: anybody on the way could change it; use its https address")


def _refuse_unsafe_redirect(answer: "Response", *_: object, **__: object) -> None:
    """Called by requests for each answer, before it follows a redirect."""
    if target := redirected_to(answer):
        _require_safe(target)
