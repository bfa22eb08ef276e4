"""The time stamps of recordings: which column, its unit, the rate, and what is odd about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from factory.contracts.errors import DataError
from factory.contracts.table import SECONDS, TimeUnit
from factory.data.guess.check import Check
from factory.data.guess.dates import date_forms, dates
from factory.data.guess.roles import Chosen, Found, Roles
from factory.data.guess.sample import Sample
from factory.data.guess.texts import grouped
from factory.data.guess.triads import Axes
from factory.data.guess.words import NOT_SENSOR_TIME, words
from factory.data.intake.dates import NotADateError
from factory.data.intake.sheet import MOST_TICKS
from factory.data.names import listed
from factory.data.statistics import Doubles

_UNIT_WORDS: Mapping[TimeUnit, tuple[str, ...]] = {
    "ms": ("ms", "msec", "millis", "milliseconds", "milliseconden", "millisekunden"),
    "us": ("us", "micros", "microseconds", "\u03bcs", "mikrosekunden"),
    "ns": ("ns", "nano", "nanos", "nanoseconds", "nanosekunden"),
    "s": ("s", "sec", "secs", "second", "seconds", "sekunden", "secondes", "segundos"),
    "min": ("min", "mins", "minute", "minutes", "minuten"),
    "d": ("day", "days", "datenum", "tage"),
}
_SLOWEST_HZ, _FASTEST_HZ = 4.0, 1000.0
_PHONE_HZ = 50.0
_BURSTS = 0.3
"""Share of rows with the stamp of the row before, from which rows are counted a stamp."""
_MINUTE = 60.0
_OTHER_UNIT = 50.0
"""A person's step in units of the others', above which it is another unit."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Clock:
    """Time stamps.

    Attributes:
        column: The column, two of them for date and time, or None where rows follow each other evenly.
        unit: Of the column.
        form: Of dates as text; None for ISO 8601 and numbers.
        rate_hz: As recorded, to four digits.
        reason: The figures behind unit and rate.
        why: Why this column.
        coarse_s: What stamps rise by, seconds, where many rows share one; 0 where each has its own.
        checks: What a person must look at.
    """

    column: str | tuple[str, str] | None
    unit: TimeUnit
    form: str | None
    rate_hz: float
    reason: str
    why: str
    coarse_s: float = 0.0
    checks: tuple[Check, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """Its columns."""
        if self.column is None:
            return ()
        return self.column if isinstance(self.column, tuple) else (self.column,)

    @property
    def seconds(self) -> float:
        """A tick."""
        return 1 / self.rate_hz if self.unit == "samples" else SECONDS[self.unit]

    def ticks(self, table: Any) -> Doubles:
        """(n,) time stamps of a pyarrow Table or RecordBatch, in ticks; missing ones are NaN.

        Whole numbers keep their differences: they are given from the first row on.

        Raises:
            DataError: A date has another form.
        """
        return ticks_of(table, self.columns, self.unit, self.form)


def ticks_of(table: Any, columns: tuple[str, ...], unit: TimeUnit, form: str | None) -> Doubles:
    """See `Clock.ticks`; a day's first tick is not subtracted, so that batches compare.

    Raises:
        DataError: A date has another form.
    """
    import pyarrow as pa
    from pyarrow import compute as pc

    if not columns:
        return np.arange(table.num_rows, dtype=np.float64)
    if unit != "iso":
        array = table.column(columns[0])
        array = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
        if pa.types.is_integer(array.type) and not array.null_count:
            return np.asarray(array.to_numpy(zero_copy_only=False)).astype(np.longdouble).astype(np.float64)
        stamps = np.asarray(array.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False), np.float64)
        return np.where(np.abs(stamps) < MOST_TICKS, stamps, np.nan)
    if len(columns) == 1:
        array = table.column(columns[0])
    else:
        array = pc.binary_join_element_wise(*(table.column(name).cast(pa.string()) for name in columns), " ")
    try:
        return dates(array, form)
    except NotADateError as error:
        raise DataError(
            f"column '{', '.join(columns)}' holds neither numbers nor dates of one form ('{error.text:.40}'): "
            "name the time stamps with --time COLUMN"
        ) from error


def stamps_of(sample: Sample, roles: Roles) -> list[Doubles]:
    """Time stamps of each chunk, in ticks, by the likeliest column of time.

    Raises:
        DataError: It holds neither numbers nor dates.
    """
    columns = _columns(roles, _choose(sample, roles, ())[0])
    form, _ = _form(sample, columns)
    unit: TimeUnit = "s" if form is _NUMBERS else "iso"
    return [ticks_of(chunk, columns, unit, None if form is _NUMBERS else form) for chunk in sample.chunks]


def guess_clock(sample: Sample, roles: Roles, chosen: Chosen, sensors: tuple[Axes, ...]) -> Clock:
    """Which column tells the time, its unit and its rate.

    Raises:
        DataError: Stamps are neither numbers nor dates, stand still, count rows or fit no unit.
    """
    if not roles.times:
        assert chosen.rate_hz is not None
        return Clock(
            column=None,
            unit="samples",
            form=None,
            rate_hz=chosen.rate_hz,
            reason="named with --rate; rows follow each other evenly",
            why="no column of time: rows follow each other evenly at rate_hz",
        )
    found, checks = _choose(sample, roles, sensors)
    columns = _columns(roles, found)
    form, form_checks = _form(sample, columns)
    unit: TimeUnit | None = "iso" if form is not _NUMBERS else None
    parts = _steps(sample, roles, columns, unit or "s", None if form is _NUMBERS else form)
    steps = {who: np.concatenate(mine) for who, mine in parts.items()}
    usual = _usual_people(steps)
    positive = np.concatenate([np.empty(0), *(steps[who][steps[who] > 0] for who in usual)])
    everything = np.concatenate([np.empty(0), *(steps[who] for who in usual)])
    if not len(positive):
        if chosen.rate_hz is not None:
            return _evenly(found, chosen.rate_hz)
        raise DataError(
            f"time stamps in '{found.column}' never rise{_rounded(sample, found.column)}: name the right column with "
            "--time COLUMN, or say --rate HZ if rows follow each other evenly"
        )
    median = float(np.median(positive))
    if unit is None and _counts_rows(sample, found.column, everything, median):
        return _counter(found, chosen)
    if unit is None:
        unit, unit_checks = _time_unit(found.column, median)
        form_checks += unit_checks
    column = (columns[0], columns[1]) if len(columns) == 2 else columns[0]
    runs = [part for who in usual for part in parts[who]]
    clock = _rated(column, unit, None if form is _NUMBERS else form, found, runs, median, chosen.rate_hz)
    checks = [*checks, *form_checks, *clock.checks, *_other_units(steps, median)]
    return _with(clock, checks=tuple(checks))


def resampled_rate(measured_hz: float) -> float:
    """The rate to train at: what was recorded, evened out, and no more than a phone's 50 Hz."""
    if measured_hz > 1.1 * _PHONE_HZ:
        return _PHONE_HZ
    return float(round(measured_hz)) if abs(measured_hz - round(measured_hz)) < 0.02 * measured_hz else measured_hz


_NUMBERS = object()
"""Instead of a date's form: the column holds numbers."""


def _columns(roles: Roles, found: Found) -> tuple[str, ...]:
    return (roles.date, found.column) if roles.date else (found.column,)


def _with(clock: Clock, **changes: Any) -> Clock:
    from dataclasses import replace

    return replace(clock, **changes)


def _choose(sample: Sample, roles: Roles, sensors: tuple[Axes, ...]) -> tuple[Found, list[Check]]:
    """The sensor's own time; another that runs differently is named."""
    times = list(roles.times)
    hints = frozenset(word for axes in sensors for word in axes.hints)
    times.sort(key=lambda found: -len(set(words(found.column)) & hints))  # stable: vocabulary's order stays
    times.sort(key=lambda found: bool(set(words(found.column)) & set(NOT_SENSOR_TIME)))
    rising = [found for found in times if _rises(sample, roles, found.column)]
    first = (rising or times)[0]
    others = [found.column for found in times if found is not first and not _same_time(sample, first, found)]
    if not others:
        return first, []
    message = (
        f"'{first.column}' is taken for the time, but {listed([repr(name) for name in others])} could be it, too; the "
        "sensor's own time is wanted, not that of arrival, logging or position; name another with --time COLUMN"
    )
    return first, [Check(code="time.two", key="columns.timestamp", message=message)]


def _rises(sample: Sample, roles: Roles, name: str) -> bool:
    import pyarrow as pa

    kind = sample.chunks[0].schema.field(name).type
    if not sample.numeric(name):
        return pa.types.is_temporal(kind) or bool(date_forms(sample.texts(name)[:20]))
    steps = np.concatenate([np.diff(np.asarray(chunk.column(name).to_numpy(), np.float64)) for chunk in sample.chunks])
    steps = steps[np.isfinite(steps)]
    return bool((steps > 0).mean() > 0.05) if len(steps) else False


def _same_time(sample: Sample, first: Found, second: Found) -> bool:
    """Whether both columns run alike, in whatever unit."""
    if not (sample.numeric(first.column) and sample.numeric(second.column)):
        return False
    ratios = []
    for chunk in sample.chunks:
        a = np.diff(np.asarray(chunk.column(first.column).to_numpy(), np.float64))
        b = np.diff(np.asarray(chunk.column(second.column).to_numpy(), np.float64))
        good = (a > 0) & (b > 0) & np.isfinite(a) & np.isfinite(b)
        ratios.append(b[good] / a[good])
    joined = np.concatenate(ratios)
    if len(joined) < 10:
        return False
    low, middle, high = np.quantile(joined, (0.05, 0.5, 0.95))
    unit = np.log10(middle) / 3
    return bool(high < 1.3 * low or (high < 2 * low and abs(unit - round(unit)) < 0.02))


def _form(sample: Sample, columns: tuple[str, ...]) -> tuple[Any, list[Check]]:
    """The form of dates, None for ISO and Parquet's; `_NUMBERS` for numbers."""
    import pyarrow as pa

    if len(columns) == 1 and sample.numeric(columns[0]):
        return _NUMBERS, []
    if len(columns) == 1 and pa.types.is_temporal(sample.chunks[0].schema.field(columns[0]).type):
        return None, []
    texts = _first_texts(sample, columns)
    forms = date_forms(texts)
    if not forms:
        example = texts[0] if texts else ""
        raise DataError(
            f"column '{', '.join(columns)}' holds neither numbers nor dates of a known form ('{example:.40}'): name "
            "the time stamps with --time COLUMN, or write them as 2026-01-31T12:00:00.020"
        )
    both = [form for form in forms if form is not None]
    if len(both) > 1 and {"%d/%m", "%m/%d"} <= {form[:5] for form in both}:
        message = f"'{texts[0]}' could have the day or the month first; day first was taken ({forms[0]})"
        return forms[0], [Check(code="time.day_or_month", key="timestamp_format", message=message)]
    return forms[0], []


def _first_texts(sample: Sample, columns: tuple[str, ...]) -> list[str]:
    found: dict[str, None] = {}
    for chunk in sample.chunks:
        rows = max(1, chunk.num_rows // 40)
        parts = [[str(text or "") for text in chunk.column(name).to_pylist()[::rows]] for name in columns]
        found.update(dict.fromkeys(" ".join(row) for row in zip(*parts, strict=True)))
    return [text for text in found if text.strip()][:2000]


def _steps(
    sample: Sample, roles: Roles, columns: tuple[str, ...], unit: TimeUnit, form: str | None
) -> dict[str, list[Doubles]]:
    """Person to the steps of time within each recording."""
    found: dict[str, list[Doubles]] = {}
    for chunk in sample.chunks:
        ticks = ticks_of(chunk, columns, unit, form)
        for key, rows in grouped(chunk, roles.keys):
            steps = np.diff(ticks[rows])
            found.setdefault(key[0], []).append(steps[np.isfinite(steps)])
    return found


def _usual_people(steps: Mapping[str, Doubles]) -> list[str]:
    """Those whose time steps like that of most others."""
    medians = {who: float(np.median(part[part > 0])) for who, part in steps.items() if (part > 0).any()}
    if not medians:
        return list(steps)
    alike = {
        who: [other for other, step in medians.items() if 1 / _OTHER_UNIT < step / mine < _OTHER_UNIT]
        for who, mine in medians.items()
    }
    return max(alike.values(), key=len)


def _time_unit(name: str, median: float) -> tuple[TimeUnit, list[Check]]:
    fitting = [unit for unit, s in SECONDS.items() if unit != "iso" and _fits(median * s)]
    told = [unit for unit, hints in _UNIT_WORDS.items() if set(hints) & set(words(name))]
    both = [unit for unit in fitting if unit in told]
    if not fitting:
        raise DataError(
            f"time stamps in '{name}' step by {median:.6g}, which is 4 to 1000 Hz in none of d, min, s, ms, us and ns: "
            "name the right column with --time COLUMN"
        )
    if told and not both:
        message = (
            f"'{name}' says {told[0]}, but its steps of {median:.6g} are a sensor's pace only in {fitting[0]} "
            f"({1 / (median * SECONDS[fitting[0]]):.4g} Hz)"
        )
        return fitting[0], [Check(code="time.unit", key="timestamp_unit", message=message)]
    return (both or fitting)[0], []


def _fits(seconds: float) -> bool:
    return _SLOWEST_HZ <= 1 / seconds <= _FASTEST_HZ * 1.01


def _counts_rows(sample: Sample, name: str, steps: Doubles, median: float) -> bool:
    """Whether a column steps by exactly 1: a counter, or 1000 Hz in ms, which no worn sensor gives."""
    return sample.numeric(name) and median == 1.0 and bool((steps == 1.0).mean() > 0.9)


def _counter(found: Found, chosen: Chosen) -> Clock:
    if chosen.rate_hz is None:
        raise DataError(
            f"'{found.column}' steps by exactly 1: it counts rows, and no time stamp tells the rate: say --rate HZ "
            "(how many rows a second were recorded), or name the time stamps with --time COLUMN"
        )
    return Clock(
        column=found.column,
        unit="samples",
        form=None,
        rate_hz=chosen.rate_hz,
        reason="it steps by exactly 1: a counter of rows; the rate was named with --rate",
        why=found.reason,
    )


def _evenly(found: Found, rate_hz: float) -> Clock:
    return Clock(
        column=None,
        unit="samples",
        form=None,
        rate_hz=rate_hz,
        reason="named with --rate; rows follow each other evenly",
        why=f"'{found.column}' stands still: rows follow each other evenly at rate_hz",
    )


def _rounded(sample: Sample, name: str) -> str:
    texts = sample.texts(name)[:3]
    if sample.numeric(name) and any("e+" in text.lower() or float(text) >= 1e11 for text in texts):
        return f" ('{texts[0]}': a spreadsheet has rounded them; export the file again)"
    return ""


def _rated(
    column: str | tuple[str, str],
    unit: TimeUnit,
    form: str | None,
    found: Found,
    parts: list[Doubles],
    median: float,
    told_hz: float | None,
) -> Clock:
    seconds = median * SECONDS[unit]
    steps = np.concatenate(parts)
    if float((steps == 0).mean()) > _BURSTS:
        return _coarse(column, unit, form, found, parts, seconds, told_hz)
    if not _fits(seconds):
        raise DataError(
            f"time stamps in '{found.column}' step by {seconds:.4g} s, which is no sensor's pace (4 to 1000 Hz): rows "
            "were left out or stamps rounded; export them again with milliseconds, or name another column with --time"
        )
    rate = float(f"{1 / seconds:.4g}")
    what = "holds dates" if unit == "iso" else f"its median step is {median:.6g}, which is a sensor's pace in {unit}"
    return Clock(column=column, unit=unit, form=form, rate_hz=rate, reason=f"{what}: {rate:g} Hz", why=found.reason)


def _coarse(
    column: str | tuple[str, str],
    unit: TimeUnit,
    form: str | None,
    found: Found,
    parts: list[Doubles],
    seconds: float,
    told_hz: float | None,
) -> Clock:
    """Stamps that many rows share: the rate is counted in rows, between the first stamp and the last."""
    each = f"{seconds:g} s" if seconds < _MINUTE else f"{seconds / _MINUTE:g} min"
    counts = np.concatenate([np.empty(0), *(np.diff(np.flatnonzero(part > 0)) for part in parts)])
    if not len(counts) and told_hz is None:
        raise DataError(
            f"time stamps in '{found.column}' rise only every {each}, and no recording holds a whole one: say --rate "
            "HZ (how many rows a second were recorded), or export finer stamps"
        )
    rows = float(np.median(counts)) if len(counts) else 0.0
    rate = told_hz or float(f"{rows / seconds:.4g}")
    why = "named with --rate" if told_hz else f"{rows:g} rows share a stamp of {each}"
    message = (
        f"time stamps rise only every {each}: {rate:g} Hz ({why}), and rows are spread evenly to the next stamp; "
        "correct rate_hz, or export finer stamps"
    )
    return Clock(
        column=column,
        unit=unit,
        form=form,
        rate_hz=rate,
        reason=f"{why}: {rate:g} Hz",
        why=found.reason,
        coarse_s=seconds,
        checks=(Check(code="time.coarse", key="rate_hz", message=message),),
    )


def _other_units(steps: Mapping[str, Doubles], median: float) -> list[Check]:
    """People whose time steps by another unit's pace."""
    odd = {}
    for who, part in steps.items():
        rising = part[part > 0]
        if len(rising) >= 10:
            step = float(np.median(rising))
            if step > _OTHER_UNIT * median or step < median / _OTHER_UNIT:
                odd[who] = step
    if not odd:
        return []
    who, step = next(iter(odd.items()))
    message = (
        f"time of {listed(list(odd))} has another unit: steps of {step:.6g}, the others' are {median:.6g}; one column "
        "has one unit: write those people's time anew, or leave their files out"
    )
    return [Check(code="time.unit_of_people", key="timestamp_unit", message=message)]
