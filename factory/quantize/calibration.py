"""Calibration windows: those that set the scales of int8 activations. Training subjects only."""

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

from factory.contracts.dataset import Floats, Ints, WindowSet

_POOL = 8
"""Windows looked at for each that is drawn."""
MILD = 0.9
"""Share of the pool that may set scales; tests/benchmarks/int8_calibration.py compares others."""


def choose_calibration(windows: WindowSet, train: Ints, count: int, seed: int, mild: float = MILD) -> Floats:
    """Draw training windows evenly over classes and, within a class, over subjects, without the most violent.

    Even draws, not proportional ones: min-max scales need the rare movements, and one subject's habits must not set
    them. But a scale that reaches the largest value ever seen rounds all others coarsely: the tenth of windows with the
    largest values is left out, though of no class more than half.

    Args:
        windows: The whole data set.
        train: Indices of the training part.
        count: How many windows; what is mild of `train` if that is fewer.
        seed: Of the draw.
        mild: Share of the windows looked at that is not the most violent.

    Returns:
        (N, C, T) float32, SI units, a copy.

    Raises:
        ValueError: `train` is empty or `count` is not positive.
    """
    if len(train) == 0 or count < 1:
        raise ValueError(f"{len(train)} training windows, {count} wanted: calibration needs at least one of each")
    pool = _even_order(windows, train, np.random.default_rng(seed))[: _POOL * count]
    chosen = pool[_mild(windows, pool, mild)][:count]
    assert np.isin(chosen, train).all(), "calibration left the training part"
    return np.asarray(windows.x[np.sort(chosen)], np.float32)


def _mild(windows: WindowSet, pool: Ints, share: float) -> NDArray[np.bool_]:
    """Which windows of the pool stay: by their largest value, in deviations of its channel."""
    order = np.argsort(pool)
    x = np.asarray(windows.x[pool[order]], np.float32)
    centre, spread = x.mean(axis=(0, 2), keepdims=True), x.std(axis=(0, 2), keepdims=True)
    largest = np.empty(len(pool), np.float32)
    largest[order] = (np.abs(x - centre) / np.where(spread > 0, spread, 1)).max(axis=(1, 2))
    mild = largest <= np.quantile(largest, share)
    classes = windows.y[pool]
    for label in np.unique(classes):
        mild |= (classes == label) & (largest <= np.median(largest[classes == label]))
    return mild


def _even_order(windows: WindowSet, train: Ints, rng: np.random.Generator) -> Ints:
    """`train` reordered so that every beginning of it is even over classes, then over subjects in a class."""
    shuffled = rng.permutation(np.unique(train))
    classes, subjects = windows.y[shuffled], windows.subject[shuffled]
    turn_in_pair = _turns([(int(c), str(s)) for c, s in zip(classes, subjects, strict=True)])
    by_subject = np.argsort(turn_in_pair, kind="stable")
    turn_in_class = np.empty(len(shuffled), np.int64)
    turn_in_class[by_subject] = _turns([int(c) for c in classes[by_subject]])
    return np.asarray(shuffled[np.argsort(turn_in_class, kind="stable")], np.int64)


def _turns(keys: Sequence[Hashable]) -> Ints:
    """How many earlier entries have the same key."""
    seen: dict[Hashable, int] = {}
    turns = np.empty(len(keys), np.int64)
    for index, key in enumerate(keys):
        turns[index] = seen.get(key, 0)
        seen[key] = int(turns[index]) + 1
    return turns
