"""Whether a small table holds labels as intervals or start markers, and how they are meant."""

from collections.abc import Sequence
from dataclasses import dataclass

from factory.contracts.table import Intervals, TimeUnit


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordingSpan:
    """One recording, as its own files say.

    Attributes:
        subject: As in its files; "" where nothing tells.
        session: The same.
        first: Time stamp of its first row, in the context's unit; for 'iso' nanoseconds since 1970.
        last: Of its last row.
        rows: Their number.
    """

    subject: str
    session: str
    first: float
    last: float
    rows: int


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordingContext:
    """What is known of the recordings that the labels are for.

    Attributes:
        recordings: Every recording, or a sample of them.
        unit: Of `first` and `last`.
        pattern: Of the recordings' paths; the labels' file may share its folders.
    """

    recordings: tuple[RecordingSpan, ...]
    unit: TimeUnit
    pattern: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class IntervalsGuess:
    """Labels in a file of their own.

    Attributes:
        intervals: For `labels.intervals` of the description, without `reading`: that is the caller's.
        reasons: Field of `intervals` to the reason for it.
        header: Whether the names given are a header's; False: they are c1, c2, ...
        sure: False where a person must look.
    """

    intervals: Intervals
    reasons: dict[str, str]
    header: bool
    sure: bool


def guess_intervals(
    names: Sequence[str], rows: Sequence[Sequence[str]], member_name: str, context: RecordingContext
) -> IntervalsGuess | None:
    """How a table labels stretches of recordings, or None if it does not.

    Args:
        names: Its columns: of its header, or c1, c2, ... where it has none.
        rows: Of texts, at least the first few dozen.
        member_name: Path of its file below the description's folder.
        context: The recordings.
    """
    raise NotImplementedError


def code_names(rows: Sequence[Sequence[str]]) -> dict[str, str] | None:
    """Names of codes, from rows like '1 WALKING' or 'WALKING,1': code to name; None if the rows are no such table.

    For `labels.rename` of the description.
    """
    raise NotImplementedError
