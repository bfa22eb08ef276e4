"""A user's CSV or Parquet file, batch by batch in constant memory, with faults located to the row."""

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from factory.contracts.errors import DataError
from factory.contracts.table import TableDescription
from factory.contracts.window import name_fault
from factory.data.sources.table_faults import first_fault

_BLOCK_BYTES = 4 << 20
_BATCH_ROWS = 65_536
_NANOSECONDS_ISO = 1e-9
_SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9, "iso": _NANOSECONDS_ISO}


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """Consecutive rows.

    Attributes:
        first: Place of the first row among the data rows, from 0.
        ticks: (n,) time stamps in the file's unit; nanoseconds for 'iso'.
        values: (n, C) as stored.
        subject: (n,) codes into `subjects`; the other pairs alike.
    """

    first: int
    ticks: NDArray[np.float64] | NDArray[np.int64]
    values: NDArray[np.float64]
    subject: NDArray[np.int64]
    subjects: list[str]
    session: NDArray[np.int64]
    sessions: list[str]
    label: NDArray[np.int64]
    labels: list[str]


class TableReader:
    """Reads the file of a description."""

    def __init__(self, description: TableDescription, path: Path) -> None:
        self._description = description
        self.path = path
        columns = description.columns
        self._text = [name for name in (columns.subject, columns.session, columns.label) if name]
        if description.timestamp_unit == "iso":
            self._text.append(columns.timestamp)
        self._numbers = [channel.column for channel in description.channels]
        if description.timestamp_unit != "iso":
            self._numbers.append(columns.timestamp)

    @property
    def seconds_a_tick(self) -> float:
        """Length of one step of `Batch.ticks`."""
        return _SECONDS[self._description.timestamp_unit]

    def check(self) -> None:
        """Look at the header.

        Raises:
            DataError: The file is not there, empty or of another kind, or lacks a column; names it.
        """
        names = self._names()
        wanted = self._text + self._numbers
        if missing := [name for name in wanted if name not in names]:
            raise DataError(
                f"{self.path}: no column {', '.join(repr(name) for name in missing)}; the file has "
                f"{', '.join(names)}: correct the description (columns are separated by commas)"
            )
        if twice := sorted({name for name in wanted if names.count(name) > 1}):
            raise DataError(f"{self.path}: column {', '.join(twice)} stands twice in the header: rename one")

    def labels(self) -> list[str]:
        """Every text of the label column, sorted; reads that column alone.

        Raises:
            DataError: As `batches`.
        """
        name = self._description.columns.label
        found: set[str] = set()
        for batch in self._record_batches([name], []):
            found.update(_encode(batch.column(name))[1])
        return sorted(found)

    def batches(self, advance: Callable[[int], None]) -> Iterator[Batch]:
        """Every row, in order; `advance` is told the number of rows.

        Raises:
            DataError: A row is short or long, a value missing, not a number or not finite, the text not UTF-8, or
                the file empty; names file, row and remedy.
        """
        self.check()
        first = 0
        for record in self._record_batches(self._text, self._numbers):
            yield self._batch(record, first)
            first += record.num_rows
            advance(record.num_rows)
        if first == 0:
            raise DataError(f"{self.path} holds a header and no rows: record again, or name another file")

    def row(self, place: int) -> str:
        """How a person finds data row `place` (from 0) in the file."""
        if self.path.suffix == ".parquet":
            return f"{self.path}, row {place + 1}"
        with self.path.open("rb") as handle:
            seen = -2
            for number, line in enumerate(handle, 1):
                seen += bool(line.strip())  # blank lines are skipped by the reader
                if seen == place:
                    return f"{self.path}, row {number}"
        return f"{self.path}, row {place + 2}"

    def _names(self) -> list[str]:
        import pyarrow.parquet as parquet

        if not self.path.is_file():
            raise DataError(f"{self.path} does not exist: correct 'file' in the description (relative to that TOML)")
        if self.path.suffix == ".parquet":
            try:
                return [str(name) for name in parquet.read_schema(self.path).names]
            except (ValueError, OSError) as error:  # pyarrow's ArrowInvalid is a ValueError
                raise DataError(f"{self.path} is not a readable Parquet file: write it again, or use CSV") from error
        if self.path.suffix != ".csv":
            raise DataError(f"{self.path}: expected a .csv or .parquet file, got '{self.path.suffix}'")
        with self.path.open("rb") as handle:
            line = handle.readline()
        if not line.strip():
            raise DataError(f"{self.path} is empty: expected a header row and one row a sample")
        try:
            return next(csv.reader([line.decode("utf-8-sig")]))
        except UnicodeDecodeError as error:
            raise DataError(f"{self.path}, row 1 is not UTF-8: save the file as CSV UTF-8") from error

    def _record_batches(self, text: list[str], numbers: list[str]) -> Iterator[Any]:
        """Record batches of the wanted columns; text as strings, numbers as float64 or integers."""
        import pyarrow as pa

        opened = self._open_parquet if self.path.suffix == ".parquet" else self._open_csv
        try:
            yield from opened(text, numbers)
        except (pa.ArrowException, OSError) as error:
            raise self._diagnose(error) from error

    def _open_csv(self, text: list[str], numbers: list[str]) -> Iterator[Any]:
        import pyarrow as pa
        from pyarrow import csv as arrow_csv

        ticks = [self._description.columns.timestamp] if self._description.timestamp_unit in ("us", "ns") else []
        types = dict.fromkeys(text, pa.string()) | dict.fromkeys(numbers, pa.float64())
        types |= {name: pa.int64() for name in ticks if name in numbers}
        with arrow_csv.open_csv(
            self.path,
            read_options=arrow_csv.ReadOptions(use_threads=False, block_size=_BLOCK_BYTES),
            convert_options=arrow_csv.ConvertOptions(column_types=types, include_columns=text + numbers),
        ) as reader:
            yield from reader

    def _open_parquet(self, text: list[str], numbers: list[str]) -> Iterator[Any]:
        from pyarrow import parquet

        # A buffered stream: without it a whole row group's column is read at once.
        with parquet.ParquetFile(self.path, buffer_size=1 << 20, pre_buffer=False) as file:
            yield from file.iter_batches(_BATCH_ROWS, columns=text + numbers, use_threads=False)

    def _batch(self, record: Any, first: int) -> Batch:
        columns = self._description.columns
        values = np.empty((record.num_rows, len(self._description.channels)))
        for index, channel in enumerate(self._description.channels):
            values[:, index] = self._numeric(record, channel.column, first)
        self._require_finite(values, first)
        subject, subjects = _encode(record.column(columns.subject))
        if "" in subjects:
            place = first + int(np.argmax(subject == subjects.index("")))
            raise DataError(f"{self.row(place)}: column '{columns.subject}' is empty: every row needs a subject")
        for code, name in enumerate(subjects):
            if fault := name_fault(name):
                place = first + int(np.argmax(subject == code))
                raise DataError(f"{self.row(place)}: subject {name!r:.80} {fault}: rename that person")
        session, sessions = (
            _encode(record.column(columns.session)) if columns.session else (np.zeros_like(subject), [""])
        )
        label, labels = _encode(record.column(columns.label))
        return Batch(
            first=first,
            ticks=self._ticks(record, first),
            values=values,
            subject=subject,
            subjects=subjects,
            session=session,
            sessions=sessions,
            label=label,
            labels=labels,
        )

    def _ticks(self, record: Any, first: int) -> NDArray[np.float64] | NDArray[np.int64]:
        name = self._description.columns.timestamp
        if self._description.timestamp_unit == "iso":
            return self._iso(record.column(name), first)
        ticks = self._numeric(record, name, first)
        if not np.isfinite(ticks).all():
            place = first + int(np.argmin(np.isfinite(ticks)))
            raise DataError(f"{self.row(place)}: time stamp in '{name}' is empty or not finite: remove the row")
        return ticks

    def _numeric(self, record: Any, name: str, first: int) -> NDArray[np.float64] | NDArray[np.int64]:
        import pyarrow as pa

        column = record.column(name)
        if not (pa.types.is_floating(column.type) or pa.types.is_integer(column.type)):
            raise DataError(
                f"{self.path}: column '{name}' holds {column.type}, expected numbers: convert it, "
                "or say timestamp_unit = 'iso' if it holds dates"
            )
        if pa.types.is_integer(column.type) and column.null_count == 0:
            whole: NDArray[np.int64] = column.cast(pa.int64()).to_numpy(zero_copy_only=False)
            return whole
        numbers: NDArray[np.float64] = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
        return numbers

    def _iso(self, column: Any, first: int) -> NDArray[np.int64]:
        """Nanoseconds since 1970 of text or Arrow time stamps."""
        import pyarrow as pa

        if pa.types.is_timestamp(column.type):
            column = column.cast(pa.timestamp("ns", column.type.tz))
        elif pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            column = self._parse_iso(column, first)
        else:
            raise DataError(
                f"{self.path}: time stamps are {column.type}, not dates: set timestamp_unit to s, ms, us or ns"
            )
        if column.null_count:
            place = first + int(np.argmin(column.is_valid().to_numpy(zero_copy_only=False)))
            raise DataError(f"{self.row(place)}: the time stamp is empty: remove the row")
        nanoseconds: NDArray[np.int64] = column.cast(pa.int64()).to_numpy(zero_copy_only=False)
        return nanoseconds

    def _parse_iso(self, column: Any, first: int) -> Any:
        import pyarrow as pa

        sample = column[0].as_py() or ""
        zoned = sample.endswith("Z") or "+" in sample or sample[19:].count("-") > 0
        kind = pa.timestamp("ns", "UTC" if zoned else None)
        try:
            return column.cast(kind)
        except pa.ArrowInvalid as error:
            for place, text in enumerate(column.to_pylist()):
                try:
                    pa.scalar(text).cast(kind)
                except pa.ArrowInvalid:
                    raise DataError(
                        f"{self.row(first + place)}: time stamp '{text}' is not a date and time like "
                        "2026-01-31T12:00:00.020: correct it, or set timestamp_unit"
                    ) from error
            raise

    def _require_finite(self, values: NDArray[np.float64], first: int) -> None:
        finite = np.isfinite(values)
        if finite.all():
            return
        place, index = np.unravel_index(int(np.argmin(finite)), finite.shape)
        got = "infinite" if np.isinf(values[place, index]) else "empty or NaN"
        raise DataError(
            f"{self.row(first + int(place))}: column '{self._description.channels[int(index)].column}' is {got}: "
            "remove the row (a gap is handled by data.max_gap_s) or repair the recording"
        )

    def _diagnose(self, error: Exception) -> DataError:
        """The fault behind an Arrow error, located by reading the file once more, slowly."""
        if self.path.suffix == ".parquet":
            return DataError(f"{self.path} is damaged ({str(error).splitlines()[0]}): write it again")
        return first_fault(self.path, self._numbers) or DataError(f"{self.path} cannot be read: {error}")


def _encode(column: Any) -> tuple[NDArray[np.int64], list[str]]:
    """Codes and texts of a column of any type; missing values become the empty text."""
    import pyarrow as pa

    encoded = column.cast(pa.string()).fill_null("").dictionary_encode()
    codes: NDArray[np.int64] = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    return codes, encoded.dictionary.to_pylist()
