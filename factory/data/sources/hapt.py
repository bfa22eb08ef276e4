"""HAPT (Reyes-Ortiz 2016): raw phone recordings at the waist, 30 people, six activities and six postural transitions.

Straight from RawData: accelerometer in g and gyroscope in rad/s as the phone delivered them, no filter. labels.txt
gives sample ranges, counted from 1, last one included; what lies between them is unlabelled.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from factory.contracts.dataset import Ints, Recording
from factory.contracts.errors import DataError
from factory.contracts.progress import Progress
from factory.contracts.window import Channel, Filter, Quantity
from factory.data.sources.layout import STANDARD_GRAVITY, find_root, index_time, read_numbers, require, triad

_NAME = re.compile(r"acc_exp(\d+)_user(\d+)\.txt")


class Hapt:
    """61 recordings, 12 labels; choose 6 or 7 classes with the recipe's `labels` and `merge`."""

    name = "hapt"
    labels = (
        "walking",
        "walking_upstairs",
        "walking_downstairs",
        "sitting",
        "standing",
        "laying",
        "stand_to_sit",
        "sit_to_stand",
        "sit_to_lie",
        "lie_to_sit",
        "stand_to_lie",
        "lie_to_stand",
    )
    channels: tuple[Channel, ...] = triad("acc", Quantity.ACCELEROMETER, "waist") + triad(
        "gyro", Quantity.GYROSCOPE, "waist"
    )
    nominal_rate_hz = 50.0
    axes = "Android's device axes, Samsung Galaxy S II on the waist"
    filters: tuple[Filter, ...] = ()
    filters_published = False
    official_test = ("2", "4", "9", "10", "12", "13", "18", "20", "24")
    published_window: tuple[int, int] | None = None
    cite = (
        "Reyes-Ortiz, Oneto, Samà, Parra, Anguita: Transition-Aware Human Activity Recognition Using Smartphones. "
        "Neurocomputing 171, 2016"
    )
    terms = "the archive's README forbids commercial use; its page states CC BY 4.0: cite Reyes-Ortiz 2016"
    urls = (
        "https://archive.ics.uci.edu/static/public/341/"
        "smartphone+based+recognition+of+human+activities+and+postural+transitions.zip",
    )

    def files(self, folder: Path | None) -> list[Path]:
        """labels.txt and an acc and a gyro file of each recording.

        Raises:
            DataError: RawData is not there or not complete.
        """
        raw = _raw(folder)
        accelerometer = sorted(raw.glob("acc_exp*_user*.txt"))
        if not accelerometer:
            raise DataError(f"hapt: {raw} holds no acc_expXX_userYY.txt: unpack the authors' archive again")
        gyroscope = [path.with_name(path.name.replace("acc_", "gyro_", 1)) for path in accelerometer]
        return require(self.name, [*accelerometer, *gyroscope, raw / "labels.txt"])

    def recordings(self, folder: Path | None, progress: Progress) -> Iterator[Recording]:
        """One recording an experiment, 50 Hz by index.

        Raises:
            DataError: A file is damaged, or labels point outside a recording.
        """
        raw = _raw(folder)
        ranges = _read_ranges(raw / "labels.txt", len(self.labels))
        paths = [path for path in self.files(folder) if path.name.startswith("acc_")]
        with progress.track("HAPT", len(paths), "recordings") as bar:
            for path in paths:
                match = _NAME.fullmatch(path.name)
                if match is None:
                    raise DataError(f"{path}: expected a name like acc_exp01_user01.txt")
                experiment, user = int(match[1]), int(match[2])
                acceleration = read_numbers(path, 3) * STANDARD_GRAVITY
                rotation = read_numbers(path.with_name(path.name.replace("acc_", "gyro_", 1)), 3)
                if len(acceleration) != len(rotation):
                    raise DataError(
                        f"{path} has {len(acceleration)} rows, its gyroscope file {len(rotation)}: unpack it again"
                    )
                yield Recording(
                    subject=str(user),
                    session=f"exp{experiment:02d}",
                    time_s=index_time(len(rotation), self.nominal_rate_hz),
                    samples=np.concatenate([acceleration, rotation], axis=1).astype(np.float32),
                    labels=_label_samples(ranges, experiment, user, len(rotation), raw),
                )
                bar.advance()


def _raw(folder: Path | None) -> Path:
    below = ("RawData", "hapt/RawData", "HAPT Data Set/RawData", "hapt/HAPT Data Set/RawData")
    return find_root("hapt", folder, below, "labels.txt")


def _read_ranges(path: Path, classes: int) -> Ints:
    """(n, 5): experiment, user, label from 1, first and last sample from 1."""
    ranges = read_numbers(path, 5).astype(np.int64)
    wrong = (ranges[:, 2] < 1) | (ranges[:, 2] > classes) | (ranges[:, 3] < 1) | (ranges[:, 4] < ranges[:, 3])
    if wrong.any():
        row = int(np.argmax(wrong)) + 1
        raise DataError(
            f"{path}, row {row}: expected a label of 1..{classes} and a rising range: unpack the archive again"
        )
    return ranges


def _label_samples(ranges: Ints, experiment: int, user: int, samples: int, raw: Path) -> Ints:
    """(samples,) label from 0, -1 between the ranges."""
    labels = np.full(samples, -1, np.int64)
    for _, _, label, first, last in ranges[(ranges[:, 0] == experiment) & (ranges[:, 1] == user)].tolist():
        if last > samples:
            raise DataError(
                f"{raw / 'labels.txt'}: experiment {experiment} is labelled up to sample {last}, "
                f"but its recording has {samples}: the recording is truncated, unpack the archive again"
            )
        labels[first - 1 : last] = label - 1
    return labels
