"""A look into a user's file of any size: contiguous rows from its start, its end and places between.

Used by `factory init`; reading the whole file is `sources.table`'s work.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from factory.contracts.errors import DataError
from factory.contracts.progress import Progress

_PLACES = 24
_BYTES = 1 << 19
_ROWS = 10_000
_BLOCK_BYTES = 4 << 20
_NUMBERS_WITH_COMMA = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """Some of a table's rows.

    Attributes:
        names: Every column, in order.
        chunks: pyarrow Tables of consecutive rows, in the file's order; all with the same column types.
        whole: Whether the chunks are all of the file.
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


def take_sample(path: Path) -> Sample:
    """Read rows from places spread over the whole file.

    Raises:
        DataError: Not a CSV with commas or a Parquet file, empty, or without rows; says what it is instead.
    """
    if path.is_dir():
        raise DataError(f"{path} is a folder: name one .csv or .parquet file, one row a sample")
    if not path.is_file():
        raise DataError(f"{path} does not exist: name a .csv or .parquet file")
    if path.suffix not in (".csv", ".parquet"):
        raise DataError(f"{path}: expected a .csv or .parquet file, got '{path.suffix}'")
    if path.stat().st_size == 0:
        raise DataError(f"{path} is empty: expected a header and one row a sample")
    sample = _parquet(path) if path.suffix == ".parquet" else _csv(path)
    if not any(chunk.num_rows for chunk in sample.chunks):
        raise DataError(f"{path} has a header and no rows: expected one row a sample")
    return sample


def stream_texts(path: Path, names: Sequence[str], progress: Progress) -> Iterator[list[list[str]]]:
    """All rows' texts of a few columns, batch by batch, one list a column; for counting people and classes.

    Raises:
        DataError: A row cannot be read.
    """
    import pyarrow as pa
    from pyarrow import csv as arrow_csv
    from pyarrow import parquet

    with progress.track(f"count {path.name}", None, "rows") as bar:
        try:
            if path.suffix == ".parquet":
                batches: Iterator[Any] = parquet.ParquetFile(path).iter_batches(65_536, columns=list(names))
            else:
                convert = arrow_csv.ConvertOptions(
                    column_types=dict.fromkeys(names, pa.string()), include_columns=list(names)
                )
                read = arrow_csv.ReadOptions(use_threads=False, block_size=_BLOCK_BYTES)
                batches = iter(arrow_csv.open_csv(path, read_options=read, convert_options=convert))
            for batch in batches:
                yield [batch.column(name).cast(pa.string()).fill_null("").to_pylist() for name in names]
                bar.advance(batch.num_rows)
        except pa.ArrowInvalid as error:
            raise DataError(f"{path} cannot be read: {' '.join(str(error).split())[:200]}: repair the row") from error


def _parquet(path: Path) -> Sample:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as file:
            groups = file.num_row_groups
            chosen = sorted({round(i * (groups - 1) / (_PLACES - 1)) for i in range(_PLACES)}) if groups else []
            chunks = []
            for group in chosen:
                batch = next(file.iter_batches(_ROWS * _PLACES // len(chosen), row_groups=[group]), None)
                if batch is not None:
                    chunks.append(pa.Table.from_batches([batch]))
            names = tuple(str(name) for name in file.schema_arrow.names)
            whole = sum(chunk.num_rows for chunk in chunks) == file.metadata.num_rows
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path} is not a readable Parquet file: write it again, or use CSV") from error
    return Sample(names=names, chunks=tuple(chunks), whole=whole)


def _csv(path: Path) -> Sample:
    names = _header(path)
    size = path.stat().st_size
    whole = size <= _PLACES * _BYTES
    with path.open("rb") as handle:
        handle.readline()
        begin = handle.tell()
        if whole:
            pieces = [handle.read()]
        else:
            pieces = [handle.read(_BYTES)]
            for place in range(1, _PLACES):
                handle.seek(begin + place * (size - begin - _BYTES) // (_PLACES - 1))
                handle.readline()
                pieces.append(handle.read(_BYTES))
    if not whole:
        pieces = [piece[: piece.rfind(b"\n") + 1] for piece in pieces]
    return Sample(
        names=names, chunks=tuple(_parse(path, names, piece) for piece in pieces if piece.strip()), whole=whole
    )


def _header(path: Path) -> tuple[str, ...]:
    with path.open("rb") as handle:
        raw, second = handle.readline(1 << 16), handle.readline(1 << 16)
    if b"\0" in raw + second:
        raise DataError(f"{path} is not text: expected CSV, one header row and one row a sample")
    try:
        line, row = raw.decode("utf-8-sig").strip(), second.decode("utf-8").strip()
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 text: save it as CSV UTF-8") from error
    for separator, word in ((";", "semicolons"), ("\t", "tabs")):
        if line.count(separator) > line.count(","):
            decimal = " and decimal commas" if row.count(",") >= _NUMBERS_WITH_COMMA else ""
            raise DataError(
                f"{path} separates columns by {word}{' and writes' + decimal[4:] if decimal else ''}: "
                "save it as CSV with commas between columns and points in numbers"
            )
    names = next(csv.reader(io.StringIO(line)), [])
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise DataError(f"{path}: column {', '.join(repeated)} stands twice in the header: rename one")
    if len(names) > 1 and all(_is_number(name) for name in names):
        raise DataError(f"{path} has no header row: write the columns' names into the first row")
    return tuple(names)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _parse(path: Path, names: tuple[str, ...], piece: bytes) -> Any:
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    try:
        return arrow_csv.read_csv(
            io.BytesIO(piece), read_options=arrow_csv.ReadOptions(column_names=list(names), use_threads=False)
        )
    except pa.ArrowInvalid as error:
        raise DataError(f"{path} cannot be read: {' '.join(str(error).split())[:200]}: repair the row") from error
