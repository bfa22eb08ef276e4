"""Events of several sensors, each with time stamps of its own, to windows: what an app on a phone computes.

The reference for `android_demo/sensing`, and the words of `WindowSpec.resampling = "linear_by_timestamp"` in code:

1. A sensor's events are put in the order of their time stamps. A second event of one time stamp, a value that is not
   finite, and an event that arrives more than the reorder horizon behind a newer one (it is late) are dropped. The
   last of `LATE_IN_A_ROW` late events is believed: events before it that are stamped later are dropped instead.
2. A segment is a time in which no sensor is silent for longer than `max_gap_s`. It begins with the event that makes
   all sensors present, and nothing is interpolated across its ends.
3. In a segment, each axis is interpolated linearly at multiples of `1 / rate_hz` from its begin, and windows are cut.

`join` is 2 and 3 for any sensors, of a phone or of a user's files, in bounded memory.

`factory.data.resample` follows the same rule for recordings whose channels share their time stamps, and filters where
it lowers the rate, as a sensor does that is asked for the lower rate. A phone's sensor has done that already, so here
no filter runs.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from factory.contracts.dataset import Floats, Ints
from factory.contracts.errors import DataError
from factory.contracts.window import Quantity, WindowSpec
from factory.data.resample import CHUNK
from factory.data.sources.spill import release_pages

Key = TypeVar("Key")

DUPLICATE, LATE, NOT_FINITE, AHEAD = "duplicates", "late", "not finite", "ahead"
LATE_IN_A_ROW = 50
"""So many late events one after the other mean that the newest event's time stamp was wrong."""
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
        values: (E, V) float32, SI units, the contract's frame; a phone's sensors give V = 3.
    """

    time_ns: Ints
    values: Floats


@dataclass(frozen=True, kw_only=True, slots=True)
class Joined:
    """Consecutive samples of several sensors on one grid.

    Attributes:
        begin_ns: Time of the first one.
        samples: (T, C) float32, at most `CHUNK` of them.
        first: Whether a new gap-free segment begins here.
    """

    begin_ns: int
    samples: Floats
    first: bool


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
    columns = [(channel.quantity, "xyz".index(channel.axis)) for channel in spec.channels]
    for begin, grid in _whole(join(tracks, columns, spec.rate_hz, max_gap_s)):
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
    taken = np.empty(0, np.int64)
    begin, late, ahead = 0, 0, 0
    while begin < len(time_ns):
        stop, punctual = _until_restart(time_ns[begin:], reorder_ns)
        taken = np.concatenate([taken, begin + np.flatnonzero(punctual)])
        late += int((~punctual).sum())
        begin += stop
        if begin < len(time_ns):
            believed = taken[time_ns[taken] <= time_ns[begin]]
            ahead += len(taken) - len(believed)
            taken = believed
    ordered, kept = np.unique(time_ns[taken], return_index=True)
    counts = {NOT_FINITE: int((~finite).sum()), LATE: late, AHEAD: ahead, DUPLICATE: len(taken) - len(kept)}
    dropped.update({reason: count for reason, count in counts.items() if count})
    return Events(time_ns=ordered, values=values[taken[kept]])


def _until_restart(time_ns: Ints, reorder_ns: int) -> tuple[int, NDArray[np.bool_]]:
    """Place of the late event that is believed, or the number of events; and which events before it are punctual."""
    punctual = time_ns >= np.maximum.accumulate(time_ns) - reorder_ns
    before = np.concatenate([[0], np.cumsum(~punctual)])
    runs = np.flatnonzero(before[LATE_IN_A_ROW:] - before[:-LATE_IN_A_ROW] == LATE_IN_A_ROW)
    stop = int(runs[0]) + LATE_IN_A_ROW - 1 if len(runs) else len(time_ns)
    return stop, punctual[:stop]


def join(
    tracks: Mapping[Key, Events], columns: Sequence[tuple[Key, int]], rate_hz: float, max_gap_s: float
) -> Iterator[Joined]:
    """Sensors with clocks of their own, on one grid.

    Memory does not grow with the length: arrays may be memory-mapped, and their pages are given back.

    Args:
        tracks: Sensor to events, by rising time stamp, each once, finite (see `in_order`).
        columns: Of each channel of the result: sensor and index of its value.
        rate_hz: Of the grid.
        max_gap_s: A longer silence of one sensor ends the segment of all.
    """
    limit = round(max_gap_s * _NS) + _CLOCK_NS
    parts = {key: _parts(track.time_ns, limit) for key, track in tracks.items()}
    now = {key: next(runs, None) for key, runs in parts.items()}
    while now and all(now.values()):
        runs = {key: run for key, run in now.items() if run is not None}
        begin = max(int(tracks[key].time_ns[run.start]) for key, run in runs.items())
        ends = {key: int(tracks[key].time_ns[run.stop - 1]) for key, run in runs.items()}
        if begin <= min(ends.values()):
            yield from _grid(tracks, runs, columns, _NS / rate_hz, begin, min(ends.values()))
        ended = min(ends, key=lambda key: ends[key])
        now[ended] = next(parts[ended], None)


def _whole(pieces: Iterator[Joined]) -> Iterator[tuple[int, Floats]]:
    """Begin in ns and samples (T, C) of each segment."""
    parts: list[Joined] = []
    for piece in pieces:
        if piece.first and parts:
            yield parts[0].begin_ns, np.concatenate([part.samples for part in parts])
            parts = []
        parts.append(piece)
    if parts:
        yield parts[0].begin_ns, np.concatenate([part.samples for part in parts])


def _parts(time_ns: Ints, limit_ns: int) -> Iterator[slice]:
    """Gap-free runs of one sensor's events."""
    start = 0
    for low in range(0, len(time_ns), CHUNK):
        cuts = low + 1 + np.flatnonzero(np.diff(time_ns[low : low + CHUNK + 1]) > limit_ns)
        for cut in cuts.tolist():
            yield slice(start, cut)
            start = cut
        release_pages(time_ns)
    if start < len(time_ns):
        yield slice(start, len(time_ns))


def _grid(
    tracks: Mapping[Key, Events],
    runs: Mapping[Key, slice],
    columns: Sequence[tuple[Key, int]],
    step: float,
    begin: int,
    end: int,
) -> Iterator[Joined]:
    points = floor((end - begin) / step + _TOLERANCE) + 1
    for low in range(0, points, CHUNK):
        offsets = np.arange(low, min(low + CHUNK, points)) * step
        near = {key: _around(track.time_ns, runs[key], begin, offsets[0], offsets[-1]) for key, track in tracks.items()}
        known = {key: (track.time_ns[near[key]] - begin).astype(np.float64) for key, track in tracks.items()}
        samples = [np.interp(offsets, known[key], tracks[key].values[near[key], index]) for key, index in columns]
        yield Joined(
            begin_ns=begin + floor(offsets[0] + 0.5),
            samples=np.stack(samples, axis=1).astype(np.float32),
            first=low == 0,
        )
        for track in tracks.values():
            release_pages(track.time_ns)
            release_pages(track.values)


def _around(time_ns: Ints, run: slice, begin: int, low: float, high: float) -> slice:
    """The events of a run that the points lie between."""
    inside = time_ns[run]
    first = int(np.searchsorted(inside, begin + floor(low), "right")) - 1
    last = int(np.searchsorted(inside, begin + ceil(high), "left")) + 1
    return slice(run.start + max(first, 0), min(run.start + last, run.stop))
