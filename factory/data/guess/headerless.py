"""Sensors among columns without names: three in a row that hold steady like gravity, and what stands between them."""

import itertools
import re
from collections.abc import Sequence

import numpy as np

from factory.contracts.window import Quantity
from factory.data.guess.sample import Sample
from factory.data.guess.triads import AXES, Axes
from factory.data.guess.units import Lengths, judge, statistics_of

_NAMELESS = re.compile(r"c\d+")
_SECOND = 50
_MOST = 40
"""Chunks that are looked at."""
_LABEL_RUN = 10
"""Rows that a label holds on average, at least."""


def nameless(names: Sequence[str]) -> bool:
    """Whether no header named the columns of numbers."""
    return bool(names) and all(_NAMELESS.fullmatch(name) for name in names)


def blind_triads(sample: Sample, names: Sequence[str], rate_hz: float | None, sensor: str | None = None) -> list[Axes]:
    """Triads in the order of the columns: those that hold gravity, and those that fit between them.

    Args:
        sample: Some rows.
        names: Free columns of numbers, in order.
        rate_hz: Of the rows, if known.
        sensor: The text that names the sensor of the rows, where there is one.

    Returns:
        Without a quantity: the values are asked for it. Empty where nothing holds steady like gravity.
    """
    used = [name for name in names if _varies(sample, name)]
    second = max(2, round(rate_hz or _SECOND))
    starts: list[int] = []
    for first, end in _runs(used):
        starts += _starts(sample, used[first:end], second, first)
    if not any(_spread(sample, used[at : at + 3], second) is not None for at in starts):
        return []
    return [
        Axes(
            name="sensor",
            quantity=None,
            columns=dict(zip(AXES, used[at : at + 3], strict=True)),
            placement=None,
            hints=frozenset(),
            sensor=sensor,
        )
        for at in starts
    ]


def _runs(used: Sequence[str]) -> list[tuple[int, int]]:
    """Places of columns that follow each other without one between them."""
    numbers = np.array([int(name[1:]) for name in used])
    cuts = [0, *(np.flatnonzero(np.diff(numbers) != 1) + 1).tolist(), len(used)]
    return [(first, end) for first, end in itertools.pairwise(cuts) if end - first >= len(AXES)]


def _starts(sample: Sample, used: Sequence[str], second: int, first: int) -> list[int]:
    """Where triads begin: from each that holds gravity on, in threes; all in threes where nothing else fits."""
    if len(used) % 3 == 0:
        return list(range(first, first + len(used), 3))
    anchors, place = [], 0
    while place + 3 <= len(used):
        spreads = [_spread(sample, used[at : at + 3], second) for at in range(place, min(place + 3, len(used) - 2))]
        if spreads[0] is not None and spreads[0] <= min(one for one in spreads if one is not None):
            anchors.append(place)
            place += 3
        else:
            place += 1
    found: list[int] = []
    if not anchors:
        return found
    for begin, after in zip(anchors, [*anchors[1:], len(used)], strict=True):
        found += range(first + begin, first + after - 2, 3)
    return found


def blind_time(sample: Sample, names: Sequence[str]) -> str | None:
    """The first column that rises in all but a few rows, by steps that are mostly alike."""
    for name in names:
        steps = np.concatenate([np.diff(_values(chunk, name)) for chunk in sample.chunks[:_MOST]])
        if len(steps) > 10 and (steps > 0).mean() > 0.95:
            low, high = np.quantile(steps[steps > 0], (0.25, 0.75))
            if high < 3 * low:
                return name
    return None


def blind_label(sample: Sample, names: Sequence[str]) -> str | None:
    """The only column of a few whole numbers that hold for many rows each."""
    found = []
    for name in names:
        values = np.concatenate([_values(chunk, name) for chunk in sample.chunks])
        if not np.isfinite(values).all() or (values != np.floor(values)).any():
            continue
        changes = sum(int((np.diff(_values(chunk, name)) != 0).sum()) for chunk in sample.chunks)
        if 2 <= len(np.unique(values)) <= 60 and changes * _LABEL_RUN < len(values):
            found.append(name)
    return found[0] if len(found) == 1 else None


def _varies(sample: Sample, name: str) -> bool:
    known = (values[np.isfinite(values)] for values in (_values(chunk, name) for chunk in sample.chunks[:_MOST]))
    return any(len(values) > 1 and values.max() > values.min() for values in known)


def _spread(sample: Sample, names: Sequence[str], second: int) -> float | None:
    """How much the one-second means' length varies, in its median; None where it is no gravity."""
    lengths = Lengths()
    for chunk in sample.chunks[:_MOST]:
        lengths.add(np.stack([_values(chunk, name) for name in names], axis=1), second)
    one = judge([lengths], Quantity.ACCELEROMETER)
    if not one.gravity or one.unit is None:
        return None
    means = statistics_of([lengths]).means
    low, middle, high = (means.quantile(share) or 0.0 for share in (0.1, 0.5, 0.9))
    return (high - low) / middle


def _values(chunk: "object", name: str) -> "np.ndarray[tuple[int, ...], np.dtype[np.float64]]":
    return np.asarray(chunk.column(name).to_numpy(), np.float64)  # type: ignore[attr-defined]
