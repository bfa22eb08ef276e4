"""One pass over every row: who, what and for how long, order of time, missing values, and each person's values."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from factory.contracts.dataset import Ints
from factory.data.guess.clock import Clock
from factory.data.guess.roles import Roles
from factory.data.guess.texts import codes_of, grouped
from factory.data.guess.triads import AXES, Axes
from factory.data.guess.units import Lengths
from factory.data.intake.members import Member
from factory.data.intake.patterns import braced
from factory.data.intake.sheet import MOST_VALUE, Kind
from factory.data.names import normal_name
from factory.data.statistics import Doubles

_MOST_STRETCHES = 100_000
_LAGS = 4


@dataclass(kw_only=True)
class Scan:
    """What all rows together say.

    Attributes:
        rows: Of all sensors.
        subjects: Person to rows.
        labels: Text to rows; empty where labels stand in a file of their own.
        sessions: Person to recordings.
        people_of: Label to people.
        stretches: Label to the lengths of its gap-free stretches, seconds.
        lone: Label to stretches of one row between rows of another label.
        between: (before, after) of each change of label within a recording to their number.
        lengths: Sensor to (person, recording) to the lengths of its values.
        missing: Sensor to rows with a missing value, and the first: file and row in it.
        filled: Label to the lengths of its stretches if an empty label repeats the one before.
        spans: (person, recording) to its first and last time in seconds and its rows, of one sensor.
        steps, falls, equal, copies: Steps of time within recordings; those that fall, those of nothing, and those of
            nothing whose values are the row before's.
        falls_far: Falls back to within a second of the recording's first time.
        rough, smooth: Sum of |x[i+1] - x[i]|, and of |x[i+k] - x[i]| for k of 2, 3, 4: where k recordings are
            interleaved, the first is the larger.
    """

    rows: int = 0
    subjects: Counter[str] = field(default_factory=Counter)
    labels: Counter[str] = field(default_factory=Counter)
    sessions: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    people_of: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    stretches: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    lone: Counter[str] = field(default_factory=Counter)
    between: Counter[tuple[str, str]] = field(default_factory=Counter)
    lengths: defaultdict[str, dict[tuple[str, str], Lengths]] = field(default_factory=lambda: defaultdict(dict))
    missing: dict[str, tuple[int, str, int]] = field(default_factory=dict)
    spans: dict[tuple[str, str], tuple[float, float, int]] = field(default_factory=dict)
    filled: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    steps: int = 0
    falls: int = 0
    falls_far: int = 0
    equal: int = 0
    copies: int = 0
    rough: float = 0.0
    smooth: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]" = field(default_factory=lambda: np.zeros(3))

    def of_people(self, rename: Mapping[str, str]) -> dict[str, dict[tuple[str, str], Lengths]]:
        """`lengths` under the final names of people; another spelling's recordings stay apart."""
        return {
            sensor: {
                (rename.get(who, who), f"{session} ({who})" if who in rename else session): part
                for (who, session), part in lengths.items()
            }
            for sensor, lengths in self.lengths.items()
        }


@dataclass(slots=True)
class _Open:
    """A recording that goes on in the next batch."""

    who: str
    first: float
    last: float
    label: str
    since: float
    rows: int
    before: str = ""


def wanted_columns(roles: Roles, clock: Clock, sensors: Sequence[Axes]) -> dict[str, Kind]:
    """Every column that the pass needs, and its kind."""
    texts = [found.column for found in (roles.subject, roles.session, roles.sensor, roles.label) if found is not None]
    wanted: dict[str, Kind] = {}
    for text in texts:
        for name in braced(text) or [text]:
            wanted[name] = "text"
    for name in clock.columns:
        dates: Kind = "any" if len(clock.columns) == 1 else "text"
        wanted.setdefault(name, dates if clock.unit == "iso" else "integer")
    for axes in sensors:
        for name in (*axes.columns.values(), *axes.plus.values()):
            wanted.setdefault(name, "number")
    return wanted


def scan(batches: Iterable[tuple[Member, Any]], roles: Roles, clock: Clock, sensors: Sequence[Axes]) -> Scan:
    """Go over all rows once, in constant memory.

    Args:
        batches: Files with pyarrow RecordBatches of the `wanted_columns`.
        roles: Which column is what.
        clock: Time stamps.
        sensors: The chosen ones.

    Raises:
        DataError: A row cannot be read, or a date has another form.
    """
    return _Scanner(roles, clock, sensors).run(batches)


class _Scanner:
    """The pass, with what is open between batches."""

    def __init__(self, roles: Roles, clock: Clock, sensors: Sequence[Axes]) -> None:
        self.roles, self.clock, self.sensors = roles, clock, sensors
        self.found = Scan()
        self._open: dict[tuple[str, ...], _Open] = {}
        self._file, self._row = "", 0
        self._gap_s = max(0.1, 5 / clock.rate_hz, 1.5 * clock.coarse_s)
        self._second = max(2, round(clock.rate_hz))

    def run(self, batches: Iterable[tuple[Member, Any]]) -> Scan:
        for member, batch in batches:
            self._row = 0 if member.name != self._file else self._row
            self._file = member.name
            if batch.num_rows:
                self._take(batch)
        for key, open_ in self._open.items():
            self._close(open_)
            session = key[1] if self.roles.session is not None else ""
            self.found.spans.setdefault((open_.who, session), (open_.first, open_.last, open_.rows))
        return self.found

    def _take(self, batch: Any) -> None:
        self.found.rows += batch.num_rows
        time_s: Doubles = np.asarray(self.clock.ticks(batch) * self.clock.seconds)
        self._absent("time stamps", np.isnan(time_s), np.arange(batch.num_rows))
        labels: tuple[Ints, list[str]] | None = None
        if self.roles.label is not None:
            labels = codes_of(batch, self.roles.label.column)
            for text, rows in zip(labels[1], np.bincount(labels[0], minlength=len(labels[1])), strict=True):
                self.found.labels[text] += int(rows)
        values = {
            axes.name: np.stack([_doubles(batch, axes.columns[axis]) for axis in AXES], axis=1) for axes in self.sensors
        }
        for key, rows in grouped(batch, self.roles.keys):
            self._recording(key, rows, time_s, labels, values)
        self._row += batch.num_rows

    def _recording(
        self,
        key: tuple[str, ...],
        rows: Ints,
        time_s: Doubles,
        labels: tuple[Ints, list[str]] | None,
        values: dict[str, Doubles],
    ) -> None:
        who = key[0]
        self.found.subjects[who] += len(rows)
        session = key[1] if self.roles.session is not None else ""
        self.found.sessions[who].add(session)
        sensor = key[-1] if self.roles.sensor is not None else None
        mine = [axes for axes in self.sensors if axes.sensor is None or axes.sensor == sensor]
        if not mine:
            return
        for axes in mine:
            self._values(axes, (who, session), rows, values[axes.name][rows])
        self._time(key, rows, time_s, labels, np.concatenate([values[axes.name][rows] for axes in mine], axis=1))

    def _values(self, axes: Axes, who: tuple[str, str], rows: Ints, samples: Doubles) -> None:
        self.found.lengths[axes.name].setdefault(who, Lengths()).add(samples, self._second)
        absent = np.asarray(~np.isfinite(samples).all(axis=1), np.bool_)
        self._absent(axes.name, absent, rows)
        if len(samples) > _LAGS:
            ends = len(samples) - _LAGS
            self.found.rough += float(np.nansum(np.abs(samples[1 : ends + 1] - samples[:ends])))
            for place, lag in enumerate(range(2, _LAGS + 1)):
                self.found.smooth[place] += float(np.nansum(np.abs(samples[lag : ends + lag] - samples[:ends])))

    def _absent(self, what: str, absent: NDArray[np.bool_], rows: Ints) -> None:
        if absent.any():
            count, file, row = self.found.missing.get(what, (0, self._file, self._row + int(rows[absent][0])))
            self.found.missing[what] = (count + int(absent.sum()), file, row)

    def _time(
        self,
        key: tuple[str, ...],
        rows: Ints,
        time_s: Doubles,
        labels: tuple[Ints, list[str]] | None,
        samples: Doubles,
    ) -> None:
        who, key = key[0], (normal_name(key[0]), *key[1:])  # a person spelled twice is one
        open_ = self._open.get(key)
        if self.clock.column is None:
            start = 0 if open_ is None else open_.rows
            times = (start + np.arange(len(rows))) / self.clock.rate_hz
        else:
            known = np.isfinite(time_s[rows])
            rows, samples = rows[known], samples[known]
            times = time_s[rows]
            if not len(rows):
                return
        texts = np.zeros(len(rows), np.int64) if labels is None else labels[0][rows]
        names = [""] if labels is None else labels[1]
        if open_ is None:
            open_ = _Open(who, float(times[0]), float(times[0]), names[int(texts[0])], float(times[0]), 0)
            self._open[key] = open_
        steps = np.diff(times, prepend=open_.last if open_.rows else np.nan)
        self._steps(steps, times, samples, open_)
        gap = self._gap(texts, steps)
        changed = np.array([names[int(code)] for code in texts[:1]]) != open_.label
        cut = np.concatenate([changed, np.diff(texts) != 0]) | (steps > gap) | (steps < 0)
        for place in np.flatnonzero(cut):
            before = float(times[place - 1]) if place else open_.last
            label = names[int(texts[place])]
            self._close_at(open_, before, label)
            open_.before = open_.label or open_.before
            open_.label, open_.since = label, float(times[place])
        open_.last = float(times[-1])
        open_.rows += len(rows)

    def _gap(self, texts: Ints, steps: Doubles) -> Doubles:
        """(n,) what ends a stretch: a silence much longer than that label's steps here."""
        gap = np.full(len(steps), self._gap_s)
        for code in np.unique(texts):
            mine = texts == code
            rising = steps[mine & (steps > 0)]
            if len(rising):
                gap[mine] = max(self._gap_s, 5 * float(np.median(rising)))
        return gap

    def _steps(self, steps: Doubles, times: Doubles, samples: Doubles, open_: _Open) -> None:
        known = np.isfinite(steps)
        self.found.steps += int(known.sum())
        falls = steps < 0
        self.found.falls += int(falls.sum())
        self.found.falls_far += int((times[falls] <= open_.first + 1.0).sum())
        equal = steps == 0
        self.found.equal += int(equal.sum())
        places = np.flatnonzero(equal)
        places = places[places > 0]
        self.found.copies += int((samples[places] == samples[places - 1]).all(axis=1).sum())

    def _close_at(self, open_: _Open, end: float, after: str) -> None:
        if after != open_.label:
            self.found.between[(open_.label, after)] += 1
        self._close(open_, end)

    def _close(self, open_: _Open, end: float | None = None) -> None:
        lasts = (open_.last if end is None else end) - open_.since
        self.found.people_of[open_.label].add(open_.who)
        if lasts <= 0:
            self.found.lone[open_.label] += 1
        if not open_.label and open_.before and lasts > 0:
            self.found.filled[open_.before].append(lasts)
        if len(self.found.stretches[open_.label]) < _MOST_STRETCHES:
            self.found.stretches[open_.label].append(lasts + 1 / self.clock.rate_hz)


def _doubles(batch: Any, name: str) -> Doubles:
    import pyarrow as pa

    values = np.asarray(batch.column(name).cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False), np.float64)
    return np.where(np.abs(values) < MOST_VALUE, values, np.nan)
