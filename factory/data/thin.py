"""A signal in few points: the least and the largest value of each channel in each bucket of samples.

Buckets end where a gap begins, so that a line can be broken there. What was thinned can be thinned again. A
recording is read in chunks; it may be larger than memory.
"""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from factory.contracts.dataset import Floats, Ints
from factory.contracts.overview import Line

Read = Callable[[int, int], Floats]
"""Samples (n, C) from one index to before another."""
CHUNK = 1 << 16
"""Samples handled at once."""
_EARLY, _LATE = 0.25, 0.75
"""Where in its bucket a pair of points is drawn."""


def thin(time_s: NDArray[np.float64], read: Read, breaks: Ints, points: int) -> Line:
    """At most `points` points and two for each break.

    Args:
        time_s: (T,) seconds.
        read: Gives the samples; values that are not finite count as missing.
        breaks: Samples at which a new piece begins; never 0.
        points: Wanted, at least 2.
    """
    total = len(time_s)
    if total <= points:
        return Line(time_s=np.array(time_s, np.float64), values=_finite(read(0, total)), breaks=breaks, every=1)
    every = -(-2 * total // points)
    edges = np.union1d(np.arange(0, total, every), breaks)
    times, values = np.empty((len(edges), 2)), []
    for low, high in chunks(edges, total):
        begin, end = int(edges[low]), int(edges[high]) if high < len(edges) else total
        block = _finite(read(begin, end))
        times[low:high], pairs = _pairs(np.asarray(time_s[begin:end]), block, edges[low:high] - begin)
        values.append(pairs)
    return Line(
        time_s=times.reshape(-1),
        values=np.concatenate(values).reshape(len(edges) * 2, -1),
        breaks=2 * np.searchsorted(edges, breaks),
        every=every,
    )


def thin_again(line: Line, points: int) -> Line:
    """The same signal in fewer points."""
    coarser = thin(line.time_s, lambda begin, end: line.values[begin:end], line.breaks, points)
    if coarser.every == 1:
        return line
    every = round(coarser.every * line.every / 2) if line.every > 1 else coarser.every
    return Line(time_s=coarser.time_s, values=coarser.values, breaks=coarser.breaks, every=every)


def chunks(edges: Ints, total: int) -> Iterator[tuple[int, int]]:
    """Half-open ranges of buckets that hold at most `CHUNK` samples together, or one bucket."""
    ends = np.append(edges[1:], total)
    low = 0
    while low < len(edges):
        high = max(low + 1, int(np.searchsorted(ends, edges[low] + CHUNK, "right")))
        yield low, high
        low = high


def _finite(samples: Floats) -> Floats:
    values: Floats = np.where(np.isfinite(samples), samples, np.float32(np.nan)).astype(np.float32)
    return values


def _pairs(time_s: NDArray[np.float64], samples: Floats, edges: Ints) -> tuple[NDArray[np.float64], Floats]:
    """Times (B, 2) and values (B, 2, C) of buckets that begin at `edges`: least and largest, in the order of time."""
    last = np.append(edges[1:], len(time_s)) - 1
    first_s, last_s = time_s[edges], time_s[last]
    times = first_s[:, None] + (last_s - first_s)[:, None] * np.array([_EARLY, _LATE])
    low, high = np.fmin.reduceat(samples, edges, axis=0), np.fmax.reduceat(samples, edges, axis=0)
    falling = samples[edges] > samples[last]
    return times, np.stack([np.where(falling, high, low), np.where(falling, low, high)], axis=1)
