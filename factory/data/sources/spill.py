"""Rows of many recordings, sorted apart on disk, so that neither their number nor their length costs memory."""

import mmap
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from factory.contracts.dataset import Ints

Key = tuple[str, str, str]
"""Subject, session, sensor."""


@dataclass(kw_only=True, slots=True)
class Order:
    """How the time stamps of a track follow each other.

    Attributes:
        falls: Stamps before the one before.
        anew: Those of them that return to where the track began.
        equal: Stamps equal to the one before.
        identical: Those of them whose values are equal, too.
        first_fall: Where the first one stands, for messages; so `first_equal`.
    """

    falls: int = 0
    anew: int = 0
    equal: int = 0
    identical: int = 0
    first_fall: str = ""
    first_equal: str = ""


@dataclass(kw_only=True, slots=True)
class Track:
    """The rows of one sensor in one recording, on their way to disk.

    Attributes:
        path: Records of time (float64 s), label (int64) and samples (float32).
        record: Their type.
        rows: Written so far.
        last: The newest row.
        order: Of its time stamps.
    """

    path: Path
    record: "np.dtype[Any]"
    rows: int = 0
    last: Any = None
    order: Order = field(default_factory=Order)

    def read(self) -> "NDArray[Any]":
        """The rows, memory-mapped."""
        return np.memmap(self.path, self.record, mode="r")


class Spill:
    """Tracks by subject, session and sensor, in the order of their first rows."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.tracks: dict[Key, Track] = {}
        self.origins: dict[tuple[str, str], float] = {}

    def origin(self, subject: str, session: str, tick: float) -> float:
        """The time stamp that a recording's seconds count from: the first one that was seen of it."""
        return self.origins.setdefault((subject, session), tick)

    def append(
        self,
        key: Key,
        time_s: NDArray[np.float64],
        label: Ints,
        samples: NDArray[np.float64],
        place: Callable[[int], str],
    ) -> None:
        """Write rows: (n,) seconds, (n,) labels, (n, C) SI units; `place` says where row i of them stands."""
        if key not in self.tracks:
            record = np.dtype([("time_s", "<f8"), ("label", "<i8"), ("samples", "<f4", (samples.shape[1],))])
            self.tracks[key] = Track(path=self._folder / f"{len(self.tracks)}.rows", record=record)
        track = self.tracks[key]
        rows = np.empty(len(time_s), track.record)
        rows["time_s"], rows["label"], rows["samples"] = time_s, label, samples
        _note(track, rows, place)
        with track.path.open("ab") as handle:
            handle.write(rows.data)
        track.rows += len(rows)
        track.last = rows[-1].copy()

    def recordings(self) -> dict[tuple[str, str], dict[str, Track]]:
        """Tracks of each recording by sensor."""
        found: dict[tuple[str, str], dict[str, Track]] = {}
        for (subject, session, sensor), track in self.tracks.items():
            found.setdefault((subject, session), {})[sensor] = track
        return found


def _note(track: Track, rows: "NDArray[Any]", place: Callable[[int], str]) -> None:
    """Count where time falls or repeats, the border to what was written before included."""
    time_s = rows["time_s"]
    before = np.nan if track.last is None else track.last["time_s"]
    steps = np.diff(time_s, prepend=before)
    order = track.order
    if len(falls := np.flatnonzero(steps < 0)):
        order.first_fall = order.first_fall or place(int(falls[0]))
        order.falls += len(falls)
        begin = 0.0 if track.rows else float(time_s[0])
        order.anew += int((time_s[falls] - begin < np.abs(steps[falls]) * 0.5).sum())
    if len(equal := np.flatnonzero(steps == 0)):
        order.first_equal = order.first_equal or place(int(equal[0]))
        order.equal += len(equal)
        earlier = rows["samples"][np.maximum(equal - 1, 0)]
        if equal[0] == 0:
            earlier[0] = track.last["samples"]
        order.identical += int((rows["samples"][equal] == earlier).all(axis=1).sum())


def release_pages(array: object) -> None:
    """Give back the pages of a memory-mapped array; they are read again from disk when needed."""
    while isinstance(array, np.ndarray):
        array = array.base
    if isinstance(array, mmap.mmap):
        with suppress(OSError):  # advice only
            array.madvise(mmap.MADV_DONTNEED)
