"""Rows of many recordings, sorted apart on disk, so that neither their number nor their length costs memory."""

import mmap
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from factory.contracts.dataset import Ints, Recording


@dataclass(kw_only=True, slots=True)
class Session:
    """One recording on its way to disk.

    Attributes:
        origin: First time stamp, in the file's ticks.
        last: Latest time stamp.
        rows: Written so far.
        path: Records of time (float64 s), label (int64) and samples (float32).
    """

    origin: float
    last: float
    rows: int
    path: Path


class Spill:
    """Recordings by (subject, session), in the order of their first row."""

    def __init__(self, folder: Path, channels: int) -> None:
        self._folder = folder
        self.record = np.dtype([("time_s", "<f8"), ("label", "<i8"), ("samples", "<f4", (channels,))])
        self.sessions: dict[tuple[str, str], Session] = {}

    def session(self, subject: str, name: str, origin: float) -> Session:
        """The recording of that name; begun at `origin` if it is new."""
        if (subject, name) not in self.sessions:
            path = self._folder / f"{len(self.sessions)}.rows"
            self.sessions[subject, name] = Session(origin=origin, last=-np.inf, rows=0, path=path)
        return self.sessions[subject, name]

    def append(self, session: Session, time_s: NDArray[np.float64], label: Ints, samples: NDArray[np.float64]) -> None:
        """Write rows: (n,) seconds, (n,) labels, (n, C) SI units."""
        rows = np.empty(len(time_s), self.record)
        rows["time_s"], rows["label"], rows["samples"] = time_s, label, samples
        with session.path.open("ab") as handle:
            handle.write(rows.data)
        session.rows += len(rows)

    def recordings(self) -> Iterator[Recording]:
        """Each recording, memory-mapped; its file is deleted when the next one is asked for."""
        for (subject, name), session in self.sessions.items():
            rows = np.memmap(session.path, self.record, mode="r")
            yield Recording(
                subject=subject, session=name, time_s=rows["time_s"], samples=rows["samples"], labels=rows["label"]
            )
            del rows
            session.path.unlink()


def release_pages(array: object) -> None:
    """Give back the pages of a memory-mapped array; they are read again from disk when needed."""
    while isinstance(array, np.ndarray):
        array = array.base
    if isinstance(array, mmap.mmap):
        with suppress(OSError):  # advice only
            array.madvise(mmap.MADV_DONTNEED)
