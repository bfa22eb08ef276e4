"""Pulling a release into a folder: every file is fetched and checked before one appears under its name.

Files are fetched to `<folder>/.pull/<sha256>`; an interrupted pull goes on there. `pulled.json` is removed before the
first file is replaced and written after the last, so a folder with it is whole.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path

from factory.artifacts.reader import Reader
from factory.contracts.errors import ArtifactError, StorageError
from factory.contracts.files import sha256_file, storage_errors
from factory.contracts.progress import Progress
from factory.contracts.release import Pulled, Release, ReleaseFile
from factory.contracts.stored import read_json, write_json

PULLED = "pulled.json"
_STAGING = ".pull"
_SPARE_BYTES = 10_000_000


def pull_files(
    store: Reader, release: Release, files: Sequence[ReleaseFile], folder: Path, progress: Progress
) -> Pulled:
    """Write files of a release below a folder; what an earlier pull of that model wrote there is replaced.

    Raises:
        ArtifactError: A file is missing, truncated, too long or of other content, or a link leads out of the folder.
        StorageError: The folder holds something else, the disk is full, or the transfer broke off.
    """
    with storage_errors(folder):
        before = _require_ours(folder, release.name)
        staging = folder / _STAGING
        if staging.is_symlink():
            raise ArtifactError(f"{staging} is a link, nothing is written through it: remove it")
        staging.mkdir(parents=True, exist_ok=True)
        for file in files:
            _require_inside(folder, file.path)
        _require_space(folder, sum(file.size_bytes for file in files))
        with progress.track(f"pull {release.name} {release.version}", len(files), "files") as bar:
            for file in files:
                _fetch(store, release, file, staging)
                bar.advance()
        pulled = Pulled(store=store.address, name=release.name, version=release.version, files=tuple(files))
        _appear(folder, staging, before, pulled)
    return pulled


def read_pulled(folder: Path) -> Pulled | None:
    """What a pull wrote into a folder; None if none did.

    Raises:
        ArtifactError: Its record is damaged.
    """
    path = folder / PULLED
    return read_json(Pulled, path, "pull into another folder") if path.is_file() else None


def require_pulled(folder: Path, pulled: Pulled) -> None:
    """Compare a pulled folder's files with their hashes.

    Raises:
        ArtifactError: One is missing or changed; names it.
    """
    for file in pulled.files:
        path = folder / file.path
        if not path.is_file() or sha256_file(path) != file.sha256:
            raise ArtifactError(f"{path} is missing or not what was pulled: pull it again")


def _require_ours(folder: Path, name: str) -> Pulled | None:
    """Never write among files that no pull wrote."""
    if not folder.exists():
        return None
    before = read_pulled(folder)
    if before is None and not (folder / _STAGING).is_dir() and any(folder.iterdir()):
        raise StorageError(f"{folder} holds files that no pull wrote: choose an empty or new folder with --into")
    if before is not None and before.name != name:
        raise StorageError(f"{folder} holds the model '{before.name}': choose another folder with --into")
    return before


def _require_inside(folder: Path, path: str) -> None:
    target, root = folder / path, folder.resolve()
    if not target.parent.resolve().is_relative_to(root) or target.is_dir():
        raise ArtifactError(f"{target} is in the way or leads out of {folder}: choose another folder with --into")


def _require_space(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed + _SPARE_BYTES > free:
        raise StorageError(
            f"the files need {needed / 1e6:.0f} MB, {free / 1e6:.0f} MB are free at {folder}: free some, or choose "
            "another --into"
        )


def _fetch(store: Reader, release: Release, file: ReleaseFile, staging: Path) -> None:
    """Fetch one file into `staging`, from where an earlier try stopped."""
    target = staging / file.sha256
    have = _begun(target, file)
    what = f"{store.address}: {file.path} of {release.name} {release.version}"
    if have < file.size_bytes or not target.exists():
        with target.open("ab") as content:
            try:
                for block in store.blocks(release.place(file), have):
                    have += len(block)
                    if have > file.size_bytes:
                        break
                    content.write(block)
            except FileNotFoundError as error:
                raise ArtifactError(f"{what} is missing: ask its publisher to publish it again") from error
    if have != file.size_bytes or sha256_file(target) != file.sha256:
        target.unlink()
        size = f"at least {have}" if have > file.size_bytes else str(have)
        raise ArtifactError(
            f"{what} has {size} bytes that are not those of the release ({file.size_bytes} bytes, SHA-256 "
            f"{file.sha256[:16]}...): do not use this store, or try again"
        )


def _begun(target: Path, file: ReleaseFile) -> int:
    """Bytes that are there; a link or too long a file is removed."""
    if target.is_symlink() or (target.exists() and target.stat().st_size > file.size_bytes):
        target.unlink()
    return target.stat().st_size if target.exists() else 0


def _appear(folder: Path, staging: Path, before: Pulled | None, pulled: Pulled) -> None:
    (folder / PULLED).unlink(missing_ok=True)
    kept = {file.path for file in pulled.files}
    for old in before.files if before is not None else ():
        if old.path not in kept:
            _require_inside(folder, old.path)
            (folder / old.path).unlink(missing_ok=True)
    used: set[str] = set()
    for file in pulled.files:
        target = folder / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        if file.sha256 in used:
            twin = next(other for other in pulled.files if other.sha256 == file.sha256)
            shutil.copyfile(folder / twin.path, staging / file.sha256)
        (staging / file.sha256).replace(target)
        used.add(file.sha256)
    write_json(pulled, folder / PULLED)
    shutil.rmtree(staging)
