"""Calibration windows: those that set the scales of int8 activations. Training subjects only."""

from collections.abc import Hashable, Sequence

import numpy as np

from factory.contracts.dataset import Floats, Ints, WindowSet


def choose_calibration(windows: WindowSet, train: Ints, count: int, seed: int) -> Floats:
    """Draw training windows evenly over classes and, within a class, over subjects.

    Even draws, not proportional ones: min-max scales need the rare, violent movements, and one subject's
    habits must not set them.

    Args:
        windows: The whole data set.
        train: Indices of the training part.
        count: How many windows; all of `train` if it has fewer.
        seed: Of the draw.

    Returns:
        (N, C, T) float32, SI units, a copy.

    Raises:
        ValueError: `train` is empty or `count` is not positive.
    """
    if len(train) == 0 or count < 1:
        raise ValueError(f"{len(train)} training windows, {count} wanted: calibration needs at least one of each")
    chosen = _even_order(windows, train, np.random.default_rng(seed))[:count]
    assert np.isin(chosen, train).all(), "calibration left the training part"
    return np.asarray(windows.x[np.sort(chosen)], np.float32)


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
