"""Smartwatch recordings of seven shoulder exercises, as shipped in the PyPI package seglearn (Burns 2018).

The file is found in the installed distribution; seglearn itself is never imported. It is a pickle inside
an .npy file: its SHA-256 is checked first, and then only the four globals that arrays need may be named.
"""

import importlib.util
import io
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from factory.contracts.dataset import Recording
from factory.contracts.errors import DataError, MissingToolError
from factory.contracts.files import sha256_file
from factory.contracts.progress import Progress
from factory.contracts.window import Channel, Filter, Quantity
from factory.data.sources.layout import STANDARD_GRAVITY, index_time, triad

SHA256 = "eb122f23cdf06ef6bd6c6c5312958ec5cf9d038e2e6d457b8081662c75a42537"
_ALLOWED = {
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("_codecs", "encode"),
}


class _ArraysOnly(pickle.Unpickler):
    """Loads NumPy arrays, lists, strings and numbers; refuses to name anything else."""

    def find_class(self, module: str, name: str) -> Any:
        """The global of that name, if it is one of the four that arrays need.

        Raises:
            DataError: It is not.
        """
        if (module, name) not in _ALLOWED:
            raise DataError(f"watch_dataset.npy asks for {module}.{name}, which no array needs: reinstall seglearn")
        # NumPy 2 moved the module and warns about the old name that the file holds.
        return super().find_class(module.replace("numpy.core", "numpy._core"), name)


class Watch:
    """140 recordings of 10 people, wrist-worn, 50 Hz, accelerometer and gyroscope."""

    name = "watch"
    labels = (
        "pendulum",
        "abduction",
        "forward_elevation",
        "internal_rotation",
        "external_rotation",
        "trapezius",
        "row",
    )
    channels: tuple[Channel, ...] = triad("acc", Quantity.ACCELEROMETER, "wrist") + triad(
        "gyro", Quantity.GYROSCOPE, "wrist"
    )
    nominal_rate_hz = 50.0
    axes = "the watch's own axes, as recorded on either wrist"
    filters: tuple[Filter, ...] = ()
    filters_published = False
    official_test: tuple[str, ...] = ()
    published_window: tuple[int, int] | None = None
    cite = (
        "Burns, Leung, Hardisty, Whyne, Henry, McLachlin: Shoulder physiotherapy exercise recognition: machine "
        "learning the inertial signals from a smartwatch. Physiological Measurement 39, 2018"
    )
    terms = "BSD-3-Clause, with the seglearn package"
    urls: tuple[str, ...] = ()

    def files(self, folder: Path | None) -> list[Path]:
        """The one file, in the installed seglearn package or in `folder`.

        Raises:
            MissingToolError: seglearn is not installed; names the command.
        """
        if folder is not None and (folder / "watch_dataset.npy").is_file():
            return [folder / "watch_dataset.npy"]
        spec = importlib.util.find_spec("seglearn")  # finds, does not import
        places = list(spec.submodule_search_locations or ()) if spec else []
        for place in places:
            if (path := Path(place) / "data" / "watch_dataset.npy").is_file():
                return [path]
        raise MissingToolError(
            "the watch recordings ship in the package seglearn, which is not installed: pip install seglearn==1.2.5"
        )

    def recordings(self, folder: Path | None, progress: Progress) -> Iterator[Recording]:
        """The 140 recordings; each is one exercise of one person on one side.

        Raises:
            DataError: The file is not the one that seglearn 1.2.5 ships.
        """
        data = load_watch(self.files(folder)[0])
        scale = np.array([STANDARD_GRAVITY] * 3 + [1.0] * 3)
        with progress.track("watch", len(data["X"]), "recordings") as bar:
            for index, signal in enumerate(data["X"]):
                yield Recording(
                    subject=str(data["subject"][index]),
                    session=f"{index:03d}",
                    time_s=index_time(len(signal), self.nominal_rate_hz),
                    samples=(signal * scale).astype(np.float32),
                    labels=np.full(len(signal), int(data["y"][index]), np.int64),
                )
                bar.advance()


def load_watch(path: Path) -> dict[str, Any]:
    """The dictionary in `path`: X (list of (T, 6): g, rad/s), y, subject, side and label names.

    Raises:
        DataError: Another content than seglearn 1.2.5 ships.
    """
    if (found := sha256_file(path)) != SHA256:
        raise DataError(
            f"{path} has SHA-256 {found[:12]}..., expected {SHA256[:12]}...: "
            "pip install --force-reinstall seglearn==1.2.5"
        )
    data = read_arrays(path.read_bytes())
    if not isinstance(data, dict):
        raise DataError(f"{path} holds {type(data).__name__}, expected a dictionary of arrays")
    return data


def read_arrays(content: bytes) -> Any:
    """The single object of an .npy file's pickle, where nothing but arrays may be built.

    Raises:
        DataError: It names any other global.
    """
    stream = io.BytesIO(content)
    np.lib.format.read_magic(stream)
    np.lib.format.read_array_header_1_0(stream)
    # Files written by Python 2 hold byte strings; latin1 keeps array buffers intact.
    loaded = _ArraysOnly(stream, encoding="latin1").load()
    return loaded.item() if isinstance(loaded, np.ndarray) else loaded
