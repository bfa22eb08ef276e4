"""The beginning of a delimited text as formats look at it: header, first rows, and what the file's name says."""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from factory.contracts.errors import DataError
from factory.contracts.table import Reading
from factory.data.formats import Head
from factory.data.intake.dialect import decode
from factory.data.intake.members import SUFFIXES, Member

_DELIMITERS = (";", "\t", ",")
"""The first that stands twice in the first line parts the values: commas may be decimal signs."""
_ROWS = 50
_TOP = 1 << 16
"""Characters that are looked at; enough for ten rows of 250 values."""
_COMMA_NUMBER = re.compile(r"[+-]?\d+,\d+([eE][+-]?\d+)?")
_DECLARED = re.compile(r'"?sep=.?"?')


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """A delimited text with a header.

    Attributes:
        header: Names of the columns, without outer blanks.
        rows: The first rows below it, without outer blanks; of any length.
        delimiter: Between values.
        decimal: Sign before a number's fraction.
        skip: Lines above the header.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    delimiter: str
    decimal: str
    skip: int

    def reading(self, reading: Reading, encoding: str, header: bool = True) -> Reading:
        """How `TextSheet` reads the file; `encoding` and the rest of `reading` stay where the user changed them."""
        return reading.model_copy(
            update={
                "format": "csv",
                "encoding": encoding if reading.encoding == "utf-8" else reading.encoding,
                "delimiter": self.delimiter,
                "decimal": self.decimal,
                "skip": self.skip,
                "header": header,
            }
        )


def top(head: Head, count: int) -> list[str]:
    """The first whole lines of a file."""
    begin = head.text[:_TOP]
    lines = begin.splitlines()
    return (lines if len(begin) == len(head.text) else lines[:-1])[:count]


def look(lines: Sequence[str], skip: int = 0, most: int = _ROWS) -> Look | None:
    """Header and first rows below `skip` lines, Excel's 'sep=' line, comments (#) and empty lines; None without any."""
    start = skip
    while start < len(lines) and (
        not lines[start].strip() or lines[start].startswith("#") or _DECLARED.fullmatch(lines[start].strip())
    ):
        start += 1
    if start >= len(lines):
        return None
    delimiter = next((sign for sign in _DELIMITERS if lines[start].count(sign) > 1), ",")
    rows = [cut(line, delimiter) for line in lines[start + 1 : start + 1 + most] if line.strip()]
    cells = [cell for row in rows for cell in row]
    comma = delimiter != "," and any(_COMMA_NUMBER.fullmatch(cell) for cell in cells)
    return Look(
        header=cut(lines[start], delimiter),
        rows=tuple(rows),
        delimiter=delimiter,
        decimal="," if comma else ".",
        skip=start,
    )


def cut(line: str, delimiter: str) -> tuple[str, ...]:
    """A line's values without outer blanks; none where quotes are broken."""
    try:
        return tuple(cell.strip() for cell in next(csv.reader([line], delimiter=delimiter), []))
    except csv.Error:
        return ()


def blanks_between(member: Member) -> str:
    """What parts the values of a text without commas: one blank, one tab, or 'whitespace', which is read slower.

    Raises:
        DataError: It cannot be read or is not text.
    """
    lines = top(head_of(member)[0], _ROWS)
    for sign in (" ", "\t"):
        if lines and all(line.split(sign) == line.split() for line in lines):
            return sign
    return "whitespace"


def look_at(member: Member, skip: int = 0) -> tuple[Look, str]:
    """A file's header and first rows, and its encoding.

    Raises:
        DataError: It is not text or holds no header.
    """
    head, encoding = head_of(member)
    found = look(head.lines, skip)
    if found is None or not found.header:
        raise DataError(f"{member} holds no rows: expected a header and one row a sample")
    return found, encoding


def head_of(member: Member) -> tuple[Head, str]:
    """A text file's beginning and its encoding.

    Raises:
        DataError: It cannot be read or is not text.
    """
    raw = member.head()
    text, encoding = decode(raw, str(member))
    return Head(member=member, raw=raw, text=text), encoding


def file_name(member: Member) -> str:
    """The name without folders and without the suffix of a compression."""
    name = PurePosixPath(member.name or member.path.name).name
    for suffix in SUFFIXES:
        name = name[: -len(suffix)] if name.lower().endswith(suffix) else name
    return name


def stem(member: Member) -> str:
    """The name without folders and suffixes."""
    return PurePosixPath(file_name(member)).stem


def beside(member: Member, name: str) -> Member | None:
    """A file of another name in the same folder or archive; None if there is none."""
    import zipfile

    if member.inner is None:
        path = member.path.with_name(name)
        return Member(path=path, inner=None, name=name) if path.is_file() else None
    inner = str(PurePosixPath(member.inner).with_name(name))
    try:
        with zipfile.ZipFile(member.path) as archive:
            return Member(path=member.path, inner=inner, name=name) if inner in archive.namelist() else None
    except (OSError, zipfile.BadZipFile):
        return None
