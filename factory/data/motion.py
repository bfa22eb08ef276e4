"""Windows joined to signals again, reduced to what tells one person's movement from another's.

Shape legend: T time steps, C channels, D components.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

from factory.contracts.dataset import Floats, Ints, WindowSet

COMPONENTS = 12
_GRID_HZ = 25.0
_BAND_HZ = (0.5, 5.0)
_SAMPLED = 2000
"""Windows from which scales and components are taken."""
_LEAST = 1e-3
"""Variance of a component that is not raised further, in units of the first."""
_QUIET = 0.3
"""Loudness below which a signal is not raised to the constant level, in units of the mean loudness."""
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
        sample = windows.x[:: ceil(len(windows.x) / _SAMPLED)].astype(np.float64)
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
        self._taps = _band_pass(windows.spec.rate_hz)
        self._loudness = self._typical_loudness(sample)

    def _typical_loudness(self, sample: NDArray[np.float64]) -> float:
        moving = np.einsum("nct,cd->ndt", sample.astype(np.float32), self._mapping)
        return float(np.sqrt((moving**2).sum(axis=1).mean())) or 1.0

    def motion(self, x: Floats) -> NDArray[np.float16]:
        """(C, T) SI units to (T / step, D)."""
        from scipy.ndimage import uniform_filter1d
        from scipy.signal import oaconvolve

        reach = len(self._taps) // 2
        moving = x.T @ self._mapping
        padded = np.pad(moving - moving.mean(axis=0), ((reach, reach), (0, 0)), mode="edge")
        band = oaconvolve(padded, self._taps[:, None], mode="valid", axes=0)[:: self._step]
        power = uniform_filter1d((band**2).sum(axis=1), max(1, round(self.grid_hz)), mode="nearest")
        level = np.sqrt(np.maximum(power, (_QUIET * self._loudness) ** 2))
        levelled: NDArray[np.float16] = (band / level[:, None]).astype(np.float16)
        return levelled


def signals_of(windows: WindowSet, part: Ints, reducer: Reducer) -> Iterator[Signal]:
    """Every signal of the windows in `part`; one pass over them, pieces of at most ten minutes."""
    length = windows.spec.length
    order = part[np.lexsort((windows.start[part], windows.recording[part]))]
    if not len(order):
        return
    starts = windows.start[order]
    broken = (np.diff(windows.recording[order]) != 0) | (np.diff(starts) > length)
    for rows in np.split(order, np.flatnonzero(broken) + 1):
        for piece in _pieces(windows, rows):
            begin = (windows.start[piece] - windows.start[piece[0]]) * (reducer.grid_hz / windows.spec.rate_hz)
            motion = reducer.motion(join(windows, piece))
            yield Signal(subject=str(windows.subject[piece[0]]), rows=piece, begin=begin, motion=motion)


def _pieces(windows: WindowSet, rows: Ints) -> Iterator[Ints]:
    """Parts of a signal's windows that overlap by more than a compared stretch."""
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


def _band_pass(rate_hz: float) -> Floats:
    """Linear-phase taps over 2 s; what a moving mean of 2 s leaves, below 5 Hz."""
    from scipy.signal import firwin

    low, high = _BAND_HZ
    taps = int(rate_hz / low) // 2 * 2 + 1
    passed = firwin(taps, min(high, 0.45 * rate_hz), fs=rate_hz)
    band: Floats = (passed / passed.sum() - 1 / taps).astype(np.float32)
    return band
