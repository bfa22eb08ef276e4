"""Columns decoded in memory as a sheet: JSON, CBOR, workbooks."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from factory.contracts.errors import DataError
from factory.contracts.table import MISSING
from factory.data.intake.members import Member
from factory.data.intake.sheet import Kind, require_columns

_BATCH_ROWS = 65_536


class ArraySheet:
    """Columns of equal length.

    Args:
        member: The file that they came from.
        columns: Name to values: a NumPy array, a pyarrow array or a list; None is a missing value.
        first_line: Line or row of the file that holds data row 0, for messages; 0 if rows are no lines of it.
        missing: Texts that stand for a missing number.
    """

    def __init__(
        self,
        member: Member,
        columns: Mapping[str, Any],
        first_line: int = 0,
        missing: Sequence[str] = MISSING,
    ) -> None:
        import pyarrow as pa

        self.member = member
        self.dropped = 0
        self._first_line = first_line
        self._missing = frozenset(missing)
        lengths = {name: len(values) for name, values in columns.items()}
        if len(set(lengths.values())) > 1:
            said = ", ".join(f"{name} {length}" for name, length in lengths.items())
            raise DataError(f"{member}: columns differ in length ({said:.200}): export the file again")
        arrays = {name: _array(values) for name, values in columns.items()}
        self._table = pa.table({name: column_of(array) for name, array in arrays.items()})

    @property
    def names(self) -> tuple[str, ...]:
        """Every column."""
        return tuple(self._table.column_names)

    def batches(self, wanted: Mapping[str, Kind], drop_faulty: bool = False) -> Iterator[Any]:
        """See `Sheet.batches`.

        Raises:
            DataError: Text among numbers; names the row.
        """
        import pyarrow as pa

        self.dropped = 0
        require_columns(self, wanted)
        first = 0
        for batch in self._table.select(list(wanted)).to_batches(_BATCH_ROWS):
            arrays = [self._wanted(batch.column(name), name, kind, first, drop_faulty) for name, kind in wanted.items()]
            yield pa.RecordBatch.from_arrays(arrays, names=list(wanted))
            first += batch.num_rows

    def line(self, row: int) -> str:
        """See `Sheet.line`."""
        if self._first_line:
            return f"{self.member}, line {row + self._first_line}"
        return f"{self.member}, row {row + 1}"

    def _wanted(self, column: Any, name: str, kind: Kind, first: int, lenient: bool) -> Any:
        if kind == "any":
            return column
        try:
            return as_kind(column, kind, self._missing, lenient)
        except NotANumberError as error:
            raise DataError(
                f"{self.line(first + error.place)}: column '{name}' holds '{error.text:.40}', expected a number: "
                "correct it, or set cleaning.faulty_rows = 'drop' in the description"
            ) from error


class NotANumberError(ValueError):
    """Text at `place` that is no number."""

    def __init__(self, place: int, text: str) -> None:
        super().__init__(text)
        self.place, self.text = place, text


def as_kind(column: Any, kind: Kind, missing: frozenset[str], lenient: bool) -> Any:
    """A pyarrow array as text, float64 or int64.

    Args:
        column: Of any type.
        kind: What is wanted.
        missing: Texts that stand for a missing number.
        lenient: Whether other text among numbers becomes null.

    Raises:
        NotANumberError: Text among numbers, or a column of lists, dates or the like.
    """
    import pyarrow as pa
    from pyarrow import compute as pc

    if kind == "text":
        return as_text(column)
    whole, floating = pa.types.is_integer(column.type), pa.types.is_floating(column.type)
    if whole and kind == "integer":
        return column.cast(pa.int64())
    if whole or floating or pa.types.is_null(column.type) or pa.types.is_decimal(column.type):
        if column.type == pa.float16():
            return pa.array(column.to_numpy(zero_copy_only=False).astype(np.float64), from_pandas=False)
        return column.cast(pa.float64(), safe=False)  # 64 bits hold no float64 beyond 2^53 exactly
    if not pa.types.is_string(column.type):
        raise NotANumberError(0, f"{column[0]} ({column.type})" if len(column) else str(column.type))
    numbers: list[float | None] = []
    for place, text in enumerate(pc.utf8_trim_whitespace(column).to_pylist()):
        try:
            numbers.append(None if text is None or text in missing else float(text))
        except ValueError as error:
            if not lenient:
                raise NotANumberError(place, text) from error
            numbers.append(None)
    return pa.array(numbers, pa.float64())


def as_text(column: Any) -> Any:
    """A pyarrow array as strings; missing values become the empty text, whole floats lose their '.0'."""
    import pyarrow as pa
    from pyarrow import compute as pc

    if pa.types.is_floating(column.type):
        values = column.to_pylist()
        return pa.array(["" if v is None else f"{v:.0f}" if v == int(v) else repr(v) for v in map(_finite, values)])
    if pa.types.is_list(column.type) or pa.types.is_struct(column.type):
        raise NotANumberError(0, f"{column.type}")
    return pc.fill_null(column.cast(pa.string()), "")


def column_of(array: Any) -> Any:
    """A pyarrow array in one of few types: text for dictionaries and binary, seconds for durations."""
    import pyarrow as pa

    kind = array.type
    if pa.types.is_dictionary(kind):
        return column_of(array.dictionary_decode())
    if pa.types.is_large_string(kind) or str(kind) in ("string_view", "large_binary", "binary"):
        return array.cast(pa.string())
    if pa.types.is_duration(kind):
        nanoseconds = array.cast(pa.duration("ns")).cast(pa.int64())
        return pa.array(np.asarray(nanoseconds.to_numpy(zero_copy_only=False), np.float64) / 1e9)
    if pa.types.is_float16(kind):
        return pa.array(array.to_numpy(zero_copy_only=False).astype(np.float32))
    return array


def _finite(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else value


def _array(values: Any) -> Any:
    import pyarrow as pa

    if isinstance(values, pa.Array | pa.ChunkedArray):
        return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    try:
        return pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return pa.array([None if value is None else str(value) for value in values], pa.string())
