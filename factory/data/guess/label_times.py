"""What the starts and ends of labels count: by comparing them with the recordings' own time ranges."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from factory.contracts.errors import RecipeError
from factory.contracts.table import SECONDS, TimeUnit
from factory.data.intake.dates import NotADateError, parse_dates

Doubles = NDArray[np.float64]

_ORDER: tuple[TimeUnit, ...] = ("s", "ms", "us", "ns", "d", "samples", "min")
_FORMS = tuple(
    f"{day}{gap}{clock}"
    for clock in ("%H:%M:%S.%f", "%H:%M:%S", "%H:%M")
    for gap in (" ", ", ", "_", "T")
    for day in ("%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%Y/%m/%d", "%Y%m%d", "%d-%m-%Y", "%d.%m.%y", "%m/%d/%y")
)
_INSIDE = 0.9
"""Share of labels that lie within their recordings, from which on a unit is believed."""
_LEAST, _COVERED = 0.1, 0.5
"""Share of a recording that its labels span, from which on a unit is believed, and a second one is about as likely."""
_OVERHANG = 0.02
"""How far the last label may reach beyond its recording, as a share of it: clocks of two devices differ."""


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
class Times:
    """Starts and ends of labels as numbers.

    Attributes:
        start: (R,) as in the file; nanoseconds since 1970 for dates.
        end: (R,) the same; `start` again where there are none.
        dates: Whether they are dates.
        form: Of dates, as in strptime; None: ISO 8601.
    """

    start: Doubles
    end: Doubles
    dates: bool
    form: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Meaning:
    """What times count, why, and how well that suits the recordings.

    Attributes:
        unit: Of the times.
        zero: Where they begin.
        reason: The figures.
        inside: Share of labels within their recordings.
        covered: Share of the recordings that labels span, the median.
        sure: False where another unit suits as well, or none does.
    """

    unit: TimeUnit
    zero: Literal["recording", "clock"]
    reason: str
    inside: float
    covered: float
    sure: bool


def read_times(start: Sequence[str], end: Sequence[str] | None) -> Times | None:
    """Texts as numbers or dates; None if they are neither."""
    both = [*start, *(end if end is not None else ())]
    try:
        values, dates, form = np.array([float(text) for text in both]), False, None
    except ValueError:
        found = _dates(both)
        if found is None:
            return None
        values, dates, form = found[0], True, found[1]
    if not np.isfinite(values).all():
        return None
    first = values[: len(start)]
    return Times(start=first, end=values[len(start) :] if end is not None else first, dates=dates, form=form)


def guess_meaning(
    times: Times, of: Sequence[Sequence[RecordingSpan]], unit: TimeUnit, told: TimeUnit | None
) -> Meaning:
    """The unit and zero by which most labels lie within their recordings and span them best.

    Args:
        times: Of the labels.
        of: Per label the recordings that it may be of.
        unit: Of the recordings' own times.
        told: The unit that a column's name says.
    """
    units: tuple[TimeUnit, ...] = ("iso",) if times.dates else (told,) if told else _ORDER[:-1]
    if unit == "samples" and _whole(times) and not times.dates:
        units = ("samples",)
    elif not times.dates and told is None and not _whole(times):
        units = tuple(known for known in units if known not in ("samples", "ns"))
    ways = [_judged(times, of, unit, one, zero) for one in units for zero in _zeros(one)]
    ranked = sorted(ways, key=lambda way: (-_suits(way, _LEAST), -round(way.inside * way.covered, 3)))
    best = ranked[0]
    rivals = [way for way in ranked[1:] if _suits(way, _COVERED) and way.unit != best.unit]
    sure = _suits(best, _LEAST) and not rivals
    said = f"{best.inside:.0%} of the labels lie within their recordings and span {best.covered:.0%} of them"
    if rivals:
        said += f"; {rivals[0].unit} would suit as well"
    if not any(of):
        said = "no recording to compare with"
    return Meaning(
        unit=best.unit, zero=best.zero, reason=said, inside=best.inside, covered=best.covered, sure=sure and any(of)
    )


def _suits(way: Meaning, covered: float) -> bool:
    return way.inside >= _INSIDE and way.covered >= covered


def _dates(texts: Sequence[str]) -> tuple[Doubles, str | None] | None:
    import pyarrow as pa

    column = pa.array([text.strip() for text in texts], pa.string())
    for form in (None, *_FORMS):
        try:
            return parse_dates(column, form).astype(np.float64), form
        except (NotADateError, RecipeError, pa.ArrowException, OverflowError, ValueError):
            continue
    return None


def _whole(times: Times) -> bool:
    return bool((times.start == np.floor(times.start)).all() and (times.end == np.floor(times.end)).all())


def _zeros(unit: TimeUnit) -> tuple[Literal["clock", "recording"], ...]:
    return ("recording",) if unit == "samples" else ("clock", "recording")


def _judged(
    times: Times,
    of: Sequence[Sequence[RecordingSpan]],
    clock: TimeUnit,
    unit: TimeUnit,
    zero: Literal["clock", "recording"],
) -> Meaning:
    """How well one unit and zero suit the recordings."""
    reached: dict[RecordingSpan, list[float]] = {}
    inside = 0
    for start, end, spans in zip(times.start, times.end, of, strict=True):
        for span in spans:
            low, high = _share(start, span, clock, unit, zero), _share(end, span, clock, unit, zero)
            if low >= -_OVERHANG and high <= 1 + _OVERHANG:
                inside += 1
                reached.setdefault(span, []).extend((low, high))
                break
    covered = float(np.median([max(shares) for shares in reached.values()])) if reached else 0.0
    return Meaning(
        unit=unit,
        zero=zero,
        reason="",
        inside=inside / max(len(of), 1),
        covered=min(max(covered, 0.0), 1.0),
        sure=False,
    )


def _share(value: float, span: RecordingSpan, clock: TimeUnit, unit: TimeUnit, zero: str) -> float:
    """Where a time lies in a recording: 0 at its first row, 1 at its last."""
    if unit == "samples":
        return value / max(span.rows, 1)
    a_second = SECONDS.get(clock, 1.0)
    if clock == "samples":
        return value * SECONDS[unit] / max(span.last - span.first, 1e-9)
    length = max((span.last - span.first) * a_second, 1e-9)
    begin = span.first * a_second if zero == "clock" else 0.0
    return (value * SECONDS[unit] - begin) / length


def unit_of(name: str) -> TimeUnit | None:
    """The unit that a column's name says: 'start_ms', 'onset (s)', 'first_sample'."""
    parts = set(re.findall(r"[a-zµ]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()))
    for unit, hints in _HINTS.items():
        if parts & set(hints):
            return unit
    return None


_HINTS: dict[TimeUnit, tuple[str, ...]] = {
    "samples": ("sample", "samples", "index", "idx", "frame", "frames", "row", "rows"),
    "ms": ("ms", "msec", "millis", "millisecond", "milliseconds"),
    "us": ("us", "µs", "micros", "microsecond", "microseconds"),
    "ns": ("ns", "nanos", "nanosecond", "nanoseconds"),
    "min": ("min", "mins", "minute", "minutes"),
    "s": ("s", "sec", "secs", "second", "seconds"),
}
