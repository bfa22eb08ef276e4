"""One table of named columns, whatever file it came from."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any, Literal, Protocol

from factory.contracts.errors import DataError
from factory.data.intake.members import Member

MOST_VALUE, MOST_TICKS = 1e30, 1e20
"""No sensor and no clock counts as far: such numbers are damage, and 32 bits or a difference do not hold them."""
MOSTLY = 0.95
"""Share that fits, from which the others are faults."""
Kind = Literal["text", "number", "integer", "any"]
"""How a column is wanted: strings as stored, float64, int64 where every value is whole, or as its type is."""


class Sheet(Protocol):
    """A table of named columns.

    Attributes:
        member: The file that it came from.
        names: Every column, in order; each once.
    """

    @property
    def member(self) -> Member: ...  # noqa: D102
    @property
    def names(self) -> tuple[str, ...]: ...  # noqa: D102

    def batches(self, wanted: Mapping[str, Kind], drop_faulty: bool = False) -> Iterator[Any]:
        """Every row, as pyarrow RecordBatches of the wanted columns, in constant memory.

        A missing value is null. 'number' columns are float64, 'integer' ones int64 or float64.

        Args:
            wanted: Columns and how they are wanted.
            drop_faulty: Whether text among numbers becomes null and a row of another length is left out; both are then
                counted in `dropped`, instead of raising.

        Raises:
            DataError: A row is short or long, holds text among numbers, or cannot be decoded; names file, line and
                remedy.
        """
        ...

    @property
    def dropped(self) -> int:
        """Rows that the last pass left out."""
        ...

    def line(self, row: int) -> str:
        """How a person finds data row `row` (from 0) in the file: 'walk.csv, line 12'."""
        ...


def require_columns(sheet: Sheet, wanted: Iterable[str]) -> None:
    """Raise DataError if the sheet lacks a column that is wanted."""
    if absent := [name for name in wanted if name not in sheet.names]:
        raise DataError(
            f"{sheet.member} has no column {', '.join(map(repr, absent))}; it has {', '.join(sheet.names):.300}: "
            "correct the description"
        )


def mostly(fits: Callable[[str], bool], texts: Iterable[str], missing: Collection[str]) -> bool:
    """Whether so many of the texts that are there fit that the others are faults; one alone tells nothing."""
    filled = [text for text in texts if text.strip() not in missing]
    count = sum(map(fits, filled))
    return count > 1 and count >= MOSTLY * len(filled)


def is_number(text: str) -> bool:
    """Whether a text is a number as Python writes it."""
    try:
        float(text)
    except ValueError:
        return False
    return True
