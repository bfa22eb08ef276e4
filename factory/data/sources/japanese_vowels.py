"""Japanese vowels (Kudo, Toyama, Shimbo 1999) for benches: nine speakers are told apart by two vowels; no motion.

640 utterances of 7 to 29 frames of 12 coefficients, as the packages aeon and sktime ship them; neither is imported. The
speaker is the class, so that utterances, in their order, are dealt into parts which stand where people stand elsewhere.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from factory.contracts.dataset import Recording
from factory.contracts.errors import DataError, MissingToolError
from factory.contracts.files import sha256_file
from factory.contracts.progress import Progress
from factory.contracts.window import Channel, Filter
from factory.data.sources.layout import index_time, packaged, series

SHA256 = {
    "TRAIN": "68a430eabd919cc77f40b1f5f3bc0dcafacc1486bca9260785aeb7d262cc78cd",
    "TEST": "b3d41d6a0ca3bcad3afb9ca7d4365382aa51341e2e58bae2a574babdda5b9462",
}
_PARTS = {"TRAIN": 6, "TEST": 4}
_COEFFICIENTS, _SPEAKERS = 12, 9
_INSTALL = "pip install --no-deps sktime==1.2.0"


class JapaneseVowels:
    """Utterances of nine speakers, 12 linear-prediction coefficients every 6.4 ms."""

    name = "japanese_vowels"
    labels = tuple(f"speaker_{number}" for number in range(1, _SPEAKERS + 1))
    channels: tuple[Channel, ...] = series("coefficient", _COEFFICIENTS)
    nominal_rate_hz = 156.25
    axes = "coefficients of linear prediction"
    filters: tuple[Filter, ...] = ()
    filters_published = False
    official_test = tuple(f"test{part}" for part in range(_PARTS["TEST"]))
    published_window: tuple[int, int] | None = None
    cite = (
        "Kudo, Toyama, Shimbo: Multidimensional curve classification using passing-through regions. "
        "Pattern Recognition Letters 20, 1999"
    )
    terms = "CC BY 4.0, with the packages aeon and sktime"
    urls: tuple[str, ...] = ()

    def files(self, folder: Path | None) -> list[Path]:
        """Training and test file, in `folder`/japanese_vowels, or in an installed sktime or aeon.

        Raises:
            MissingToolError: Neither is there; names the command.
        """
        return [_find(folder, part) for part in SHA256]

    def recordings(self, folder: Path | None, progress: Progress) -> Iterator[Recording]:
        """One utterance after the other, those of the training file first.

        Raises:
            DataError: A file is not the one that the packages ship.
        """
        for (part, expected), path in zip(SHA256.items(), self.files(folder), strict=True):
            if (found := sha256_file(path)) != expected:
                raise DataError(f"{path} has SHA-256 {found[:12]}..., expected {expected[:12]}...: {_INSTALL}")
            lines = [line for line in path.read_text("utf-8").splitlines() if line and line[0] not in "#@"]
            seen = [0] * _SPEAKERS
            totals = np.bincount([_speaker(line) for line in lines], minlength=_SPEAKERS)
            for index, line in enumerate(lines):
                speaker, samples = _speaker(line), _samples(line)
                group = seen[speaker] * _PARTS[part] // int(totals[speaker])
                seen[speaker] += 1
                yield Recording(
                    subject=f"{part.lower()}{group}",
                    session=f"{part.lower()}-{index:03d}",
                    time_s=index_time(len(samples), self.nominal_rate_hz),
                    samples=samples,
                    labels=np.full(len(samples), speaker, np.int64),
                )


def _find(folder: Path | None, part: str) -> Path:
    name = f"JapaneseVowels_{part}.ts"
    if folder is not None and (own := folder / "japanese_vowels" / name).is_file():
        return own
    try:
        return packaged("aeon", f"datasets/data/JapaneseVowels/{name}", _INSTALL)
    except MissingToolError:
        return packaged("sktime", f"datasets/data/JapaneseVowels/{name}", _INSTALL)


def _speaker(line: str) -> int:
    return int(line.rpartition(":")[2]) - 1


def _samples(line: str) -> NDArray[np.float32]:
    """(T, 12) of one line: channels between colons, frames between commas."""
    channels = line.rpartition(":")[0].split(":")
    return np.array([channel.split(",") for channel in channels], np.float32).T
