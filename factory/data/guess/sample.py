"""A look into a user's files of any size: contiguous rows from places spread over all of them.

Used by `factory init`; reading everything is `sources.table`'s work.
"""

import io
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from factory.contracts.errors import DataError
from factory.contracts.progress import Progress
from factory.contracts.table import MISSING, Reading
from factory.data.intake.arrays import as_kind, as_text
from factory.data.intake.detect import open_sheet
from factory.data.intake.members import Member
from factory.data.intake.sheet import MOST_VALUE, Kind, Sheet, is_number, mostly
from factory.data.intake.text import TextSheet

_PLACES = 24
_BYTES = 1 << 19
_ROWS = 240_000
_MOST_FILES = 240


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """Some rows of a set of files.

    Attributes:
        names: Every column of every file, in order, and the fields of their paths in braces: '{subject}'.
        chunks: pyarrow Tables of consecutive rows of one file each, in the files' order; all with the same columns and
            types. What a file does not hold is null; so is what stands for a missing number.
        whole: Whether the chunks are all there is.
    """

    names: tuple[str, ...]
    chunks: tuple[Any, ...]
    whole: bool

    def numeric(self, name: str) -> bool:
        """Whether a column holds numbers only."""
        import pyarrow as pa

        kind = self.chunks[0].schema.field(name).type
        return bool(pa.types.is_floating(kind) or pa.types.is_integer(kind))

    def texts(self, name: str) -> list[str]:
        """The different texts of a column, sorted."""
        found: set[str] = set()
        for chunk in self.chunks:
            found.update(text for text in as_text(chunk.column(name).combine_chunks()).unique().to_pylist() if text)
        return sorted(found)


def take_sample(members: Sequence[Member], readings: Sequence[Reading]) -> Sample:
    """Read rows from places spread over all files.

    Args:
        members: The files.
        readings: How to read them.

    Raises:
        DataError: A file cannot be read, or none holds a row.
    """
    chosen = _spread(members)
    tables: list[Any] = []
    whole = len(chosen) == len(members)
    for member in chosen:
        found, complete = _look(open_sheet(member, readings), max(1, _PLACES // len(chosen)), _ROWS // len(chosen))
        tables += [(member, table) for table in found if table.num_rows]
        whole &= complete
    if not tables:
        raise DataError(f"{members[0]} has a header and no rows: expected one row a sample")
    columns = list(dict.fromkeys(name for _, table in tables for name in table.column_names))
    fields = list(dict.fromkeys(name for member, _ in tables for name in member.fields))
    kinds = {
        name: _common_kind([table.column(name) for _, table in tables if name in table.column_names])
        for name in columns
    }
    chunks = tuple(
        _uniform(table, kinds, {name: member.fields.get(name, "") for name in fields}) for member, table in tables
    )
    return Sample(names=(*columns, *(f"{{{name}}}" for name in fields)), chunks=chunks, whole=whole)


@dataclass(kw_only=True, slots=True)
class ColumnStream:
    """All rows of a few columns, batch by batch, one file after the other; once they are read, what the files lack.

    Attributes:
        members: The files.
        readings: How to read them.
        wanted: Columns, and fields of the path in braces, and how they are wanted. A column that a file lacks is null.
        needed: A file that has none of these columns is left out; none is, where this is empty.
        progress: Told of rows.
        dropped: Rows of another length than the header's, which are left out, by file.
        strangers: The files that are left out.
        lacking: Of each wanted column, the other files that lack it.
    """

    members: Sequence[Member]
    readings: Sequence[Reading]
    wanted: Mapping[str, Kind]
    needed: Collection[str] = ()
    progress: Progress
    dropped: Counter[str] = field(default_factory=Counter, init=False)
    strangers: list[Member] = field(default_factory=list, init=False)
    lacking: defaultdict[str, list[Member]] = field(default_factory=lambda: defaultdict(list), init=False)

    def __iter__(self) -> Iterator[tuple[Member, Any]]:
        """Each file with pyarrow RecordBatches of the wanted columns.

        Raises:
            DataError: A row cannot be read; text among numbers is null.
        """
        what = self.members[0].name if len(self.members) == 1 else "rows"
        with self.progress.track(f"count {what}", None, "rows") as bar:
            for member in self.members:
                sheet = open_sheet(member, self.readings)
                if self.needed and not set(self.needed) & set(sheet.names):
                    self.strangers.append(member)
                    continue
                for batch in self._batches(member, sheet):
                    yield member, batch
                    bar.advance(batch.num_rows, note=member.name)
                if sheet.dropped:
                    self.dropped[member.name] += sheet.dropped

    def _batches(self, member: Member, sheet: Sheet) -> Iterator[Any]:
        import pyarrow as pa

        there: dict[str, Kind] = {name: kind for name, kind in self.wanted.items() if name in sheet.names}
        for name in self.wanted:
            if name not in there and not name.startswith("{"):
                self.lacking[name].append(member)
        # A file of which only the path is asked is counted by any of its columns.
        for batch in sheet.batches(there or {sheet.names[0]: "text"}, drop_faulty=True):
            columns = [
                batch.column(name) if name in there else _constant(member, name, kind, batch.num_rows)
                for name, kind in self.wanted.items()
            ]
            yield pa.RecordBatch.from_arrays(columns, names=list(self.wanted))


def _constant(member: Member, name: str, kind: Kind, rows: int) -> Any:
    import pyarrow as pa

    if name.startswith("{") and name.endswith("}"):
        return pa.array([member.fields.get(name[1:-1], "")] * rows, pa.string())
    return pa.nulls(rows, pa.string() if kind == "text" else pa.float64())


def _spread(members: Sequence[Member]) -> list[Member]:
    """At most `_MOST_FILES`, evenly spread."""
    if len(members) <= _MOST_FILES:
        return list(members)
    return [members[round(i * (len(members) - 1) / (_MOST_FILES - 1))] for i in range(_MOST_FILES)]


def _look(sheet: Sheet, places: int, rows: int) -> tuple[list[Any], bool]:
    """Tables of consecutive rows, and whether they are all there are."""
    import pyarrow as pa

    everything: dict[str, Kind] = dict.fromkeys(sheet.names, "any")
    size = sheet.member.path.stat().st_size
    if isinstance(sheet, TextSheet) and sheet.seekable and size > places * _BYTES:
        return [piece for piece in _pieces(sheet, places, size) if piece.num_rows], False
    batches, seen = [], 0
    for batch in sheet.batches(everything, drop_faulty=True):
        batches.append(batch)
        seen += batch.num_rows
        if seen >= rows:
            break
    whole = seen < rows
    if not batches:
        return [], True
    schema = batches[0].schema
    if all(batch.schema == schema for batch in batches):
        return [pa.Table.from_batches(batches).slice(0, rows)], whole
    return [pa.Table.from_batches([batch]) for batch in batches], whole


def _pieces(sheet: TextSheet, places: int, size: int) -> Iterator[Any]:
    """Whole lines from places spread over a file."""
    with sheet.member.path.open("rb") as handle:
        for place in range(places):
            start = place * max(0, size - _BYTES) // max(1, places - 1)
            handle.seek(start)
            if place:
                handle.readline()
            raw = handle.read(_BYTES)
            if handle.tell() < size:
                raw = raw[: raw.rfind(b"\n") + 1]
            yield sheet.parse(io.BytesIO(raw), at_start=place == 0)


def _common_kind(columns: Sequence[Any]) -> Kind:
    """How a column is to be taken so that every chunk of it has one type."""
    import pyarrow as pa

    kinds = [column.type for column in columns]
    if all(pa.types.is_integer(kind) or pa.types.is_null(kind) for kind in kinds) and any(
        map(pa.types.is_integer, kinds)
    ):
        return "integer"
    if all(pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_null(kind) for kind in kinds):
        return "number"
    if all(kind == kinds[0] for kind in kinds) and (pa.types.is_temporal(kinds[0])):
        return "any"
    texts = [text for column in columns for text in islice(as_text(column.combine_chunks()).to_pylist(), 4000)]
    return "number" if mostly(is_number, texts, MISSING) else "text"


def _uniform(table: Any, kinds: Mapping[str, Kind], fields: Mapping[str, str]) -> Any:
    """The table with every column, in its common type."""
    import pyarrow as pa

    arrays = []
    for name, kind in kinds.items():
        if name not in table.column_names:
            types = {"text": pa.string(), "integer": pa.int64(), "number": pa.float64()}
            arrays.append(pa.nulls(table.num_rows, types.get(kind, pa.null())))
            continue
        column = table.column(name).combine_chunks()
        if kind != "any":
            numeric = pa.types.is_integer(column.type) or pa.types.is_floating(column.type)
            column = column if numeric and kind != "text" else as_text(column)
            column = _calculable(as_kind(column, kind, frozenset(MISSING), lenient=True))
        arrays.append(column)
    arrays += [pa.array([text] * table.num_rows, pa.string()) for text in fields.values()]
    return pa.table(arrays, names=[*kinds, *(f"{{{name}}}" for name in fields)])


def _calculable(column: Any) -> Any:
    """Numbers that are infinite, or as good as that, as missing."""
    import pyarrow as pa
    from pyarrow import compute as pc

    if not pa.types.is_floating(column.type):
        return column
    return pc.if_else(pc.less(pc.abs(column), MOST_VALUE), column, pa.scalar(None, column.type))
