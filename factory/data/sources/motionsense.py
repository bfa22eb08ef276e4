"""MotionSense (Malekzadeh 2019): an iPhone in the trouser pocket, 24 people, six activities, 50 Hz.

Core Motion splits acceleration into `gravity` and `userAcceleration`, in g; their sum is what its accelerometer
reports, with the sign opposite to Android's: a phone lying on its back reads z = -1 g on iOS and +9.81 m/s^2 on
Android. So the channels `acc_*` are -(gravity + userAcceleration) * 9.80665, Android's TYPE_ACCELEROMETER. Axes are
the same on both (x right, y up, z out of the screen), and so is the rotation rate, right-handed, in rad/s.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from factory.contracts.dataset import Recording
from factory.contracts.errors import DataError
from factory.contracts.progress import Progress
from factory.contracts.window import Channel, Filter, Quantity
from factory.data.sources.layout import STANDARD_GRAVITY, find_root, index_time, read_numbers, triad

_CODES = ("dws", "ups", "sit", "std", "wlk", "jog")
_COLUMNS = 13
_GRAVITY, _ROTATION, _USER = slice(4, 7), slice(7, 10), slice(10, 13)
_HEADER = (
    "attitude.roll,attitude.pitch,attitude.yaw,gravity.x,gravity.y,gravity.z,"
    "rotationRate.x,rotationRate.y,rotationRate.z,userAcceleration.x,userAcceleration.y,userAcceleration.z"
)


class MotionSense:
    """360 recordings, one a trial and person."""

    name = "motionsense"
    labels = ("walking_downstairs", "walking_upstairs", "sitting", "standing", "walking", "jogging")
    channels: tuple[Channel, ...] = triad("acc", Quantity.ACCELEROMETER, "trouser_pocket") + triad(
        "gyro", Quantity.GYROSCOPE, "trouser_pocket"
    )
    nominal_rate_hz = 50.0
    axes = "device axes (x right, y up, z out of the screen), signs as Android reports them; iPhone 6s in the pocket"
    filters: tuple[Filter, ...] = ()
    filters_published = False
    official_test = ("4", "9", "11", "21")
    published_window: tuple[int, int] | None = None
    cite = "Malekzadeh, Clegg, Cavallaro, Haddadi: Mobile Sensor Data Anonymization. IoTDI 2019"
    terms = "MIT: cite Malekzadeh 2019"
    urls = ("https://github.com/mmalekzadeh/motion-sense/raw/master/data/A_DeviceMotion_data.zip",)

    def files(self, folder: Path | None) -> list[Path]:
        """Every sub_<id>.csv.

        Raises:
            DataError: The folder A_DeviceMotion_data is not there or empty.
        """
        root = _root(folder)
        found = sorted(path for code in _CODES for path in root.glob(f"{code}_*/sub_*.csv"))
        if not found:
            raise DataError(f"motionsense: {root} holds no <activity>_<trial>/sub_<id>.csv: unpack the archive again")
        return found

    def recordings(self, folder: Path | None, progress: Progress) -> Iterator[Recording]:
        """One recording a file, 50 Hz by index.

        Raises:
            DataError: A file is damaged or has other columns.
        """
        paths = self.files(folder)
        with progress.track("MotionSense", len(paths), "recordings") as bar:
            for path in paths:
                values = _read(path)
                acceleration = -(values[:, _GRAVITY] + values[:, _USER]) * STANDARD_GRAVITY
                label = _CODES.index(path.parent.name.partition("_")[0])
                yield Recording(
                    subject=path.stem.removeprefix("sub_"),
                    session=path.parent.name,
                    time_s=index_time(len(values), self.nominal_rate_hz),
                    samples=np.concatenate([acceleration, values[:, _ROTATION]], axis=1).astype(np.float32),
                    labels=np.full(len(values), label, np.int64),
                )
                bar.advance()


def _root(folder: Path | None) -> Path:
    if folder is not None and folder.name == "A_DeviceMotion_data":
        folder = folder.parent
    below = ("motionsense", "data", "motion-sense/data", "motionsense/data")
    return find_root("motionsense", folder, below, "A_DeviceMotion_data") / "A_DeviceMotion_data"


def _read(path: Path) -> "np.ndarray[tuple[int, ...], np.dtype[np.float64]]":
    with path.open(encoding="utf-8", errors="replace") as handle:
        header = handle.readline().strip().replace('"', "").lstrip(",")
    if header != _HEADER:
        raise DataError(
            f"{path}, row 1: columns are '{header:.60}', expected '{_HEADER[:30]}...': unpack the archive again"
        )
    return read_numbers(path, _COLUMNS, header=True)
