"""Windows joined to signals again, reduced to what tells one person's movement from another's.

Shape legend: T time steps, C channels, D components.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

from factory.contracts.dataset import Floats, Ints, WindowSet
from factory.data.units import triads

COMPONENTS = 12
_GRID_HZ = 25.0
_HIGHEST_HZ = 5.0
_FILTER_S, _SHORT_S = 2.0, 10.0
"""Length of the band-pass: its inverse is the lowest frequency. Half of it where recordings are short."""
_SAMPLED = 2000
"""Windows from which scales and components are taken."""
_LEAST = 1e-3
"""Variance of a component that is not raised further, in units of the first."""
_QUIET = 0.3
"""Loudness below which a signal is not raised to the constant level, in units of the mean loudness."""
_ANOTHER_UNIT = 6.0
"""Ratio of one person's size of a sensor's values to the others', from which they are in another unit: g, deg/s."""
_SAMPLED_OF_A_PERSON = 200
_PIECE_S = 600.0
_OVERLAP_S = 16.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Signal:
    """What one person recorded without a gap, at most ten minutes of it.

    Attributes:
        subject: Who.
        rows: (n,) the windows it was joined from, by rising start.
        begin: (n,) where each of them begins, in grid points.
        motion: (T, D) principal components, the strongest first, 0.5 to 5 Hz; their squares sum to about 1 where there
            is movement. Half precision: all signals are kept at once.
    """

    subject: str
    rows: Ints
    begin: NDArray[np.float64]
    motion: NDArray[np.float16]


class Reducer:
    """Channels to levelled components on a coarse grid; scales and components are those of `windows`."""

    def __init__(self, windows: WindowSet) -> None:
        self._factors = unit_factors(windows)
        rows = np.arange(0, len(windows.x), ceil(len(windows.x) / _SAMPLED))
        sample = windows.x[rows].astype(np.float64)
        for subject, factor in self._factors.items():
            sample[windows.subject[rows] == subject] *= factor[:, None]
        sample -= sample.mean(axis=-1, keepdims=True)
        channels = sample.shape[1]
        flat = sample.swapaxes(0, 1).reshape(channels, -1)
        deviation = flat.std(axis=1)
        scale = np.divide(1, deviation, out=np.zeros(channels), where=deviation > 1e-9)
        values, vectors = np.linalg.eigh(np.cov(flat * scale[:, None]).reshape(channels, channels))
        values, vectors = values[::-1][:COMPONENTS], vectors[:, ::-1][:, :COMPONENTS]
        # What people have in common fills the first components; the others are raised to count for more.
        raised = vectors * np.maximum(values, _LEAST * max(values[0], _LEAST)) ** -0.25
        self._mapping = (scale[:, None] * raised).astype(np.float32)
        self._step = max(1, int(windows.spec.rate_hz / _GRID_HZ))
        self.grid_hz = windows.spec.rate_hz / self._step
        self._taps = _band_pass(windows.spec.rate_hz, _FILTER_S if _typical_s(windows) > _SHORT_S else _FILTER_S / 2)
        self.margin = len(self._taps) // 2
        self._loudness = self._typical_loudness(sample)

    def _typical_loudness(self, sample: NDArray[np.float64]) -> float:
        moving = np.einsum("nct,cd->ndt", sample.astype(np.float32), self._mapping)
        return float(np.sqrt((moving**2).sum(axis=1).mean())) or 1.0

    def motion(self, x: Floats, subject: str | None = None) -> NDArray[np.float16]:
        """(C, T) of a person in SI units to (T / step, D), without what the filter's ends distort; see `margin`."""
        from scipy.ndimage import uniform_filter1d
        from scipy.signal import oaconvolve

        if x.shape[1] < len(self._taps):
            return np.empty((0, self._mapping.shape[1]), np.float16)
        if subject in self._factors:
            x = x * self._factors[subject][:, None]
        moving = x.T @ self._mapping
        band = oaconvolve(moving - moving.mean(axis=0), self._taps[:, None], mode="valid", axes=0)[:: self._step]
        power = uniform_filter1d((band**2).sum(axis=1), max(1, round(self.grid_hz)), mode="nearest")
        level = np.sqrt(np.maximum(power, (_QUIET * self._loudness) ** 2))
        levelled: NDArray[np.float16] = (band / level[:, None]).astype(np.float16)
        return levelled


def signals_of(windows: WindowSet, part: Ints, reducer: Reducer) -> Iterator[Signal]:
    """Every signal of the windows in `part`; one pass over them, pieces of at most ten minutes."""
    for rows in _gap_free(windows, part):
        for piece in _pieces(windows, rows):
            first = windows.start[piece[0]] + reducer.margin
            begin = (windows.start[piece] - first) * (reducer.grid_hz / windows.spec.rate_hz)
            subject = str(windows.subject[piece[0]])
            motion = reducer.motion(join(windows, piece), subject)
            yield Signal(subject=subject, rows=piece, begin=begin, motion=motion)


def unit_factors(windows: WindowSet) -> dict[str, Floats]:
    """(C,) what brings each channel to the others' size, of people who have a sensor in another unit than most.

    A copy in g of what another person has in m/s^2 is a copy.
    """
    people = np.unique(windows.subject).tolist()
    size = np.ones((len(people), len(windows.spec.channels)))
    for place, subject in enumerate(people):
        rows = np.flatnonzero(windows.subject == subject)
        x = windows.x[rows[:: ceil(len(rows) / _SAMPLED_OF_A_PERSON)]].astype(np.float64)
        size[place] = (x**2).mean(axis=(0, 2))
    for columns in triads(windows.spec.channels).values():
        size[:, columns] = size[:, columns].mean(axis=1, keepdims=True)
    size = np.sqrt(np.maximum(size, 1e-12))
    ratio = np.median(size, axis=0) / size
    other = (ratio > _ANOTHER_UNIT) | (ratio < 1 / _ANOTHER_UNIT)
    factors = np.where(other, ratio, 1.0).astype(np.float32)
    return {people[place]: factors[place] for place in np.flatnonzero(other.any(axis=1)).tolist()}


def _gap_free(windows: WindowSet, part: Ints) -> list[Ints]:
    """Windows of `part` that follow each other, by rising start."""
    order = part[np.lexsort((windows.start[part], windows.recording[part]))]
    gap = np.diff(windows.start[order]) > windows.spec.length
    broken = (np.diff(windows.recording[order]) != 0) | gap
    return [rows for rows in np.split(order, np.flatnonzero(broken) + 1) if len(rows)]


def _typical_s(windows: WindowSet) -> float:
    """How long a signal lasts in the middle of all that was recorded."""
    runs = _gap_free(windows, np.arange(len(windows.y)))
    lasts = np.array([windows.start[rows[-1]] - windows.start[rows[0]] + windows.spec.length for rows in runs])
    return float(np.median(np.repeat(lasts, [len(rows) for rows in runs]))) / windows.spec.rate_hz


def _pieces(windows: WindowSet, rows: Ints) -> Iterator[Ints]:
    """Parts of a signal's windows that overlap by more than a compared segment."""
    starts = windows.start[rows] / windows.spec.rate_hz
    low = 0
    while True:
        high = int(np.searchsorted(starts, starts[low] + _PIECE_S, "right"))
        yield rows[low:high]
        if high == len(rows):
            return
        low = max(low + 1, int(np.searchsorted(starts, starts[high - 1] - _OVERLAP_S)))


def join(windows: WindowSet, rows: Ints) -> Floats:
    """(C, T) of windows that follow each other without a gap."""
    length = windows.spec.length
    fresh = np.minimum(np.diff(windows.start[rows], prepend=windows.start[rows[0]] - length), length)
    parts = [windows.x[row, :, length - new :] for row, new in zip(rows.tolist(), fresh.tolist(), strict=True)]
    joined: Floats = np.concatenate(parts, axis=1)
    return joined


def _band_pass(rate_hz: float, seconds: float) -> Floats:
    """Linear-phase taps over `seconds`; what a moving mean of that length leaves, below 5 Hz."""
    from scipy.signal import firwin

    taps = int(rate_hz * seconds) // 2 * 2 + 1
    passed = firwin(taps, min(_HIGHEST_HZ, 0.45 * rate_hz), fs=rate_hz)
    band: Floats = (passed / passed.sum() - 1 / taps).astype(np.float32)
    return band
