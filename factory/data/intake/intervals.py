"""Labels that stand in a file of their own, put onto the rows of recordings.

A row is labelled by the interval that holds its time stamp: from the start on, up to but without the end, so that
intervals may touch; an end at the recording's last stamp includes it. Sample numbers include the end. Without ends a
label holds until the next start of the same recording, or its last row.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from factory.contracts.dataset import Ints
from factory.contracts.errors import DataError
from factory.contracts.table import NS, Intervals
from factory.data.intake.dates import NotADateError, parse_dates
from factory.data.intake.patterns import fill, is_template
from factory.data.intake.sheet import Kind, Sheet

_CLOCK_S = 1e-6
"""What a clock in seconds since 1970, held as float64, rounds, rounded up."""
_EARLY_S = 1.0
"""How far before the first sample a start marker may stand: dates are often cut to whole seconds."""
_FARTHEST = 2**63 - 1


@dataclass(frozen=True, kw_only=True, slots=True)
class IntervalRows:
    """The rows of one file of labels.

    Attributes:
        start: (R,) int64, nanoseconds; sample numbers from 0 for unit 'samples'.
        end: (R,) int64, the same, the last sample included for 'samples'; None: the next start ends it.
        label: (R,) texts; "" ends the stretch before and labels nothing.
        subject: (R,) texts; None: every subject.
        session: (R,) texts; None: every session of the subject.
        where: A row as a person finds it: 'labels.txt, line 3'.
    """

    start: Ints
    end: Ints | None
    label: tuple[str, ...]
    subject: tuple[str, ...] | None
    session: tuple[str, ...] | None
    where: Callable[[int], str]


def read_intervals(sheet: Sheet, intervals: Intervals, fields: Mapping[str, str]) -> IntervalRows:
    """Every row of a file of labels.

    Args:
        sheet: The file, read as `intervals.reading` says.
        intervals: Its columns.
        fields: Named parts of its path, for templates.

    Raises:
        DataError: A column is missing, a start or an end is no time, or an end lies before its start; names file and
            line.
        RecipeError: A template asks for a part that the path does not have.
    """
    texts = {role: getattr(intervals, role) for role in ("label", "subject", "session")}
    columns = {role: name for role, name in texts.items() if name is not None and not is_template(name)}
    times = [intervals.start] if intervals.end is None else [intervals.start, intervals.end]
    _require(sheet, [*times, *columns.values()])
    kind: Kind = "any" if intervals.unit == "iso" else "integer"
    wanted: dict[str, Kind] = {**dict.fromkeys(columns.values(), "text"), **dict.fromkeys(times, kind)}
    table = list(sheet.batches(wanted))
    count = sum(batch.num_rows for batch in table)
    found = {name: _times(sheet, table, name, intervals) for name in times}
    said = {
        role: _texts(table, name) if role in columns else (fill(name, fields),) * count
        for role, name in texts.items()
        if name is not None
    }
    rows = IntervalRows(
        start=found[intervals.start],
        end=None if intervals.end is None else found[intervals.end],
        label=said["label"],
        subject=said.get("subject"),
        session=said.get("session"),
        where=sheet.line,
    )
    _check_order(rows)
    return rows


class IntervalLabels:
    """The labels of all recordings.

    Names of people and sessions match where they are equal, or the same number: '01' and '1'.

    Attributes:
        names: The label texts; codes are indices into them.
    """

    names: tuple[str, ...]

    def __init__(
        self, intervals: Intervals, files: Sequence[IntervalRows], rename: Mapping[str, str] | None = None
    ) -> None:
        """Join the rows of all files.

        Args:
            intervals: How they are meant.
            files: Their rows.
            rename: Of subjects, as in the description.

        Raises:
            DataError: Two intervals of one recording overlap and their labels differ.
        """
        self._samples, self._clock = intervals.unit == "samples", intervals.zero == "clock"
        self._renamed = {same_name(text): to for text, to in (rename or {}).items()}
        self._files = list(files)
        self.names = tuple(dict.fromkeys(text for rows in files for text in rows.label if text))
        code = {text: index for index, text in enumerate(self.names)} | {"": -1}
        self._of: defaultdict[tuple[str | None, str | None], list[int]] = defaultdict(list)
        self._place: list[tuple[int, int]] = []
        for number, rows in enumerate(files):
            for row in range(len(rows.label)):
                key = (self._person(rows.subject, row), None if rows.session is None else same_name(rows.session[row]))
                self._of[key].append(len(self._place))
                self._place.append((number, row))
        nothing = np.empty(0, np.int64)
        self._start = np.concatenate([nothing, *(rows.start for rows in files)])
        ends = [np.full(len(rows.label), -1, np.int64) if rows.end is None else rows.end for rows in files]
        self._end = np.concatenate([nothing, *ends])
        self._code = np.array([code[text] for rows in files for text in rows.label], np.int64)
        self._markers = intervals.end is None
        self._used = np.zeros(len(self._code), bool)
        for key, rows_of in self._of.items():
            self._of[key] = self._in_order(np.array(rows_of, np.int64)).tolist()

    def stretches(
        self, subject: str, session: str, time_s: NDArray[np.float64], origin_s: float
    ) -> list[tuple[int, int, int]]:
        """Half-open ranges of rows and the code of their label.

        Args:
            subject: Of the recording, after `rename`.
            session: As the recording's own files say.
            time_s: (T,) from the recording's first sample, rising; may be memory-mapped.
            origin_s: Time stamp of the first sample on the clock, seconds (dates: since 1970, UTC).
        """
        if not len(time_s):
            return []
        keys = ((who, which) for who in (same_name(subject), None) for which in (same_name(session), None))
        rows = np.array([row for key in keys for row in self._of.get(key, ())], np.int64)
        low, high, inside = (
            self._by_number(rows, len(time_s)) if self._samples else self._by_time(rows, time_s, origin_s)
        )
        self._used[rows[inside]] = True
        found = zip(low.tolist(), high.tolist(), self._code[rows].tolist(), strict=True)
        return [(first, stop, code) for first, stop, code in found if first < stop and code >= 0]

    def labels(self, subject: str, session: str, time_s: NDArray[np.float64], origin_s: float) -> Ints:
        """(T,) int64 codes of each row's label, -1 where there is none; see `stretches`."""
        codes = np.full(len(time_s), -1, np.int64)
        for first, stop, code in self.stretches(subject, session, time_s, origin_s):
            codes[first:stop] = code
        return codes

    def require_used(self) -> None:
        """Check, after all recordings are labelled, that every interval found its recording.

        Raises:
            DataError: An interval names an unknown subject or session, or lies outside every recording.
        """
        if self._used.all():
            return
        lost = int(np.argmin(self._used))
        rows, row = self._at(lost)
        named = [f"{what} {text[row]}" for what, text in (("subject", rows.subject), ("session", rows.session)) if text]
        more = int((~self._used).sum()) - 1
        raise DataError(
            f"{rows.where(row)}: label '{rows.label[row]:.60}'{' of ' + ', '.join(named) if named else ''} lies in no "
            f"recording{f', as do {more} more' if more else ''}; expected a subject and session as the recordings' own "
            "files say, and a time within one: correct the row, or labels.intervals (unit, zero, subject, session)"
        )

    def _person(self, subjects: Sequence[str] | None, row: int) -> str | None:
        if subjects is None:
            return None
        name = same_name(subjects[row])
        return same_name(self._renamed.get(name, name))

    def _at(self, index: int) -> tuple[IntervalRows, int]:
        number, row = self._place[index]
        return self._files[number], row

    def _in_order(self, rows: Ints) -> Ints:
        """Rows of one recording by start; fills in ends that the next start gives.

        Raises:
            DataError: Two of them overlap and their labels differ.
        """
        rows = rows[np.argsort(self._start[rows], kind="stable")]
        start = self._start[rows]
        if self._markers:
            following = np.append(start[1:], _FARTHEST)
            self._end[rows] = following - 1 if self._samples else following
        end = self._end[rows]
        reach = np.maximum.accumulate(end)
        furthest = np.maximum.accumulate(np.where(end == reach, np.arange(len(rows)), 0))
        over = start[1:] <= reach[:-1] if self._samples else start[1:] < reach[:-1]
        if self._markers:
            over = start[1:] == start[:-1]
            furthest = np.arange(len(rows))
        bad = over & (self._code[rows[1:]] != self._code[rows[furthest[:-1]]])
        if bad.any():
            place = int(np.argmax(bad))
            self._raise_overlap(int(rows[furthest[place]]), int(rows[place + 1]))
        return rows

    def _raise_overlap(self, first: int, second: int) -> None:
        (one, at), (other, there) = self._at(first), self._at(second)
        raise DataError(
            f"{other.where(there)}: label '{other.label[there]:.60}' begins before '{one.label[at]:.60}' ends "
            f"({one.where(at)}); expected one label at a time: correct start or end, or give "
            "labels.intervals.subject and session, if they are of different recordings"
        )

    def _by_number(self, rows: Ints, count: int) -> tuple[Ints, Ints, NDArray[np.bool_]]:
        low, high = np.minimum(self._start[rows], count), np.minimum(self._end[rows], count - 1) + 1
        return low, high, self._start[rows] < count

    def _by_time(
        self, rows: Ints, time_s: NDArray[np.float64], origin_s: float
    ) -> tuple[Ints, Ints, NDArray[np.bool_]]:
        """Row ranges, and whether an interval shares any time with the recording."""
        origin = round(origin_s * 1e9) if self._clock else 0
        start = (self._start[rows] - origin) / 1e9
        end = np.where(self._end[rows] == _FARTHEST, np.inf, (self._end[rows] - origin) / 1e9)
        first, last = float(time_s[0]), float(time_s[-1])
        inside = (start <= last + _CLOCK_S) & (end >= first - _CLOCK_S)
        if self._markers:
            inside &= start >= first - _EARLY_S
        places = np.searchsorted(time_s, np.concatenate([start, end]) - _CLOCK_S)
        low, high = places[: len(rows)], places[len(rows) :]
        high = np.where(np.abs(end - last) <= _CLOCK_S, len(time_s), high)
        return np.where(inside, low, 0), np.where(inside, high, 0), inside


def same_name(text: str) -> str:
    """Texts of one number are alike: '01', '1' and '1.0'."""
    number = text.strip()
    whole = number.removesuffix(".0")
    return str(int(whole)) if whole.isdecimal() else number


def _require(sheet: Sheet, columns: Sequence[str]) -> None:
    if missing := [name for name in columns if name not in sheet.names]:
        raise DataError(
            f"{sheet.member} has no column {', '.join(missing)}, only {', '.join(sheet.names):.300}: correct "
            "labels.intervals in the description"
        )


def _texts(table: Sequence[Any], name: str) -> tuple[str, ...]:
    return tuple((text or "").strip() for batch in table for text in batch.column(name).to_pylist())


def _times(sheet: Sheet, table: Sequence[Any], name: str, intervals: Intervals) -> Ints:
    """Nanoseconds, or sample numbers from 0.

    Raises:
        DataError: A value is missing, no time, or no sample's number.
    """
    found, first = [np.empty(0, np.int64)], 0
    for batch in table:
        column = batch.column(name)
        try:
            found.append(_dates(column, intervals) if intervals.unit == "iso" else _numbers(column, intervals))
        except NotADateError as error:
            what = f"'{error.text:.40}'" if error.text else "nothing"
            expected = {"iso": "a date", "samples": f"a sample's number from {intervals.first_sample}"}
            raise DataError(
                f"{sheet.line(first + error.place)}: {name} is {what}, expected "
                f"{expected.get(intervals.unit, 'a time in ' + intervals.unit)}: correct the row, or "
                "labels.intervals.unit"
            ) from error
        first += batch.num_rows
    return np.concatenate(found)


def _dates(column: Any, intervals: Intervals) -> Ints:
    return parse_dates(column, intervals.timestamp_format)


def _numbers(column: Any, intervals: Intervals) -> Ints:
    """As `_times`.

    Raises:
        NotADateError: The first value that cannot be used.
    """
    import pyarrow as pa

    values = column.to_numpy(zero_copy_only=False)
    plain = np.asarray(values, np.float64)
    samples = intervals.unit == "samples"
    factor = 1 if samples else NS[intervals.unit]
    faulty = ~(np.abs(plain) * factor < float(_FARTHEST // 2))
    if samples:
        faulty |= (plain != np.floor(plain)) | (plain < intervals.first_sample)
    if faulty.any():
        place = int(np.argmax(faulty))
        raise NotADateError(place, "" if np.isnan(plain[place]) else f"{plain[place]:.12g}")
    if pa.types.is_integer(column.type):
        whole = np.asarray(values, np.int64) * factor
    else:
        whole = np.round(plain * factor).astype(np.int64)
    return whole - intervals.first_sample if samples else whole


def _check_order(rows: IntervalRows) -> None:
    if rows.end is None or not (rows.end < rows.start).any():
        return
    row = int(np.argmax(rows.end < rows.start))
    raise DataError(
        f"{rows.where(row)}: label '{rows.label[row]:.60}' ends before it starts; expected the start first: swap or "
        "correct the two, or the columns of labels.intervals"
    )
