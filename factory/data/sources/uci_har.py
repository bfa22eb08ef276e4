"""UCI HAR (Anguita 2013): a phone at the waist, 30 people, six activities; published windows, not recordings.

The authors cut windows of 128 samples with 50 % overlap after filtering. Here a run of windows in which
each begins with the second half of the one before is joined into one recording again; cutting it with the
same length and hop gives the published windows back, bit by bit and in their order, while boundaries and
overlaps stay known.

The authors' text says 'median and third-order Butterworth at 20 Hz'. What reproduces their windows from HAPT's raw
recordings to the printed precision is a causal Butterworth of order ten, body acceleration as the rest above a
third-order 0.3 Hz low-pass and the gyroscope as the rest above a second-order 0.1 Hz low-pass; the contract lists
those.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from factory.contracts.dataset import Ints, Recording
from factory.contracts.errors import DataError
from factory.contracts.progress import Progress
from factory.contracts.window import Channel, Filter, Quantity
from factory.data.sources.layout import STANDARD_GRAVITY, find_root, index_time, read_numbers, require, triad

LENGTH, HOP = 128, 64
_SIGNALS = ("total_acc", "body_gyro", "body_acc")
_ACC, _GYRO, _BODY = (tuple(f"{name}_{axis}" for axis in "xyz") for name in ("acc", "gyro", "body_acc"))


class UciHar:
    """10299 windows; `acc_*` is the published total_acc, `gyro_*` body_gyro, `body_acc_*` body_acc."""

    name = "uci_har"
    labels = ("walking", "walking_upstairs", "walking_downstairs", "sitting", "standing", "laying")
    channels: tuple[Channel, ...] = (
        triad("acc", Quantity.ACCELEROMETER, "waist")
        + triad("gyro", Quantity.GYROSCOPE, "waist")
        + triad("body_acc", Quantity.LINEAR_ACCELERATION, "waist", derived=True)
    )
    nominal_rate_hz = 50.0
    axes = "Android's device axes, Samsung Galaxy S II on the waist"
    filters: tuple[Filter, ...] = (
        Filter(kind="median", channels=_ACC + _GYRO + _BODY, order=3, causal=False),
        Filter(kind="butterworth_lowpass", channels=_ACC + _GYRO + _BODY, order=10, cutoff_hz=20, causal=True),
        Filter(kind="butterworth_highpass", channels=_BODY, order=3, cutoff_hz=0.3, causal=True),
        Filter(kind="butterworth_highpass", channels=_GYRO, order=2, cutoff_hz=0.1, causal=True),
    )
    filters_published = True
    official_test = ("2", "4", "9", "10", "12", "13", "18", "20", "24")
    published_window: tuple[int, int] | None = (LENGTH, HOP)
    cite = (
        "Anguita, Ghio, Oneto, Parra, Reyes-Ortiz: A Public Domain Dataset for Human Activity Recognition "
        "Using Smartphones. ESANN 2013"
    )
    terms = "the archive's README forbids commercial use; its page states CC BY 4.0: cite Anguita 2013"
    urls = ("https://archive.ics.uci.edu/static/public/240/human+activity+recognition+using+smartphones.zip",)

    def files(self, folder: Path | None) -> list[Path]:
        """The nine signal files, labels and subjects of both parts.

        Raises:
            DataError: The 'UCI HAR Dataset' tree is not there or not complete.
        """
        root = _root(folder)
        parts = [_signal_path(root, part, name) for part in ("train", "test") for name in _signal_names()]
        tables = [root / part / f"{stem}_{part}.txt" for part in ("train", "test") for stem in ("y", "subject")]
        return require(self.name, parts + tables)

    def recordings(self, folder: Path | None, progress: Progress) -> Iterator[Recording]:
        """Runs of overlapping windows of one person and activity, joined.

        Raises:
            DataError: Files disagree in length, or a subject or label is not one of the published.
        """
        root = _root(folder)
        with progress.track("UCI HAR", 2 * len(_signal_names()), "files") as bar:
            for part in ("train", "test"):
                x, y, subject = _read_part(root, part, lambda: bar.advance())
                self._check_subjects(root, part, subject)
                for index, (first, last) in enumerate(_runs(x, y, subject)):
                    samples = np.concatenate([x[first, :HOP], x[first:last, HOP:].reshape(-1, x.shape[2])])
                    yield Recording(
                        subject=str(subject[first]),
                        session=f"{part}-{index:04d}",
                        time_s=index_time(len(samples), self.nominal_rate_hz),
                        samples=samples,
                        labels=np.full(len(samples), y[first], np.int64),
                    )

    def _check_subjects(self, root: Path, part: str, subject: Ints) -> None:
        tests = {int(name) for name in self.official_test}
        wrong = set(subject.tolist()) - tests if part == "test" else set(subject.tolist()) & tests
        if wrong:
            raise DataError(f"{root / part}: subjects {sorted(wrong)} stand in the wrong part: unpack it again")


def _root(folder: Path | None) -> Path:
    below = ("UCI HAR Dataset", "uci_har/UCI HAR Dataset", "uci_har")
    return find_root("uci_har", folder, below, "train/Inertial Signals")


def _signal_names() -> list[str]:
    return [f"{signal}_{axis}" for signal in _SIGNALS for axis in "xyz"]


def _signal_path(root: Path, part: str, name: str) -> Path:
    return root / part / "Inertial Signals" / f"{name}_{part}.txt"


def _read_part(root: Path, part: str, advance: Callable[[], None]) -> tuple[NDArray[np.float32], Ints, Ints]:
    """Windows (N, 128, 9) float32 in SI units, labels (N,) from 0 and subjects (N,) of 'train' or 'test'."""
    y = read_numbers(root / part / f"y_{part}.txt", 1)[:, 0].astype(np.int64) - 1
    subject = read_numbers(root / part / f"subject_{part}.txt", 1)[:, 0].astype(np.int64)
    if len(subject) != len(y) or y.min() < 0 or y.max() > 5:
        raise DataError(f"{root / part}: labels must be 1..6, one a subject row: unpack the archive again")
    x = np.empty((len(y), LENGTH, len(_signal_names())), np.float32)
    for index, name in enumerate(_signal_names()):
        signal = read_numbers(_signal_path(root, part, name), LENGTH)
        if len(signal) != len(y):
            raise DataError(
                f"{_signal_path(root, part, name)} has {len(signal)} windows, expected {len(y)}: unpack it again"
            )
        x[:, :, index] = signal if name.startswith("body_gyro") else signal * STANDARD_GRAVITY
        advance()
    return x, y, subject


def _runs(x: NDArray[np.float32], y: Ints, subject: Ints) -> list[tuple[int, int]]:
    """Half-open ranges of windows that overlap by half, within one person and activity."""
    goes_on = (y[1:] == y[:-1]) & (subject[1:] == subject[:-1])
    goes_on &= (x[1:, :HOP] == x[:-1, HOP:]).all(axis=(1, 2))
    cuts = np.flatnonzero(~goes_on) + 1
    return list(zip([0, *cuts.tolist()], [*cuts.tolist(), len(y)], strict=True))
