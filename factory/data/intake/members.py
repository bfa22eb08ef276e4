"""The files of a description: found by pattern, in folders and in zip archives, unpacked while they are read.

A workbook counts as a folder of its sheets if it has more than one.
"""

import bz2
import gzip
import io
import lzma
import os
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import IO, Any

from factory.contracts.errors import DataError
from factory.contracts.files import BROKEN_ZIP
from factory.data.intake.patterns import fit
from factory.data.names import natural

_ZIP = b"PK\x03\x04"
_PACKED: Mapping[bytes, Any] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\x00": lzma.open}
_ZSTD = b"\x28\xb5\x2f\xfd"
_HEAD_BYTES = 1 << 18
_NOT_LISTED = ("__MACOSX", ".")
WORKBOOKS = (".xlsx", ".xlsm")
SUFFIXES = (".gz", ".bz2", ".xz", ".zst")


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """A file, a member of a zip archive, or a worksheet of either.

    Attributes:
        path: On disk.
        inner: Name inside the archive; None for the file itself.
        name: Path below the described folder, with forward slashes.
        worksheet: Of a workbook; None for its first one, and for other files.
        fields: Parts of the path by name, with file, stem and parent.
    """

    path: Path
    inner: str | None
    name: str
    worksheet: str | None = None
    fields: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        where = "/".join(part for part in (str(self.path), self.inner, self.worksheet) if part is not None)
        return "".join(sign if sign.isprintable() else "?" for sign in where)

    @property
    def suffix(self) -> str:
        """Lower case, without that of a compression."""
        return _suffix(self.name)

    def open(self) -> IO[bytes]:
        """The bytes, decompressed.

        Raises:
            DataError: It cannot be opened; what breaks while reading is for the reader to catch.
        """
        try:
            if self.inner is not None:
                raw: IO[bytes] = _from_archive(self.path, self.inner)
            else:
                raw = self.path.open("rb")
            return _decompressed(raw)
        except BROKEN_ZIP as error:
            raise DataError(f"{self} cannot be unpacked ({error}): export or download it again") from error
        except OSError as error:
            raise DataError(f"{self} cannot be read ({error.strerror or error}): check name and permissions") from error

    def head(self, most: int = _HEAD_BYTES) -> bytes:
        """The first bytes, decompressed.

        Raises:
            DataError: It cannot be read.
        """
        try:
            with self.open() as handle:
                return handle.read(most)
        except (*BROKEN_ZIP, OSError, EOFError, lzma.LZMAError) as error:
            raise DataError(f"{self} is damaged ({error}): export or download it again") from error


class _Owner(io.RawIOBase):
    """A stream that closes what it reads from, one after the other."""

    def __init__(self, stream: Any, *owned: Any) -> None:
        self._stream, self._owned = stream, owned

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            for stream in (self._stream, *self._owned):
                stream.close()
        super().close()


def find_members(folder: Path, patterns: Sequence[str], ignore: Sequence[str] = ()) -> list[Member]:
    """Every file that a pattern fits, in natural order of their names ('s2' before 's10').

    Args:
        folder: A folder, a zip archive, or one file, which then is all there is.
        patterns: Of paths below it; the first that fits names the parts.
        ignore: Patterns of what is left out.

    Raises:
        DataError: Nothing is there, or an archive is damaged.
        RecipeError: A pattern cannot be used.
    """
    return fit_members(list_members(folder), patterns, ignore)


def fit_members(members: Sequence[Member], patterns: Sequence[str], ignore: Sequence[str] = ()) -> list[Member]:
    """Those that a pattern fits and none of `ignore`, with the parts of their paths.

    Raises:
        RecipeError: A pattern cannot be used.
    """
    found = []
    for member in members:
        fields = next((parts for pattern in patterns if (parts := fit(pattern, member.name)) is not None), None)
        if fields is not None and not any(fit(pattern, member.name) is not None for pattern in ignore):
            found.append(_with_fields(member, fields))
    return found


def list_members(folder: Path) -> list[Member]:
    """Every file below a folder or in an archive, without hidden ones.

    Raises:
        DataError: There is no such folder or file, or an archive is damaged.
    """
    if folder.is_file():
        return _inside(folder, "" if _is_zip(folder) else folder.name)
    if not folder.is_dir():
        raise DataError(f"{folder} does not exist: correct 'folder' in the description (relative to that TOML)")
    found: list[Member] = []
    for path in _walk(folder):
        name = path.relative_to(folder).as_posix()
        if any("\ud800" <= sign <= "\udfff" for sign in name):
            raise DataError(f"{Member(path=path, inner=None, name=name)}: its name is no UTF-8 text: rename it")
        if path.is_file() and not any(part.startswith(_NOT_LISTED) for part in name.split("/")):
            found += _inside(path, name)
    return sorted(found, key=lambda member: natural(member.name))


def _walk(folder: Path) -> Iterator[Path]:
    """Every file below a folder, also behind symbolic links; a folder that links lead to twice is entered once."""
    entered: set[str] = set()
    for place, folders, files in os.walk(folder, followlinks=True):
        real = os.path.realpath(place)
        if real in entered:
            folders.clear()
            continue
        entered.add(real)
        yield from (Path(place) / file for file in files)


def _with_fields(member: Member, fields: Mapping[str, str]) -> Member:
    pure = PurePosixPath(member.name)
    bare = member.name
    for suffix in (*SUFFIXES, pure.suffix):
        bare = bare.removesuffix(suffix)
    path = {"file": bare, "stem": PurePosixPath(bare).name, "parent": pure.parent.name}
    return replace(member, fields={**path, **fields})


def _inside(path: Path, name: str) -> list[Member]:
    """The file itself, or what an archive or a workbook of several sheets holds."""
    if not _is_zip(path):
        return [Member(path=path, inner=None, name=name)]
    try:
        with zipfile.ZipFile(path) as archive:
            names = [info.filename for info in archive.infolist() if not info.is_dir()]
    except (*BROKEN_ZIP, OSError, NotImplementedError, UnicodeError) as error:
        raise DataError(f"{path} is not a readable archive ({error}): export or download it again") from error
    if "[Content_Types].xml" in names:
        return _worksheets(Member(path=path, inner=None, name=name or path.name))
    prefix = f"{name}/" if name else ""
    listed = [inner for inner in names if not any(part.startswith(_NOT_LISTED) for part in inner.split("/"))]
    found: list[Member] = []
    for inner in sorted(listed, key=natural):
        member = Member(path=path, inner=inner, name=prefix + inner.replace("\\", "/"))
        found += _worksheets(member) if member.suffix in WORKBOOKS else [member]
    return found


def _worksheets(member: Member) -> list[Member]:
    """A workbook's filled worksheets; itself where there is one or none, or where it cannot be read."""
    from factory.data.intake.workbook import sheet_names

    try:
        sheets = sheet_names(member)
    except DataError:
        return [member]  # whoever reads it says why; files that do not matter may be damaged
    if len(sheets) < 2:
        return [replace(member, worksheet=sheet) for sheet in sheets] or [member]
    return [replace(member, name=f"{member.name}/{sheet}", worksheet=sheet) for sheet in sheets]


def _is_zip(path: Path) -> bool:
    try:
        with path.open("rb") as handle:
            return handle.read(len(_ZIP)) == _ZIP
    except OSError:
        return False


def _from_archive(path: Path, inner: str) -> IO[bytes]:
    archive = zipfile.ZipFile(path)
    try:
        return io.BufferedReader(_Owner(archive.open(inner), archive))
    except BaseException:
        archive.close()
        raise


def _decompressed(raw: IO[bytes]) -> IO[bytes]:
    buffered = raw if isinstance(raw, io.BufferedReader) else io.BufferedReader(raw)  # type: ignore[type-var]
    begin = buffered.peek(8)[:8]
    for magic, opener in _PACKED.items():
        if begin.startswith(magic):
            return io.BufferedReader(_Owner(opener(buffered, "rb"), buffered))
    if begin.startswith(_ZSTD):
        import pyarrow as pa

        return io.BufferedReader(_Owner(pa.CompressedInputStream(pa.PythonFile(buffered, "r"), "zstd"), buffered))
    return buffered


def _suffix(name: str) -> str:
    bare = name.lower()
    for suffix in SUFFIXES:
        bare = bare.removesuffix(suffix)
    return PurePosixPath(bare).suffix
