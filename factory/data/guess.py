"""`factory init`: what a user's recordings most likely are, each guess with its reason for them to check."""

import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from factory.contracts.errors import DataError
from factory.contracts.progress import Progress
from factory.contracts.table import SourceUnit, TimeUnit
from factory.contracts.window import Quantity
from factory.data.columns import Axes, Chosen, Roles, find_roles, words
from factory.data.sample import Sample, stream_texts, take_sample
from factory.data.statistics import Doubles
from factory.data.units import TriadStatistics, UnitGuess

_WINDOW_S = 2.56
_PHONE_HZ = 50.0
_UNLABELLED = ("", "null", "none", "nan", "na", "n/a", "unlabelled", "unlabeled", "unknown", "undefined", "-1")
_RATES: dict[TimeUnit, float] = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
_UNIT_WORDS: dict[TimeUnit, tuple[str, ...]] = {
    "ms": ("ms", "msec", "millis", "milliseconds"),
    "us": ("us", "micros", "microseconds"),
    "ns": ("ns", "nano", "nanos", "nanoseconds"),
    "s": ("s", "sec", "seconds"),
}
_SLOWEST_HZ, _FASTEST_HZ = 4.0, 1000.0
_LEAST_SUBJECTS = 3
_GROUPS = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Clock:
    """Time stamps.

    Attributes:
        unit: Of the column.
        rate_hz: 1 / median interval, to four digits.
        reason: The figures behind both.
        backwards: Whether time falls within one subject and session.
    """

    unit: TimeUnit
    rate_hz: float
    reason: str
    backwards: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class SensorGuess:
    """One sensor's unit and gravity, with the figures; `sure` is False where a person must look."""

    axes: Axes
    quantity: Quantity
    unit: SourceUnit
    gravity: bool | None
    reason: str
    sure: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class TableGuess:
    """Everything `factory init` writes down.

    Attributes:
        file: The user's.
        roles: Which column is what.
        clock: Time stamps.
        sensors: Units and gravity.
        labels: Label to rows, in the order of the logits.
        unlabelled: Texts that mean no label.
        subjects: Subject to rows.
        rate_hz: What the recipe resamples to.
        window: Samples, a power of two.
        groups: Subject groups of the split.
    """

    file: Path
    roles: Roles
    clock: Clock
    sensors: tuple[SensorGuess, ...]
    labels: dict[str, int]
    unlabelled: tuple[str, ...]
    subjects: dict[str, int]
    rate_hz: float
    window: int
    groups: int


def guess_table(path: Path, chosen: Chosen, progress: Progress) -> TableGuess:
    """Look at a file of recordings.

    Raises:
        DataError: It cannot be read, a column cannot be found, time stamps fit no unit, or people are too few.
    """
    sample = take_sample(path)
    roles = find_roles(sample, chosen)
    clock = guess_clock(sample, roles)
    labels, subjects = _count(path, roles, progress)
    if len(subjects) < _LEAST_SUBJECTS:
        raise DataError(
            f"{path} holds {len(subjects)} subjects in column '{roles.subject.column}': training, selection and test "
            "need different people, at least 3: record more, or name another column with --subject COLUMN"
        )
    unlabelled = tuple(text for text in labels if text.strip().lower() in _UNLABELLED)
    classes = {text: rows for text, rows in labels.items() if text not in unlabelled}
    if len(classes) < 2:
        raise DataError(
            f"{path}: column '{roles.label.column}' holds {len(classes)} labels: at least 2 are needed; "
            "name another column with --label COLUMN"
        )
    rate_hz = resampled_rate(clock.rate_hz)
    return TableGuess(
        file=path,
        roles=roles,
        clock=clock,
        sensors=tuple(guess_sensor(sample, axes, roles, clock.rate_hz) for axes in roles.sensors),
        labels=classes,
        unlabelled=tuple(dict.fromkeys(("", *unlabelled))),
        subjects=subjects,
        rate_hz=rate_hz,
        window=int(np.clip(2 ** round(np.log2(_WINDOW_S * rate_hz)), 8, 4096)),
        groups=min(_GROUPS, len(subjects)),
    )


def guess_clock(sample: Sample, roles: Roles) -> Clock:
    """Unit and rate of the time stamps.

    Raises:
        DataError: They are neither numbers nor dates, stand still, or fit no unit.
    """
    name = roles.time.column
    iso = not sample.numeric(name)
    parts = []
    for chunk in sample.chunks:
        steps = np.diff(_iso(chunk, name) if iso else _column(chunk, name))[_same_recording(chunk, roles)]
        parts.append(steps[np.isfinite(steps)])
    steps = np.concatenate([np.empty(0), *parts])
    if not (steps > 0).any():
        raise DataError(f"time stamps in '{name}' never rise: name the right column with --time COLUMN")
    median = float(np.median(steps[steps > 0]))
    unit: TimeUnit = "iso" if iso else _time_unit(name, median)
    seconds = median * (1e-9 if iso else _RATES[unit])
    how = "holds dates" if iso else f"its median step is {median:.6g}, which is a sensor's pace in {unit}"
    rate = float(f"{1 / seconds:.4g}")
    return Clock(unit=unit, rate_hz=rate, reason=f"{how}: {rate:g} Hz", backwards=bool((steps <= 0).any()))


def _time_unit(name: str, median: float) -> TimeUnit:
    fitting = [unit for unit, s in _RATES.items() if _SLOWEST_HZ <= 1 / (median * s) <= _FASTEST_HZ * 1.01]
    told = [unit for unit in fitting if set(_UNIT_WORDS[unit]) & set(words(name))]
    if not fitting:
        raise DataError(
            f"time stamps in '{name}' step by {median:.6g}, which is 4 to 1000 Hz in none of s, ms, us and ns: "
            "name the right column with --time COLUMN"
        )
    return (told or fitting)[0]


def resampled_rate(measured_hz: float) -> float:
    """The rate to train at: what was recorded, evened out, and no more than a phone's 50 Hz."""
    if measured_hz > 1.1 * _PHONE_HZ:
        return _PHONE_HZ
    return float(round(measured_hz)) if abs(measured_hz - round(measured_hz)) < 0.02 * measured_hz else measured_hz


def guess_sensor(sample: Sample, axes: Axes, roles: Roles, rate_hz: float) -> SensorGuess:
    """Unit and gravity of one sensor: by its values, then by its name."""
    statistics = TriadStatistics()
    second = max(2, round(rate_hz))
    for chunk in sample.chunks:
        values = np.stack([_column(chunk, axes.columns[axis]).astype(np.float64) for axis in ("x", "y", "z")], axis=1)
        cuts = np.flatnonzero(~_same_recording(chunk, roles)) + 1
        for part in np.split(values, cuts):
            statistics.add(part[np.isfinite(part).all(axis=1)], second)
    guess = statistics.guess(axes.quantity)
    if axes.quantity is Quantity.GYROSCOPE:
        return _rotation(axes, guess)
    if axes.quantity is Quantity.MAGNETOMETER:
        reason = "magnetometers are left as they are; say '1' if it has no unit"
        return SensorGuess(axes=axes, quantity=axes.quantity, unit="uT", gravity=None, reason=reason, sure=False)
    return _acceleration(axes, guess)


def _rotation(axes: Axes, guess: UnitGuess) -> SensorGuess:
    told = _told(axes, {"deg/s": ("deg", "degrees", "dps", "degree"), "rad/s": ("rad", "rads", "radians")})
    unit = guess.unit if guess.unit and (guess.certain or not told) else told
    reason = guess.evidence if unit == guess.unit else f"its name says so; {guess.evidence}"
    return SensorGuess(
        axes=axes,
        quantity=axes.quantity,
        unit=cast(SourceUnit, unit or "rad/s"),
        gravity=None,
        reason=reason,
        sure=unit is not None and unit in (guess.unit, told),
    )


def _acceleration(axes: Axes, guess: UnitGuess) -> SensorGuess:
    told = _told(axes, {"g": ("g", "gs"), "m/s^2": ("ms", "mps", "mss", "si")})
    unit = guess.unit if guess.unit and (guess.certain or not told) else told
    gravity = guess.gravity if guess.gravity is not None else axes.quantity is Quantity.ACCELEROMETER
    reason = guess.evidence if unit == guess.unit else f"its name says so; {guess.evidence}"
    named_linear = axes.quantity is Quantity.LINEAR_ACCELERATION
    if named_linear == gravity:
        reason += "; its name says " + ("linear" if named_linear else "nothing of that")
    return SensorGuess(
        axes=axes,
        quantity=Quantity.ACCELEROMETER,
        unit=cast(SourceUnit, unit or "m/s^2"),
        gravity=gravity,
        reason=reason,
        sure=unit is not None and guess.gravity is not None,
    )


def _told(axes: Axes, vocabulary: dict[str, tuple[str, ...]]) -> str | None:
    for unit, hints in vocabulary.items():
        if axes.hints & set(hints):
            return unit
    return None


def _count(path: Path, roles: Roles, progress: Progress) -> tuple[dict[str, int], dict[str, int]]:
    """Rows a label and a subject, over the whole file, names in natural order."""
    labels: defaultdict[str, int] = defaultdict(int)
    subjects: defaultdict[str, int] = defaultdict(int)
    for label, subject in stream_texts(path, (roles.label.column, roles.subject.column), progress):
        for texts, tally in ((label, labels), (subject, subjects)):
            for text, rows in zip(*np.unique(np.array(texts, dtype=np.str_), return_counts=True), strict=True):
                tally[str(text)] += int(rows)
    return _ordered(labels), _ordered(subjects)


def _ordered(tally: dict[str, int]) -> dict[str, int]:
    """'2' before '10'."""
    parts = {text: [(len(part), part) for part in re.split(r"(\d+)", text)] for text in tally}
    numbers = all(text.lstrip("-").isdigit() for text in tally if text)
    return dict(sorted(tally.items(), key=lambda item: parts[item[0]] if numbers else [(0, item[0])]))


def _same_recording(chunk: Any, roles: Roles) -> "np.ndarray[tuple[int, ...], np.dtype[np.bool_]]":
    """(n - 1,) whether a row and the next belong to one subject and session."""
    same = np.ones(max(chunk.num_rows - 1, 0), bool)
    for found in (roles.subject, roles.session):
        if found is not None:
            codes = (
                chunk.column(found.column).combine_chunks().dictionary_encode().indices.to_numpy(zero_copy_only=False)
            )
            same &= codes[1:] == codes[:-1]
    return same


def _column(chunk: Any, name: str) -> Doubles:
    return np.asarray(chunk.column(name).to_numpy())


def _iso(chunk: Any, name: str) -> Doubles:
    """Nanoseconds of dates, as integers.

    Raises:
        DataError: The column holds other text.
    """
    import pyarrow as pa

    column = chunk.column(name)
    try:
        if not pa.types.is_timestamp(column.type):
            first = str(column[0].as_py())
            zone = "UTC" if re.search(r"(Z|[+-]\d\d:?\d\d)$", first) else None
            column = column.cast(pa.timestamp("ns", zone))
        return np.asarray(column.cast(pa.timestamp("ns", column.type.tz)).cast(pa.int64()).to_numpy())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise DataError(
            f"column '{name}' holds neither numbers nor dates like 2026-01-31T12:00:00.020: "
            "name the time stamps with --time COLUMN"
        ) from error
