"""Parquet files as sheets.

A column of lists of three numbers, as some exporters write a sensor's axes, becomes three: acc_x, acc_y, acc_z.
"""

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from factory.contracts.errors import DataError
from factory.contracts.table import MISSING
from factory.data.intake.arrays import NotANumberError, as_kind, column_of
from factory.data.intake.members import Member
from factory.data.intake.sheet import Kind, require_columns

_BATCH_ROWS = 65_536
_LOOKED_AT = 100
_AXES = ("x", "y", "z")


class ParquetSheet:
    """A Parquet file; columns of other lists and of structures are left out."""

    def __init__(self, member: Member) -> None:
        self.member = member
        self.dropped = 0
        self._lists: dict[str, tuple[str, int]] = {}

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
                fields = list(file.schema_arrow)
                lists = [f.name for f in fields if pa.types.is_list(f.type) or pa.types.is_fixed_size_list(f.type)]
                first = next(file.iter_batches(_LOOKED_AT, columns=lists), None) if lists else None
                for name in lists:
                    lengths = set() if first is None else {len(row) for row in first.column(name).to_pylist() if row}
                    if lengths == {len(_AXES)}:
                        self._lists |= {f"{name}_{axis}": (name, place) for place, axis in enumerate(_AXES)}
                return tuple(name for field in fields for name in self._names_of(field))
        except (pa.ArrowException, OSError, UnicodeError, OverflowError) as error:
            raise self._damaged(error) from error

    def _names_of(self, field: Any) -> list[str]:
        import pyarrow as pa

        if not pa.types.is_nested(field.type):
            return [str(field.name)]
        return [name for name, (source, _) in self._lists.items() if source == field.name]

    def batches(self, wanted: Mapping[str, Kind], drop_faulty: bool = False) -> Iterator[Any]:
        """See `Sheet.batches`.

        Raises:
            DataError: It is damaged, a column is not there, or one of numbers holds something else.
        """
        import pyarrow as pa
        from pyarrow import parquet

        require_columns(self, wanted)
        self.dropped, first = 0, 0
        stored = list(dict.fromkeys(self._lists.get(name, (name, 0))[0] for name in wanted))
        try:
            # A buffered stream: without it a whole row group's column is read at once.
            with self.member.open() as handle, parquet.ParquetFile(handle, buffer_size=1 << 20, pre_buffer=False) as f:
                for batch in f.iter_batches(_BATCH_ROWS, columns=stored, use_threads=False):
                    arrays = [
                        self._wanted(self._column(batch, name), name, kind, first, drop_faulty)
                        for name, kind in wanted.items()
                    ]
                    yield pa.RecordBatch.from_arrays(arrays, names=list(wanted))
                    first += batch.num_rows
        except (pa.ArrowException, OSError, UnicodeError, OverflowError) as error:
            raise self._damaged(error) from error

    def line(self, row: int) -> str:
        """See `Sheet.line`."""
        return f"{self.member}, row {row + 1}"

    def _column(self, batch: Any, name: str) -> Any:
        from pyarrow import compute as pc

        if name not in self._lists:
            return column_of(batch.column(name))
        source, place = self._lists[name]
        return pc.list_element(batch.column(source), place)

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
