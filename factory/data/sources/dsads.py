"""DSADS, Daily and Sports Activities (Altun 2010): five body positions, 8 people, 19 activities, 25 Hz.

The authors publish segments of 5 s; those of one person and activity follow each other without a pause and are
joined to one recording of 5 minutes. Accelerometer in m/s^2, gyroscope in rad/s, magnetometer normalised to the
earth's field (no unit). Person and activity, not segments, are what a split may tell apart.

Person 8's rowing and jumping are person 4's, 10 samples later, value by value (found by `factory.data.near_copies`).
Whose they are is not known. Person 8's are left out where they are the same, or a test would hold what was trained on.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from factory.contracts.dataset import Floats, Recording
from factory.contracts.errors import DataError
from factory.contracts.progress import Progress
from factory.contracts.window import Channel, Filter, Quantity
from factory.data.sources.layout import find_root, index_time, read_numbers, require, triad

_POSITIONS = ("torso", "right_arm", "left_arm", "right_leg", "left_leg")
_PEOPLE, _SEGMENTS, _ROWS = 8, 60, 125
_REPEATED = {(17, 8): 4, (18, 8): 4}
"""Activity and person whose recording repeats that of another person."""
_LATER = 10
"""Samples by which it does."""


def _position(place: str) -> tuple[Channel, ...]:
    return (
        triad(f"{place}_acc", Quantity.ACCELEROMETER, place)
        + triad(f"{place}_gyro", Quantity.GYROSCOPE, place)
        + triad(f"{place}_mag", Quantity.MAGNETOMETER, place)
    )


class Dsads:
    """150 recordings of 5 minutes, 45 channels."""

    name = "dsads"
    labels = (
        "sitting",
        "standing",
        "lying_on_back",
        "lying_on_right_side",
        "ascending_stairs",
        "descending_stairs",
        "standing_in_elevator",
        "moving_in_elevator",
        "walking_in_parking_lot",
        "walking_on_treadmill_flat",
        "walking_on_treadmill_inclined",
        "running_on_treadmill",
        "exercising_on_stepper",
        "exercising_on_cross_trainer",
        "cycling_horizontal",
        "cycling_vertical",
        "rowing",
        "jumping",
        "playing_basketball",
    )
    channels: tuple[Channel, ...] = tuple(channel for place in _POSITIONS for channel in _position(place))
    nominal_rate_hz = 25.0
    axes = "each Xsens MTx unit's own axes, as mounted by the authors"
    filters: tuple[Filter, ...] = ()
    filters_published = False
    official_test: tuple[str, ...] = ()
    published_window: tuple[int, int] | None = None
    cite = (
        "Altun, Barshan, Tunçel: Comparative study on classifying human activities with miniature inertial and "
        "magnetic sensors. Pattern Recognition 43, 2010"
    )
    terms = "CC BY 4.0: cite Altun 2010"
    details = "repeated recordings left out"
    """What shapes the recordings beside the files' content."""
    urls = ("https://archive.ics.uci.edu/static/public/256/daily+and+sports+activities.zip",)

    def files(self, folder: Path | None) -> list[Path]:
        """The 9120 segments.

        Raises:
            DataError: The folder is not there or not complete.
        """
        root = _root(folder)
        activities, people = range(1, len(self.labels) + 1), range(1, _PEOPLE + 1)
        return require(
            self.name,
            (path for activity in activities for person in people for path in _segments(root, activity, person)),
        )

    def recordings(self, folder: Path | None, progress: Progress) -> Iterator[Recording]:
        """One recording a person and activity: its 60 segments joined; none that repeats another person's.

        Raises:
            DataError: A segment is damaged or does not hold 125 rows of 45 values.
        """
        root = _root(folder)
        with progress.track("DSADS", len(self.labels) * _PEOPLE * _SEGMENTS, "segments") as bar:
            for activity in range(1, len(self.labels) + 1):
                for person in range(1, _PEOPLE + 1):
                    samples = _samples(root, activity, person)
                    bar.advance(_SEGMENTS)
                    if _is_repeated(root, activity, person, samples):
                        continue
                    yield Recording(
                        subject=str(person),
                        session=f"a{activity:02d}",
                        time_s=index_time(len(samples), self.nominal_rate_hz),
                        samples=samples,
                        labels=np.full(len(samples), activity - 1, np.int64),
                    )


def _root(folder: Path | None) -> Path:
    return find_root("dsads", folder, ("data", "dsads/data", "dsads"), "a01/p1")


def _segments(root: Path, activity: int, person: int) -> list[Path]:
    folder = root / f"a{activity:02d}" / f"p{person}"
    return [folder / f"s{segment:02d}.txt" for segment in range(1, _SEGMENTS + 1)]


def _samples(root: Path, activity: int, person: int) -> Floats:
    """(7500, 45) of a person's 60 segments."""
    return np.concatenate([_read(path) for path in _segments(root, activity, person)])


def _is_repeated(root: Path, activity: int, person: int, samples: Floats) -> bool:
    other = _REPEATED.get((activity, person))
    return other is not None and np.array_equal(samples[_LATER:], _samples(root, activity, other)[:-_LATER])


def _read(path: Path) -> Floats:
    values = read_numbers(path, 9 * len(_POSITIONS))
    if len(values) != _ROWS:
        raise DataError(
            f"{path} has {len(values)} rows, expected {_ROWS}: the file is truncated, unpack the archive again"
        )
    return values.astype(np.float32)
