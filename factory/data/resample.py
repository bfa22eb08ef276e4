"""Samples at their own time stamps onto a grid of constant rate, in chunks of bounded memory.

Linear interpolation by time stamp, as an app does it on a phone. A silence longer than `max_gap_s` splits
the recording and is never interpolated across. Where the rate falls by more than a fifth, a linear-phase
low-pass runs ahead of the decimation: it stands for what a sensor does by itself when it is asked for the
lower rate, so the contract does not ask an app for it. A recording that already lies on the grid passes
bit by bit.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, floor

import numpy as np
from numpy.typing import NDArray

from factory.contracts.dataset import Floats, Ints, Recording
from factory.contracts.errors import DataError
from factory.data.sources.spill import release_pages

CHUNK = 131_072
"""Samples handled at once; with 9 channels about 15 MB of working memory."""
DOWNSAMPLING = 1.2
"""Ratio of rates above which aliasing is filtered out."""
_ON_GRID = 1e-3
"""Largest deviation from the grid, in periods, that counts as lying on it (time stamps of limited precision)."""
_CLOCK_S = 1e-6
"""Resolution of a time stamp in seconds since 1970 held as float64, rounded up."""
_TAPS_A_PERIOD = 16
"""Length of the low-pass in periods of the new rate; 16 give 60 dB above 0.6 of the new rate."""
_CUTOFF, _KAISER = 0.45, 5.65
"""Of the windowed sinc: half amplitude as a share of the new rate, and beta of its Kaiser window."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """Consecutive samples on the grid.

    Attributes:
        samples: (T, C) float32, SI units.
        labels: (T,) of the nearest sample in time; -1 unlabelled, -2 null.
        first: Whether a new gap-free segment begins here.
    """

    samples: Floats
    labels: Ints
    first: bool


def resample(recording: Recording, rate_hz: float, max_gap_s: float) -> Iterator[Piece]:
    """Put a recording onto the grid, gap-free segment by segment, at most `CHUNK` samples at a time.

    Raises:
        DataError: Time stamps fall or repeat, a sample is not finite, or every interval is longer than `max_gap_s`.
    """
    for start, stop in segments(recording, max_gap_s):
        if _on_grid(recording.time_s, start, stop, rate_hz):
            yield from _copied(recording, start, stop)
        else:
            yield from _interpolated(recording, start, stop, rate_hz)


def segments(recording: Recording, max_gap_s: float) -> list[tuple[int, int]]:
    """Half-open sample ranges without a gap above `max_gap_s`; checks time stamps and samples on the way.

    Raises:
        DataError: As `resample`.
    """
    where = f"subject {recording.subject}, session {recording.session}"
    cuts = [0]
    for low in range(0, len(recording.time_s), CHUNK):
        step = np.diff(recording.time_s[low : low + CHUNK + 1])
        if not (step > 0).all():  # also catches NaN
            row = low + int(np.argmin(step > 0)) + 1
            raise DataError(
                f"{where}: time stamps do not rise at sample {row} "
                f"({recording.time_s[row - 1]:.6f} s, then {recording.time_s[row]:.6f} s): sort or repair the recording"
            )
        if not np.isfinite(recording.samples[low : low + CHUNK]).all():
            row = low + int(np.argmin(np.isfinite(recording.samples[low : low + CHUNK]).all(axis=1)))
            raise DataError(f"{where}: sample {row} is not finite: remove it, a gap is handled by data.max_gap_s")
        cuts += (low + np.flatnonzero(step > max_gap_s + _CLOCK_S) + 1).tolist()
        release(recording)
    if len(recording.time_s) > 2 and len(cuts) >= len(recording.time_s):
        longest = float(np.median(np.diff(recording.time_s[:CHUNK])))
        raise DataError(
            f"{where}: samples come every {longest:.3g} s, all further apart than data.max_gap_s = {max_gap_s:g}: "
            f"set data.max_gap_s to at least {2 * longest:.3g}, or correct the time unit"
        )
    return list(zip(cuts, [*cuts[1:], len(recording.time_s)], strict=True))


def release(recording: Recording) -> None:
    """Give back the pages of memory-mapped arrays; they are read again from disk when needed."""
    for array in (recording.time_s, recording.samples, recording.labels):
        release_pages(array)


def _on_grid(time_s: NDArray[np.float64], start: int, stop: int, rate_hz: float) -> bool:
    for low in range(start, stop, CHUNK):
        part = time_s[low : min(low + CHUNK, stop)]
        ideal = np.arange(low - start, low - start + len(part)) / rate_hz
        if np.abs(part - time_s[start] - ideal).max() > _ON_GRID / rate_hz:
            return False
    return True


def _copied(recording: Recording, start: int, stop: int) -> Iterator[Piece]:
    for low in range(start, stop, CHUNK):
        rows = slice(low, min(low + CHUNK, stop))
        yield Piece(
            samples=np.array(recording.samples[rows]),
            labels=np.array(recording.labels[rows]),
            first=low == start,
        )
        release(recording)


def _interpolated(recording: Recording, start: int, stop: int, rate_hz: float) -> Iterator[Piece]:
    time_s = recording.time_s
    begin, duration = float(time_s[start]), float(time_s[stop - 1] - time_s[start])
    points = floor(duration * rate_hz + 1e-6) + 1
    ratio = (stop - start - 1) / duration / rate_hz if duration > 0 else 1.0
    oversampling = ceil(ratio) if ratio > DOWNSAMPLING else 1
    taps = low_pass(oversampling)
    reach = len(taps) // 2  # of the fine grid, each side
    for low in range(0, points, CHUNK):
        wanted = np.arange(low, min(low + CHUNK, points))
        fine = np.arange(wanted[0] * oversampling - reach, wanted[-1] * oversampling + reach + 1)
        at = np.clip(begin + fine / (rate_hz * oversampling), begin, begin + duration)
        rows = _rows_around(time_s, start, stop, at[0], at[-1])
        near = np.array(time_s[rows])
        values = _interpolate(at, near, recording.samples[rows])
        if oversampling > 1:
            values = _decimate(values, taps, oversampling)
        labels = nearest(begin + wanted / rate_hz, near, recording.labels[rows])
        yield Piece(samples=values.astype(np.float32), labels=labels, first=low == 0)
        release(recording)


def _rows_around(time_s: NDArray[np.float64], start: int, stop: int, low: float, high: float) -> slice:
    """Samples that cover [low, high] and one more on each side, within the segment."""
    first = start + int(np.searchsorted(time_s[start:stop], low, "right")) - 1
    last = start + int(np.searchsorted(time_s[start:stop], high, "left")) + 1
    return slice(max(first - 1, start), min(last + 1, stop))


def _interpolate(at: NDArray[np.float64], time_s: NDArray[np.float64], samples: Floats) -> NDArray[np.float64]:
    return np.stack([np.interp(at, time_s, samples[:, channel]) for channel in range(samples.shape[1])], axis=1)


def nearest(at: NDArray[np.float64], time_s: NDArray[np.float64], labels: Ints) -> Ints:
    """(n,) label of the row nearest to each time; `time_s` (T,) rises."""
    right = np.clip(np.searchsorted(time_s, at), 1, max(len(time_s) - 1, 1))
    right = np.minimum(right, len(time_s) - 1)
    left = np.maximum(right - 1, 0)
    row = np.where(at - time_s[left] <= time_s[right] - at, left, right)
    found: Ints = labels[row]
    return found


def low_pass(oversampling: int) -> NDArray[np.float64]:
    """Symmetric FIR taps that pass below 0.4 of the new rate; (1,) for no filter.

    Ends repeat the first and last sample, so a constant stays the constant.
    """
    if oversampling == 1:
        return np.ones(1)
    count = _TAPS_A_PERIOD * oversampling + 1
    cutoff = 2 * _CUTOFF / oversampling  # of the fine grid's Nyquist frequency
    taps = cutoff * np.sinc(cutoff * (np.arange(count) - (count - 1) / 2)) * np.kaiser(count, _KAISER)
    scaled: NDArray[np.float64] = taps / taps.sum()
    return scaled


def _decimate(values: NDArray[np.float64], taps: NDArray[np.float64], oversampling: int) -> NDArray[np.float64]:
    """(oversampling * (n - 1) + len(taps), C) -> (n, C)."""
    points = (len(values) - len(taps)) // oversampling + 1
    filtered = np.zeros((points, values.shape[1]))
    for place, tap in enumerate(taps):
        filtered += tap * values[place : place + (points - 1) * oversampling + 1 : oversampling]
    return filtered
