"""Events of several sensors, each with time stamps of its own, to windows: what an app on a phone computes.

The reference for `android_demo/sensing`, and the words of `WindowSpec.resampling = "linear_by_timestamp"` in code:

1. A sensor's events are put in the order of their time stamps. A second event of one time stamp, a value that is not
   finite, and an event that arrives more than the reorder horizon behind a newer one are dropped.
2. A segment is a time in which no sensor is silent for longer than `max_gap_s`. It begins with the event that makes
   all sensors present, and nothing is interpolated across its ends.
3. In a segment, each axis is interpolated linearly at multiples of `1 / rate_hz` from its begin, and windows are cut.

`factory.data.resample` follows the same rule for recordings whose channels share their time stamps, and filters where
it lowers the rate, as a sensor does that is asked for the lower rate. A phone's sensor has done that already, so here
no filter runs.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import floor

import numpy as np

from factory.contracts.dataset import Floats, Ints
from factory.contracts.errors import DataError
from factory.contracts.window import Quantity, WindowSpec

DUPLICATE, LATE, NOT_FINITE = "duplicates", "late", "not finite"
_NS = 1e9
_CLOCK_NS = 1_000
"""What a clock rounds: an interval longer than `max_gap_s` by less is no gap."""
_TOLERANCE = 1e-6
"""Rounding of `index / rate_hz` that must not cost a segment its last grid point, in periods."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Events:
    """One sensor's events, in the order in which they arrived.

    Attributes:
        time_ns: (E,) int64, the sensors' common clock.
        values: (E, 3) float32, SI units, the contract's frame.
    """

    time_ns: Ints
    values: Floats


@dataclass(frozen=True, kw_only=True, slots=True)
class LiveWindows:
    """Windows of a live recording.

    Attributes:
        x: (N, C, T) float32, SI units.
        start_ns: (N,) int64, time of each window's first sample.
        dropped: Events left out, by sensor and reason.
    """

    x: Floats
    start_ns: Ints
    dropped: dict[Quantity, Counter[str]]


def live_windows(events: Mapping[Quantity, Events], spec: WindowSpec, max_gap_s: float, reorder_ns: int) -> LiveWindows:
    """The windows of a whole recording.

    Args:
        events: Exactly the sensors that the contract names.
        spec: The sensor contract.
        max_gap_s: The recipe's `data.max_gap_s`.
        reorder_ns: How late an event may arrive after a newer one of the same sensor.

    Raises:
        DataError: A phone cannot feed the contract, or another set of sensors is given.
    """
    spec.require_phone()
    needed = {channel.quantity for channel in spec.channels}
    if set(events) != needed:
        raise DataError(f"events of {', '.join(sorted(events))}: the contract needs {', '.join(sorted(needed))}")
    dropped: dict[Quantity, Counter[str]] = {quantity: Counter() for quantity in events}
    tracks = {key: in_order(given, reorder_ns, dropped[key]) for key, given in events.items()}
    windows, starts = [np.empty((0, len(spec.channels), spec.length), np.float32)], [np.empty(0, np.int64)]
    for begin, grid in _grids(tracks, spec, max_gap_s):
        first = np.arange(0, len(grid) - spec.length + 1, spec.hop)
        if len(first):
            view = np.lib.stride_tricks.sliding_window_view(grid, spec.length, axis=0)
            windows.append(view[first])
            starts.append(begin + np.floor(first * (_NS / spec.rate_hz) + 0.5).astype(np.int64))
    return LiveWindows(x=np.concatenate(windows), start_ns=np.concatenate(starts), dropped=dropped)


def in_order(events: Events, reorder_ns: int, dropped: Counter[str]) -> Events:
    """Events by rising time stamp, each once; what is left out is counted in `dropped`."""
    finite = np.isfinite(events.values).all(axis=1)
    time_ns, values = events.time_ns[finite], events.values[finite]
    newest = np.maximum.accumulate(time_ns)
    punctual = time_ns >= newest - reorder_ns
    time_ns, values = time_ns[punctual], values[punctual]
    time_ns, kept = np.unique(time_ns, return_index=True)
    dropped[NOT_FINITE] += int((~finite).sum())
    dropped[LATE] += int((~punctual).sum())
    dropped[DUPLICATE] += int(punctual.sum()) - len(kept)
    return Events(time_ns=time_ns, values=values[kept])


def _grids(tracks: Mapping[Quantity, Events], spec: WindowSpec, max_gap_s: float) -> Iterator[tuple[int, Floats]]:
    """Begin in ns and samples (T, C) of each segment."""
    limit = round(max_gap_s * _NS) + _CLOCK_NS
    parts = {quantity: _parts(track.time_ns, limit) for quantity, track in tracks.items()}
    at = dict.fromkeys(tracks, 0)
    while all(at[quantity] < len(parts[quantity]) for quantity in tracks):
        now = {quantity: parts[quantity][at[quantity]] for quantity in tracks}
        begin = max(int(tracks[quantity].time_ns[part.start]) for quantity, part in now.items())
        ends = {quantity: int(tracks[quantity].time_ns[part.stop - 1]) for quantity, part in now.items()}
        if begin <= min(ends.values()):
            yield begin, _grid(tracks, now, spec, begin, min(ends.values()))
        at[min(ends, key=lambda quantity: ends[quantity])] += 1


def _parts(time_ns: Ints, limit_ns: int) -> list[slice]:
    """Gap-free runs of one sensor's events."""
    if not len(time_ns):
        return []
    cuts = [0, *(np.flatnonzero(np.diff(time_ns) > limit_ns) + 1).tolist(), len(time_ns)]
    return [slice(low, high) for low, high in pairwise(cuts)]


def _grid(
    tracks: Mapping[Quantity, Events], parts: Mapping[Quantity, slice], spec: WindowSpec, begin: int, end: int
) -> Floats:
    step = _NS / spec.rate_hz
    offsets = np.arange(floor((end - begin) / step + _TOLERANCE) + 1) * step
    columns = []
    for channel in spec.channels:
        track, part = tracks[channel.quantity], parts[channel.quantity]
        known = (track.time_ns[part] - begin).astype(np.float64)
        columns.append(np.interp(offsets, known, track.values[part, "xyz".index(channel.axis)]))
    return np.stack(columns, axis=1).astype(np.float32)
