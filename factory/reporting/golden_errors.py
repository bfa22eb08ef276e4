"""Real windows that the reference network gets wrong: from the build's golden pack, the most frequent confusions first.

Of `golden.npz` (format: factory/verification/golden.py) three members are read: x (N, C, T) in SI units, y (N,) and
logits (N, K) of the reference network in float32.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from factory.contracts.dataset import Floats
from factory.contracts.errors import ArtifactError
from factory.contracts.files import BROKEN_ZIP
from factory.contracts.window import Quantity, WindowSpec

LIMIT = 4
_ACCELERATION = (Quantity.ACCELEROMETER, Quantity.LINEAR_ACCELERATION)


@dataclass(frozen=True, kw_only=True, slots=True)
class WrongWindow:
    """One window, (C, T) in SI units, and what the reference network took it for."""

    x: Floats
    truth: str
    answer: str
    confidence: float
    number: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Triad:
    """Channels of one sensor that share an axis in a plot: their places in a window, axis names and unit."""

    title: str
    unit: str
    channels: tuple[tuple[int, str], ...]


def read_errors(
    path: Path, spec: WindowSpec, confusion: Sequence[Sequence[int]] | None
) -> tuple[WrongWindow, ...] | None:
    """At most LIMIT windows, one a confusion, each the most confident of its kind.

    Args:
        path: The golden pack.
        spec: Contract of the build.
        confusion: (K, K) of the test split, by which confusions are ordered; None orders by the pack's own counts.

    Returns:
        Empty where the network gets every window of the pack right; None where the pack does not exist.

    Raises:
        ArtifactError: The pack is corrupt or of another contract.
    """
    if not path.exists():
        return None
    x, y, logits = _read(path, spec)
    scores = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    confidence = scores.max(axis=1) / scores.sum(axis=1)
    answers = logits.argmax(axis=1)
    pairs = [(int(truth), int(answer)) for truth, answer in zip(y, answers, strict=True)]
    held = Counter(pair for pair in pairs if pair[0] != pair[1])
    tested = {pair: confusion[pair[0]][pair[1]] if confusion else 0 for pair in held}
    chosen = sorted(held, key=lambda pair: (-tested[pair], -held[pair], pair))[:LIMIT]
    found = []
    for truth, answer in chosen:
        own = [place for place, pair in enumerate(pairs) if pair == (truth, answer)]
        place = max(own, key=lambda index: confidence[index])
        found.append(
            WrongWindow(
                x=x[place],
                truth=spec.labels[truth],
                answer=spec.labels[answer],
                confidence=float(confidence[place]),
                number=tested[truth, answer],
            )
        )
    return tuple(found)


def _read(path: Path, spec: WindowSpec) -> tuple[Floats, NDArray[np.int64], Floats]:
    try:
        # Opened here: numpy leaves a damaged archive that it opened itself open.
        with path.open("rb") as handle, np.load(handle, allow_pickle=False) as pack:
            x, y, logits = pack["x"], pack["y"], pack["logits"]
    except (*BROKEN_ZIP, OSError, ValueError, KeyError, TypeError) as error:
        raise ArtifactError(f"{path} is no golden pack or corrupt ({error}): build again") from error
    windows, expected = len(y), (len(spec.channels), spec.length)
    if x.shape != (windows, *expected) or logits.shape != (windows, len(spec.labels)):
        raise ArtifactError(
            f"{path} has windows {x.shape} and logits {logits.shape}, expected ({windows}, {expected[0]}, "
            f"{expected[1]}) and ({windows}, {len(spec.labels)}) as the contract says: build again"
        )
    if windows and not (y.min() >= 0 and y.max() < len(spec.labels)):
        raise ArtifactError(f"{path} has labels up to {y.max()}, the contract has {len(spec.labels)}: build again")
    return x, y, logits


def triads(spec: WindowSpec) -> tuple[Triad, ...]:
    """The first sensor of acceleration and the first gyroscope; without either, the first two sensors."""
    groups: dict[tuple[Quantity, str, str, bool, bool], list[int]] = {}
    for place, channel in enumerate(spec.channels):
        key = (channel.quantity, channel.placement, channel.unit, channel.gravity, channel.derived)
        groups.setdefault(key, []).append(place)
    acceleration = [key for key in groups if key[0] in _ACCELERATION][:1]
    rotation = [key for key in groups if key[0] is Quantity.GYROSCOPE][:1]
    return tuple(
        Triad(
            title=f"{key[0].replace('_', ' ')}, {key[1]}",
            unit=key[2],
            channels=tuple((place, spec.channels[place].axis) for place in groups[key][:3]),
        )
        for key in acceleration + rotation or list(groups)[:2]
    )
