"""Handwritten digits (Alpaydin, Kaynak 1998) as series, for benches: no motion, the same trainer.

The 1797 images of 8 x 8 that ship in scikit-learn; a row of an image is a time step, a column a channel. Who wrote
which is not told there: consecutive images are dealt into ten parts, which stand where people stand elsewhere.
"""

import gzip
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from factory.contracts.dataset import Recording
from factory.contracts.errors import DataError
from factory.contracts.progress import Progress
from factory.contracts.window import Channel, Filter
from factory.data.sources.layout import index_time, packaged, series

IMAGES, SIDE, INK = 1797, 8, 16.0
_PARTS = 10


class Digits:
    """Images of ten digits, grey values in [0, 1]."""

    name = "digits"
    labels = tuple(f"digit_{number}" for number in range(10))
    channels: tuple[Channel, ...] = series("column", SIDE)
    nominal_rate_hz = 50.0
    axes = "columns of an image, rows in the order of time"
    filters: tuple[Filter, ...] = ()
    filters_published = False
    official_test: tuple[str, ...] = ()
    published_window: tuple[int, int] | None = None
    cite = "Alpaydin, Kaynak: Optical Recognition of Handwritten Digits. UCI Machine Learning Repository, 1998"
    terms = "CC BY 4.0, with the scikit-learn package"
    urls: tuple[str, ...] = ()

    def files(self, folder: Path | None) -> list[Path]:
        """The one file, in the installed scikit-learn.

        Raises:
            MissingToolError: scikit-learn is not installed; names the command.
        """
        return [packaged("sklearn", "datasets/data/digits.csv.gz", "pip install 'smldist-factory[train]'")]

    def recordings(self, folder: Path | None, progress: Progress) -> Iterator[Recording]:
        """One image after the other, each a recording of eight time steps.

        Raises:
            DataError: The file is not the one that scikit-learn ships.
        """
        (path,) = self.files(folder)
        with gzip.open(path, "rt", encoding="ascii") as lines:
            table = np.loadtxt(lines, delimiter=",", dtype=np.float32)
        if table.shape != (IMAGES, SIDE * SIDE + 1):
            raise DataError(f"{path} holds {table.shape} numbers, expected ({IMAGES}, 65): reinstall scikit-learn")
        for index, row in enumerate(table):
            yield Recording(
                subject=f"part{index * _PARTS // IMAGES}",
                session=f"{index:04d}",
                time_s=index_time(SIDE, self.nominal_rate_hz),
                samples=row[:-1].reshape(SIDE, SIDE) / np.float32(INK),
                labels=np.full(SIDE, int(row[-1]), np.int64),
            )
