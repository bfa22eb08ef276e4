"""Publishing into a store in a folder: blobs first, then the version's folder by one rename, then the index.

A publisher that is killed leaves the old index or the new one; what it left beside them is never read and is cleared
by the next publisher of that model. A model's lock is held from choosing the version to writing the index.
"""

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock

from factory.artifacts.documents import sealed, unsealed
from factory.artifacts.signing import public_key
from factory.contracts.errors import ArtifactError, StorageError
from factory.contracts.files import atomic_write, sha256_file, storage_errors
from factory.contracts.release import (
    CARD,
    CATALOGUE,
    INDEX,
    NAME,
    RELEASE,
    Catalogue,
    Entry,
    Index,
    Release,
    ReleaseFile,
    blob,
    numbers_of,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """What shall be published.

    Attributes:
        name: The model's.
        contract: SHA-256 of the sensor contract.
        terms: Of the recordings.
        commercial_use: False where the terms forbid it.
        folder: Where the files lie.
        files: Relative paths of all of them, forward slashes, without the card.
        card: Given the version, the text of README.md.
        beside: Given the version, writes what belongs to it elsewhere, before the index names it.
    """

    name: str
    contract: str
    terms: str
    commercial_use: bool
    folder: Path
    files: Sequence[str]
    card: Callable[[str], str]
    beside: Callable[[str], None] | None = None


def publish_draft(store: Path, draft: Draft, version: str | None = None, key: Path | None = None) -> Release:
    """Add a version of a model to a store; the store is made if it is not there.

    Args:
        store: A folder.
        draft: What.
        version: Three numbers; None is the next minor one, or the next major one if the contract changed.
        key: Private key that signs the index, which holds the hash of every release.

    Raises:
        ArtifactError: The version is there already, would change the contract within a major version, or the store
            was changed.
        StorageError: The disk is full or not writable.
    """
    if not NAME.fullmatch(draft.name):
        raise ArtifactError(f"'{draft.name}' does not name a model: write lower case letters, digits and _")
    with storage_errors(store):
        _require_store(store)
        files = [_put(store, draft.folder, path) for path in draft.files]
        model = store / draft.name
        model.mkdir(parents=True, exist_ok=True)
        with FileLock(model / ".lock"):
            index = _index(model)
            _require_same_signer(index, key)
            chosen = _choose(index, draft, version)
            release, entry = _write_version(model, draft, chosen, files)
            if draft.beside is not None:
                draft.beside(chosen)
            versions = sorted((*(index.versions if index else ()), entry), key=lambda one: numbers_of(one.version))
            _write(model / INDEX, sealed(Index(name=draft.name, versions=tuple(versions)), key))
        _list(store, draft.name)
    return release


def _require_store(store: Path) -> None:
    """Never write among files that are not a store's."""
    if store.is_dir() and any(store.iterdir()) and not (store / "blobs").is_dir():
        raise StorageError(f"{store} holds files that are no store: choose an empty or new folder with --to")
    (store / "blobs").mkdir(parents=True, exist_ok=True)


def _put(store: Path, folder: Path, path: str) -> ReleaseFile:
    """Copy a file to where its content belongs, unless it is there whole."""
    source = folder / path
    digest, size = sha256_file(source), source.stat().st_size
    target = store / blob(digest)
    if not (target.is_file() and target.stat().st_size == size and sha256_file(target) == digest):
        with atomic_write(target) as temporary:
            shutil.copyfile(source, temporary)
            if sha256_file(temporary) != digest:
                raise ArtifactError(f"{source} changed while it was published: publish again")
    return ReleaseFile(path=path, sha256=digest, size_bytes=size)


def _index(model: Path) -> Index | None:
    try:
        content = (model / INDEX).read_bytes()
    except FileNotFoundError:
        return None
    return unsealed(Index, content, str(model / INDEX))


def _require_same_signer(index: Index | None, key: Path | None) -> None:
    """An index once signed stays signed by that key, or those who pinned it would be locked out."""
    if index is None or index.signature is None:
        return
    if key is None or public_key(str(key)) != index.signature.key:
        raise ArtifactError(
            f"{index.name} is signed by key {index.signature.key[:16]}...: publish with --key and that key"
        )


def _choose(index: Index | None, draft: Draft, version: str | None) -> str:
    """The version's number; one major version has one contract."""
    if version is not None:
        numbers_of(version)
    if index is None:
        return version or "1.0.0"
    if version is None:
        major, minor, _ = numbers_of(index.latest.version)
        return f"{major}.{minor + 1}.0" if index.latest.contract == draft.contract else f"{major + 1}.0.0"
    if any(entry.version == version for entry in index.versions):
        raise ArtifactError(f"{draft.name} {version} is published already and never changes: choose another --version")
    alike = [entry for entry in index.versions if numbers_of(entry.version)[0] == numbers_of(version)[0]]
    if alike and alike[-1].contract != draft.contract:
        major = numbers_of(index.latest.version)[0] + 1
        raise ArtifactError(
            f"{draft.name} {version} has another sensor contract than {alike[-1].version}, so apps would feed it "
            f"wrongly: publish it as --version {major}.0.0"
        )
    return version


def _write_version(model: Path, draft: Draft, version: str, files: Sequence[ReleaseFile]) -> tuple[Release, Entry]:
    """The version's folder, whole or not at all."""
    for leftover in (*model.glob(".*.part"), model / version):
        shutil.rmtree(leftover, ignore_errors=True)
    part = model / f".{version}.part"
    part.mkdir()
    (part / CARD).write_text(draft.card(version), "utf-8")
    card = ReleaseFile(path=CARD, sha256=sha256_file(part / CARD), size_bytes=(part / CARD).stat().st_size)
    created = _now().isoformat(timespec="seconds")
    release = Release(
        name=draft.name,
        version=version,
        created=created,
        terms=draft.terms,
        commercial_use=draft.commercial_use,
        files=(card, *files),
    )
    content = sealed(release)
    _write(part / RELEASE, content)
    part.rename(model / version)
    digest, size = sha256_file(model / version / RELEASE), len(content)
    return release, Entry(version=version, created=created, contract=draft.contract, release=digest, size_bytes=size)


def _now() -> datetime:
    """The time, or that of SOURCE_DATE_EPOCH, by which builds are made reproducible (reproducible-builds.org)."""
    fixed = os.environ.get("SOURCE_DATE_EPOCH", "")
    return datetime.fromtimestamp(int(fixed), UTC) if fixed.isdecimal() else datetime.now(UTC)


def _list(store: Path, name: str) -> None:
    """Add a model to the store's catalogue."""
    with FileLock(store / ".lock"):
        path = store / CATALOGUE
        known = unsealed(Catalogue, path.read_bytes(), str(path)).models if path.is_file() else ()
        if name not in known:
            _write(path, sealed(Catalogue(models=tuple(sorted({*known, name})))))


def _write(path: Path, content: bytes) -> None:
    with atomic_write(path) as temporary:
        temporary.write_bytes(content)
