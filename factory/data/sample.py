"""A look into files of any number and size, and one pass over all of them.

Used by `factory init`; reading recordings is `sources.table`'s work.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from factory.contracts.errors import DataError
from factory.contracts.progress import Progress
from factory.contracts.table import Reading
from factory.data.intake.detect import open_sheet
from factory.data.intake.members import Member
from factory.data.intake.sheet import Kind

_ROWS = 200_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """Some of the rows of some files.

    Attributes:
        names: Every column of every file, then the fields of the path in braces: '{subject}'.
        chunks: pyarrow Tables of consecutive rows, each of one file; all with the same column types.
        whole: Whether the chunks are all there is.
    """

    names: tuple[str, ...]
    chunks: tuple[Any, ...]
    whole: bool

    def numeric(self, name: str) -> bool:
        """Whether a column holds numbers only."""
        import pyarrow as pa

        kinds = [chunk.schema.field(name).type for chunk in self.chunks]
        return all(pa.types.is_floating(kind) or pa.types.is_integer(kind) for kind in kinds)

    def texts(self, name: str) -> list[str]:
        """The different texts of a column, sorted."""
        import pyarrow as pa

        found: set[str] = set()
        for chunk in self.chunks:
            found.update(
                str(text) for text in chunk.column(name).unique().cast(pa.string()).to_pylist() if text is not None
            )
        return sorted(found)


def take_sample(members: Sequence[Member], readings: Sequence[Reading]) -> Sample:
    """Read rows from all over the files.

    Raises:
        DataError: A file cannot be read, or none has rows.
    """
    import pyarrow as pa

    tables, whole, most = [], True, max(2000, _ROWS // len(members))
    for member in members:
        sheet = open_sheet(member, readings)
        parts, rows = [], 0
        for batch in sheet.batches(dict.fromkeys(sheet.names, "any"), True):
            parts.append(pa.Table.from_batches([batch]))
            rows += batch.num_rows
            if rows >= most:
                whole = False
                break
        if parts:
            table = pa.concat_tables(parts, promote_options="permissive").combine_chunks().slice(0, most)
            for name, text in member.fields.items():
                table = table.append_column(f"{{{name}}}", pa.array([text] * table.num_rows, pa.string()))
            tables.append(table)
    if not any(table.num_rows for table in tables):
        raise DataError(f"{members[0]} has a header and no rows: expected one row a sample")
    joined = pa.concat_tables(tables, promote_options="permissive")
    chunks, place = [], 0
    for table in tables:
        chunks.append(joined.slice(place, table.num_rows).combine_chunks())
        place += table.num_rows
    names = sorted(joined.column_names, key=lambda name: name.startswith("{"))
    return Sample(names=tuple(names), chunks=tuple(chunks), whole=whole)


def stream_columns(
    members: Sequence[Member], readings: Sequence[Reading], wanted: Mapping[str, Kind], progress: Progress
) -> Iterator[Any]:
    """All rows of a few columns, in the files' order, each batch of one file.

    Raises:
        DataError: A row cannot be read.
    """
    import pyarrow as pa

    with progress.track("count", None, "rows") as bar:
        for member in members:
            sheet = open_sheet(member, readings)
            there = {name: kind for name, kind in wanted.items() if name in sheet.names}
            for batch in sheet.batches(there, True):
                bar.advance(batch.num_rows)
                columns = []
                for name, kind in wanted.items():
                    if name in there:
                        columns.append(batch.column(name))
                    elif name.startswith("{"):
                        columns.append(pa.array([member.fields.get(name[1:-1], "")] * batch.num_rows, pa.string()))
                    else:
                        none = pa.string() if kind == "text" else pa.float64()
                        columns.append(pa.nulls(batch.num_rows, none))
                yield pa.RecordBatch.from_arrays(columns, names=list(wanted))
