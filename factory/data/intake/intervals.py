"""Labels that stand in a file of their own, put onto the rows of recordings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from factory.contracts.dataset import Ints
from factory.contracts.table import Intervals
from factory.data.intake.sheet import Sheet


@dataclass(frozen=True, kw_only=True, slots=True)
class IntervalRows:
    """The rows of one file of labels.

    Attributes:
        start: (R,) int64, nanoseconds; sample numbers from 0 for unit 'samples'.
        end: (R,) int64, the same, the last sample included for 'samples'; None: the next start ends it.
        label: (R,) texts.
        subject: (R,) texts; None: every subject.
        session: (R,) texts; None: every session of the subject.
        where: Each row as a person finds it: 'labels.txt, line 3'.
    """

    start: Ints
    end: Ints | None
    label: tuple[str, ...]
    subject: tuple[str, ...] | None
    session: tuple[str, ...] | None
    where: tuple[str, ...]


def read_intervals(sheet: Sheet, intervals: Intervals, fields: Mapping[str, str]) -> IntervalRows:
    """Every row of a file of labels.

    Args:
        sheet: The file, read as `intervals.reading` says.
        intervals: Its columns.
        fields: Named parts of its path, for templates.

    Raises:
        DataError: A column is missing, a start or an end is no time, an end lies before its start, or a label, subject
            or session is empty; names file and line.
    """
    raise NotImplementedError


class IntervalLabels:
    """The labels of all recordings.

    Attributes:
        names: The label texts; codes are indices into them.
    """

    names: tuple[str, ...]

    def __init__(self, intervals: Intervals, files: Sequence[IntervalRows]) -> None:
        """Join the rows of all files.

        Raises:
            DataError: Two intervals of one recording overlap and their labels differ.
        """
        raise NotImplementedError

    def stretches(
        self, subject: str, session: str, time_s: NDArray[np.float64], origin_s: float
    ) -> list[tuple[int, int, int]]:
        """Half-open ranges of rows and the code of their label.

        Args:
            subject: Of the recording, as its own files say.
            session: The same.
            time_s: (T,) from the recording's first sample, rising; may be memory-mapped.
            origin_s: Time stamp of the first sample on the clock, seconds (dates: since 1970, UTC).
        """
        raise NotImplementedError

    def labels(self, subject: str, session: str, time_s: NDArray[np.float64], origin_s: float) -> Ints:
        """(T,) int64 codes of each row's label, -1 where there is none; see `stretches`."""
        raise NotImplementedError

    def require_used(self) -> None:
        """Check, after all recordings are labelled, that every interval found its recording.

        Raises:
            DataError: An interval names an unknown subject or session, or lies outside every recording.
        """
        raise NotImplementedError
