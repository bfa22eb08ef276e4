"""Writing files so that a killed process or a full disk leaves the old file or the new one, never half."""

import errno
import hashlib
import os
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from factory.contracts.errors import ELSEWHERE, StorageError

_NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
_NOT_WRITABLE = (errno.EACCES, errno.EPERM, errno.EROFS)
_IN_THE_WAY = (errno.EEXIST, errno.ENOTDIR, errno.EISDIR)
BROKEN_ZIP = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError)
"""What zipfile raises of a damaged archive; RuntimeError where a flipped bit asks for a password or unknown method."""


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn a full or read-only disk, or a file where a folder is needed, into a StorageError that names `path`."""
    try:
        yield
    except OSError as error:
        if error.errno in _NO_SPACE:
            raise StorageError(f"no space left for {path}: free some, or {ELSEWHERE}; nothing was lost") from error
        if error.errno in _NOT_WRITABLE:
            raise StorageError(f"{path} is not writable: change its permissions, or {ELSEWHERE}") from error
        if error.errno in _IN_THE_WAY:
            what = f"{error.strerror}: {error.filename2 or error.filename}"
            raise StorageError(
                f"{path} cannot be written ({what}): remove what is in the way, or {ELSEWHERE}"
            ) from error
        raise


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on a clean exit it takes that name, on an error it is removed.

    Raises:
        StorageError: The disk is full or not writable, or a folder has that name.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield temporary
            with temporary.open("rb+") as handle:
                os.fsync(handle.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


def sha256_file(path: Path) -> str:
    """SHA-256 of a file's content, hexadecimal."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
