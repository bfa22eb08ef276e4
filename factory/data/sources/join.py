"""Sensors with rows of their own, joined by time stamp into one recording."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from factory.contracts.dataset import Floats, Ints
from factory.data.resample import nearest
from factory.data.streams import Events, join

_NS = 1e9


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """One sensor of a recording.

    Attributes:
        rows: Structured (time_s, label, samples), time rising.
        columns: Channels of the recording that its samples are, in order.
    """

    rows: "NDArray[Any]"
    columns: Sequence[int]


@dataclass(frozen=True, kw_only=True, slots=True)
class Whole:
    """The joined recording: (T,) seconds, (T, C) SI units, (T,) labels; memory-mapped."""

    time_s: NDArray[np.float64]
    samples: Floats
    labels: Ints


def join_sensors(parts: Sequence[Part], channels: int, rate_hz: float, max_gap_s: float, path: Path) -> Whole:
    """All sensors on a grid of `rate_hz`, while none is silent for longer than `max_gap_s`.

    A grid point has the label of the first sensor's row that is nearest in time.

    Args:
        parts: The sensors.
        channels: Of the recording.
        rate_hz: Of the grid.
        max_gap_s: A longer silence of one sensor begins another segment.
        path: File for the result, for as long as it is used.

    Returns:
        Nothing (T = 0) where the sensors share no time.
    """
    record = np.dtype([("time_s", "<f8"), ("label", "<i8"), ("samples", "<f4", (channels,))])
    tracks = {
        place: Events(time_ns=np.round(part.rows["time_s"] * _NS).astype(np.int64), values=part.rows["samples"])
        for place, part in enumerate(parts)
    }
    at = {channel: (place, own) for place, part in enumerate(parts) for own, channel in enumerate(part.columns)}
    columns = [at[channel] for channel in range(channels)]
    with path.open("wb") as file:
        for piece in join(tracks, columns, rate_hz, max_gap_s):
            rows = np.empty(len(piece.samples), record)
            rows["time_s"] = piece.begin_ns / _NS + np.arange(len(rows)) / rate_hz
            rows["samples"] = piece.samples
            rows["label"] = nearest(rows["time_s"], parts[0].rows["time_s"], parts[0].rows["label"])
            file.write(rows.data)
    if not path.stat().st_size:
        empty = np.empty(0, record)
        return Whole(time_s=empty["time_s"], samples=empty["samples"], labels=empty["label"])
    whole = np.memmap(path, record, mode="r")
    return Whole(time_s=whole["time_s"], samples=whole["samples"], labels=whole["label"])
