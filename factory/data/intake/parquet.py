"""Parquet files as sheets."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from factory.contracts.errors import DataError
from factory.contracts.table import MISSING
from factory.data.intake.arrays import NotANumberError, as_kind, column_of
from factory.data.intake.members import Member
from factory.data.intake.sheet import Kind

_BATCH_ROWS = 65_536


class ParquetSheet:
    """A Parquet file; columns of lists and structures are left out."""

    def __init__(self, member: Member) -> None:
        self.member = member
        self.dropped = 0

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Every column that holds single values.

        Raises:
            DataError: No readable Parquet file.
        """
        import pyarrow as pa
        from pyarrow import parquet

        try:
            with self.member.open() as handle, parquet.ParquetFile(handle) as file:
                return tuple(str(field.name) for field in file.schema_arrow if not pa.types.is_nested(field.type))
        except (pa.ArrowException, OSError) as error:
            raise self._damaged(error) from error

    def batches(self, wanted: Mapping[str, Kind], drop_faulty: bool = False) -> Iterator[Any]:
        """See `Sheet.batches`.

        Raises:
            DataError: It is damaged, a column is not there, or one of numbers holds something else.
        """
        import pyarrow as pa
        from pyarrow import parquet

        if absent := [name for name in wanted if name not in self.names]:
            raise DataError(
                f"{self.member} has no column {', '.join(map(repr, absent))}; it has {', '.join(self.names):.300}: "
                "correct the description"
            )
        self.dropped, first = 0, 0
        try:
            # A buffered stream: without it a whole row group's column is read at once.
            with self.member.open() as handle, parquet.ParquetFile(handle, buffer_size=1 << 20, pre_buffer=False) as f:
                for batch in f.iter_batches(_BATCH_ROWS, columns=list(wanted), use_threads=False):
                    arrays = [
                        self._wanted(column_of(batch.column(name)), name, kind, first, drop_faulty)
                        for name, kind in wanted.items()
                    ]
                    yield pa.RecordBatch.from_arrays(arrays, names=list(wanted))
                    first += batch.num_rows
        except (pa.ArrowException, OSError) as error:
            raise self._damaged(error) from error

    def line(self, row: int) -> str:
        """See `Sheet.line`."""
        return f"{self.member}, row {row + 1}"

    def _wanted(self, column: Any, name: str, kind: Kind, first: int, lenient: bool) -> Any:
        if kind == "any":
            return column
        try:
            return as_kind(column, kind, frozenset(MISSING), lenient)
        except NotANumberError as error:
            raise DataError(
                f"{self.line(first + error.place)}: column '{name}' holds '{error.text:.60}', expected a number: "
                "name another column, or say timestamp_unit = 'iso' if it holds dates"
            ) from error

    def _damaged(self, error: Exception) -> DataError:
        said = (str(error).splitlines() or [type(error).__name__])[0]
        return DataError(f"{self.member} is not a readable Parquet file ({said:.120}): write it again, or use CSV")
