"""Delimited text as a sheet: any encoding, delimiter and decimal sign, batch by batch in constant memory."""

import codecs
import csv
import io
import re
import sys
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import cached_property
from itertools import islice
from typing import IO, Any

from factory.contracts.errors import DataError
from factory.contracts.table import Reading
from factory.data.intake.decoding import decoding, short
from factory.data.intake.dialect import MINUS
from factory.data.intake.members import SUFFIXES, Member
from factory.data.intake.sheet import Kind, mostly, require_columns

Lines = Callable[[Iterator[bytes]], Iterator[bytes]]

_BLOCK_BYTES, _LEAST_BLOCK = 4 << 20, 1 << 16
_LOOKED_AT = 1000
_WHITESPACE = "whitespace"
_WHOLE = re.compile(r"[+-]?\d+")
_NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$|^[+-]?(inf|Inf|INF|infinity)$"


class TextSheet:
    """A delimited text file as a sheet.

    Args:
        member: The file.
        reading: How to read it.
        rename: Old to new names of columns.
        lines: Rewrites raw lines (UTF-8, with their ends), for layouts that are almost delimited text. Faults are still
            named by the file's own lines.
    """

    def __init__(
        self,
        member: Member,
        reading: Reading,
        rename: Mapping[str, str] | None = None,
        lines: Lines | None = None,
    ) -> None:
        self.member = member
        self.dropped = 0
        self._reading = reading
        self._rename = dict(rename or {})
        self._lines = lines

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Every column; one without a name is called after its place (c7), a repeated name gets a number.

        Raises:
            DataError: The file is empty or cannot be decoded.
        """
        if self._reading.names is not None:
            return self._distinct(list(self._reading.names))
        with self._decoding(), self._utf8() as stream:
            first = self._first_line(stream)
        cells = self._cells(first)
        if not self._reading.header:
            return self._distinct([f"c{place}" for place in range(1, len(cells) + 1)])
        return self._distinct(cells)

    def batches(self, wanted: Mapping[str, Kind], drop_faulty: bool = False) -> Iterator[Any]:
        """See `Sheet.batches`.

        Raises:
            DataError: A row cannot be used; names file, line and remedy.
        """
        import pyarrow as pa

        self.dropped = 0
        names = self.names
        require_columns(self, wanted)
        try:
            with self._decoding(), self._utf8() as stream:
                self._skip_header(stream)
                yield from self._read(stream, names, wanted, drop_faulty)
        except pa.ArrowException as error:
            fault = self._first_fault(names, wanted)
            raise fault or DataError(f"{self.member} cannot be read ({short(error)}): export it again") from error

    def line(self, row: int) -> str:
        """See `Sheet.line`."""
        for place, (number, _) in enumerate(self._data_lines(len(self.names), self.dropped > 0)):
            if place == row:
                return f"{self.member}, line {number}"
        return f"{self.member}, row {row + 1}"

    @property
    def seekable(self) -> bool:
        """Whether `parse` can read lines from any place of the file on disk."""
        return self._plain and self.member.inner is None and not self.member.name.lower().endswith(SUFFIXES)

    def parse(self, stream: IO[bytes], at_start: bool) -> Any:
        """A table of whole lines taken from the file, columns typed as they look.

        Args:
            stream: The lines.
            at_start: Whether they are the file's first.
        """
        import pyarrow as pa

        buffered = io.BufferedReader(stream)  # type: ignore[type-var]
        if at_start:
            self._skip_to_rows(buffered)
            self._skip_header(buffered)
        everything: dict[str, Kind] = dict.fromkeys(self.names, "any")
        try:
            with self._decoding():
                return pa.Table.from_batches(list(self._read(buffered, self.names, everything, True)))
        except (pa.ArrowException, ValueError):
            return pa.table({})

    def _read(
        self, stream: IO[bytes], names: tuple[str, ...], wanted: Mapping[str, Kind], drop_faulty: bool
    ) -> Iterator[Any]:
        import pyarrow as pa
        from pyarrow import csv as arrow

        def on_odd_row(row: Any) -> str:
            blank = not row.text.strip()
            if drop_faulty and not blank:
                self.dropped += 1
            return "skip" if drop_faulty or blank else "error"

        lenient = {
            name
            for name, kind in wanted.items()
            if kind in ("number", "integer") and (drop_faulty or self._reading.thousands)
        }
        types = {name: self._type(kind, name) for name, kind in wanted.items() if name not in lenient and kind != "any"}
        types |= dict.fromkeys(lenient, pa.string())
        convert = arrow.ConvertOptions(
            column_types=types,
            include_columns=list(wanted),
            null_values=list(self._reading.missing),
            strings_can_be_null=False,
            decimal_point=self._reading.decimal,
        )
        parse = arrow.ParseOptions(delimiter=self._separator, invalid_row_handler=on_odd_row)
        read = arrow.ReadOptions(use_threads=False, block_size=self._block(stream), column_names=list(names))
        if not stream.peek(1):  # type: ignore[attr-defined]
            return
        native = self._native(stream)
        with _unspoken():
            reader = arrow.open_csv(native, read_options=read, parse_options=parse, convert_options=convert)
        with reader:
            while True:
                with _unspoken():
                    batch = next(reader, None)
                if batch is None:
                    return
                if any(pa.types.is_binary(field.type) for field in batch.schema):
                    raise UnicodeError(f"not {self._reading.encoding}")
                yield self._to_numbers(batch, lenient | self._spelled(batch, wanted))

    def _block(self, stream: IO[bytes]) -> int:
        """Bytes to parse at once: a small file needs no large block."""
        if not self._plain or not isinstance(getattr(stream, "raw", None), io.FileIO):
            return _BLOCK_BYTES
        return min(_BLOCK_BYTES, max(_LEAST_BLOCK, self.member.path.stat().st_size))

    def _native(self, stream: IO[bytes]) -> Any:
        """The stream as pyarrow reads it fastest: straight from the disk where the bytes are taken as they are."""
        import pyarrow as pa

        if not (self._plain and isinstance(getattr(stream, "raw", None), io.FileIO)):
            return stream
        file = pa.OSFile(str(self.member.path))
        file.seek(stream.tell())
        return file

    def _type(self, kind: Kind, name: str) -> Any:
        import pyarrow as pa

        if kind == "text":
            return pa.string()
        return pa.int64() if kind == "integer" and name in self._whole else pa.float64()

    @cached_property
    def _whole(self) -> frozenset[str]:
        """Columns whose first values are whole numbers."""
        rows = [self._cells(text) for _, text in islice(self._data_lines(len(self.names), True), _LOOKED_AT)]
        return (
            frozenset(
                name
                for name, values in zip(self.names, zip(*rows, strict=True), strict=True)
                if all(_WHOLE.fullmatch(value.strip()) for value in values)
            )
            if rows
            else frozenset()
        )

    def _spelled(self, batch: Any, wanted: Mapping[str, Kind]) -> set[str]:
        """Columns of any type that were taken for texts, but hold numbers as this file spells them, and few others."""
        import pyarrow as pa

        if not self._reading.thousands and self._reading.decimal == ".":
            return set()
        texts = (n for n, kind in wanted.items() if kind == "any" and pa.types.is_string(batch.schema.field(n).type))
        looked_at = {name: batch.column(name).slice(0, _LOOKED_AT).to_pylist() for name in texts}
        return {name for name, seen in looked_at.items() if mostly(self._is_number, seen, ("", *self._reading.missing))}

    def _to_numbers(self, batch: Any, names: set[str]) -> Any:
        """Texts to float64; what is no number becomes null."""
        import pyarrow as pa
        from pyarrow import compute as pc

        if not names:
            return batch
        columns = []
        for name in batch.schema.names:
            column = batch.column(name)
            if name in names:
                text = pc.utf8_trim_whitespace(column)
                if self._reading.thousands:
                    text = pc.replace_substring(text, self._reading.thousands, "")
                if self._reading.decimal != ".":
                    text = pc.replace_substring(text, self._reading.decimal, ".")
                fits = pc.match_substring_regex(text, _NUMBER)
                column = pc.cast(pc.if_else(fits, text, pa.scalar(None, pa.string())), pa.float64())
            columns.append(column)
        return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)

    @property
    def _separator(self) -> str:
        return " " if self._reading.delimiter == _WHITESPACE else self._reading.delimiter

    def _utf8(self) -> IO[bytes]:
        """The file as UTF-8, at its first line, without what is skipped; read by line only where it must be."""
        codecs.lookup(self._codec)
        raw = self.member.open()
        if self._plain:
            stream = raw if isinstance(raw, io.BufferedReader) else io.BufferedReader(raw)  # type: ignore[type-var]
            self._skip_to_rows(stream)
            return stream
        return io.BufferedReader(_LineStream(self._rewritten(raw), raw), _BLOCK_BYTES)

    @property
    def _plain(self) -> bool:
        """Whether the bytes can be parsed as they are."""
        if self._odd:
            return False
        utf8 = self._reading.encoding.lower().replace("_", "-") in ("utf-8", "utf8", "ascii", "utf-8-sig")
        rewritten = self._lines is not None or self._reading.comment or self._reading.delimiter == _WHITESPACE
        return utf8 and not rewritten

    @cached_property
    def _odd(self) -> bool:
        """Whether lines end by carriage returns alone, or numbers have a typographic minus sign."""
        head = self.member.head(1 << 16)
        return (b"\r" in head and b"\n" not in head) or MINUS.encode() in head

    def _skip_to_rows(self, stream: "io.BufferedReader[Any]") -> None:
        if stream.peek(3)[:3] == b"\xef\xbb\xbf":
            stream.read(3)
        for _ in range(self._reading.skip):
            stream.readline()

    def _rewritten(self, raw: IO[bytes]) -> Generator[bytes]:
        yield from (text for _, text in self._numbered(raw))

    def _numbered(self, raw: IO[bytes]) -> Iterator[tuple[int, bytes]]:
        """Lines with the number of the file's own line that they come from."""
        at = 0

        def counted() -> Iterator[bytes]:
            nonlocal at
            with io.TextIOWrapper(raw, encoding=self._codec, newline="") as text:
                for line in text:
                    at += 1
                    line = line[:-1] + "\n" if line.endswith("\r") else line
                    if at > self._reading.skip and not self._is_comment(line):
                        yield (line.replace(MINUS, "-") if MINUS in line else line).encode()

        lines = counted() if self._lines is None else self._lines(counted())
        for line in lines:
            yield at, _collapsed(line) if self._reading.delimiter == _WHITESPACE else line

    @property
    def _codec(self) -> str:
        name = self._reading.encoding.lower()
        if name in ("utf-16-le", "utf-16-be", "utf-16le", "utf-16be"):
            return name
        return "utf-8-sig" if name.replace("_", "-") in ("utf-8", "utf8", "ascii") else name

    def _is_comment(self, line: str) -> bool:
        return self._reading.comment is not None and line.lstrip("\ufeff").startswith(self._reading.comment)

    def _first_line(self, stream: IO[bytes]) -> str:
        for line in stream:
            if line.strip():
                return line.decode()
        raise DataError(f"{self.member} holds no rows: expected a table of recordings, one row a sample")

    def _skip_header(self, stream: IO[bytes]) -> None:
        if self._reading.header:
            self._first_line(stream)

    def _cells(self, line: str) -> list[str]:
        try:
            return next(csv.reader([line.rstrip("\r\n")], delimiter=self._separator), [])
        except csv.Error as error:
            raise DataError(f"{self.member} is no delimited text ({error}): export it as CSV") from error

    def _distinct(self, cells: list[str]) -> tuple[str, ...]:
        names: list[str] = []
        for place, cell in enumerate(cells, 1):
            bare = cell.strip().strip("\ufeff") or f"c{place}"
            name = self._rename.get(bare, bare)
            number = 2
            while name in names:
                name, number = f"{bare}_{number}", number + 1
            names.append(name)
        return tuple(names)

    def _data_lines(self, columns: int, skip_odd: bool) -> Iterator[tuple[int, str]]:
        """Number and text of each line that gives a row."""
        header = self._reading.header
        with self._decoding():
            for number, raw in self._numbered(self.member.open()):
                text = raw.decode()
                if not text.strip():
                    continue
                if header:
                    header = False
                    continue
                if not (skip_odd and len(self._cells(text)) != columns):
                    yield number, text

    def _first_fault(self, names: tuple[str, ...], wanted: Mapping[str, Kind]) -> DataError | None:
        """The first row of another length than the header, or with text among numbers; None if all look right."""
        numbers = {name for name, kind in wanted.items() if kind in ("number", "integer")}
        for number, text in self._data_lines(len(names), False):
            cells = self._cells(text)
            if len(cells) != len(names):
                return DataError(
                    f"{self.member}, line {number}: {len(cells)} values, expected {len(names)}: the file is truncated "
                    "or the row damaged; repair it, or set cleaning.faulty_rows = 'drop' in the description"
                )
            for name, cell in zip(names, cells, strict=True):
                if name in numbers and not self._is_number(cell):
                    return DataError(
                        f"{self.member}, line {number}: column '{name}' holds '{cell:.40}', expected a number: correct "
                        "the row, or set cleaning.faulty_rows = 'drop' in the description"
                    )
        return None

    def _is_number(self, cell: str) -> bool:
        bare = cell.strip()
        if bare in self._reading.missing:
            return True
        if self._reading.thousands:
            bare = bare.replace(self._reading.thousands, "")
        return re.match(_NUMBER, bare.replace(self._reading.decimal, ".")) is not None

    def _decoding(self) -> AbstractContextManager[None]:
        return decoding(self.member, self._reading.encoding)


@contextmanager
def _unspoken() -> Iterator[None]:
    """Without what Python prints of an odd row that is not even text, which pyarrow cannot hand to `on_odd_row`."""
    before, sys.unraisablehook = sys.unraisablehook, lambda _: None
    try:
        yield
    finally:
        sys.unraisablehook = before


class _LineStream(io.RawIOBase):
    """Lines as a stream of bytes; closes the file that they come from with itself."""

    def __init__(self, lines: Generator[bytes], file: IO[bytes]) -> None:
        self._lines, self._file, self._rest = lines, file, b""

    def close(self) -> None:
        self._lines.close()
        self._file.close()
        super().close()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        parts, size = [self._rest], len(self._rest)
        while size < len(buffer):
            line = next(self._lines, None)
            if line is None:
                break
            parts.append(line)
            size += len(line)
        data = b"".join(parts)
        count = min(len(buffer), len(data))
        buffer[:count], self._rest = data[:count], data[count:]
        return count


def _collapsed(line: bytes) -> bytes:
    return b" ".join(line.split()) + b"\n"
