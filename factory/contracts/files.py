"""Writing files so that a killed process or a full disk leaves the old file or the new one, never half."""

import errno
import hashlib
import os
import re
import uuid
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from factory.contracts.errors import ELSEWHERE, NO_SPACE, NOT_WRITABLE, StorageError

_SAYS_NO_SPACE = ("No space left on device", "Disk quota exceeded", "File too large")
"""How libraries say it that raise errors of their own, such as TensorFlow and HDF5."""
_CUT_SHORT = re.compile(r"\d+ requested and \d+ written|problem writing element \d+ to file")
"""NumPy's OSError, without an error number, where a disk takes only a part of an array."""
_IN_THE_WAY = (errno.EEXIST, errno.ENOTDIR, errno.EISDIR)
BROKEN_ZIP = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError)
"""What zipfile raises of a damaged archive; RuntimeError where a flipped bit asks for a password or unknown method."""


def says_no_space(text: str) -> bool:
    """Whether what a library prints says that a disk or a quota is full."""
    return any(words in text for words in _SAYS_NO_SPACE) or _CUT_SHORT.search(text) is not None


def means_no_space(error: BaseException) -> bool:
    """Whether an error, or one that led to it, says that a disk or a quota is full."""
    seen: BaseException | None = error
    while seen is not None:
        if (isinstance(seen, OSError) and seen.errno in NO_SPACE) or says_no_space(str(seen)):
            return True
        seen = seen.__cause__ or seen.__context__
    return False


def no_space(path: Path) -> StorageError:
    """What to raise where the disk of `path` is full."""
    return StorageError(f"no space left for {path}: free some, or {ELSEWHERE}; nothing was lost")


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn a full or read-only disk, or a file where a folder is needed, into a StorageError that names `path`."""
    try:
        yield
    except OSError as error:
        if means_no_space(error):
            raise no_space(path) from error
        if error.errno in NOT_WRITABLE:
            raise StorageError(f"{path} is not writable: change its permissions, or {ELSEWHERE}") from error
        if error.errno in _IN_THE_WAY:
            what = f"{error.strerror}: {error.filename2 or error.filename}"
            raise StorageError(
                f"{path} cannot be written ({what}): remove what is in the way, or {ELSEWHERE}"
            ) from error
        raise


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield a path beside `path` that no other writer has; it takes that name at the end, on an error it is removed.

    Raises:
        StorageError: The disk is full or not writable, or a folder has that name.
    """
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:12]}.part")
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
