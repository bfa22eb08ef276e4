from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from factory.contracts.dataset import WindowSet
from factory.quantize import choose_calibration


def _windows(classes: list[int], subjects: list[str]) -> WindowSet:
    count = len(classes)
    x = np.arange(count, dtype=np.float32)[:, None, None] * np.ones((1, 2, 8), np.float32)
    return cast(WindowSet, SimpleNamespace(x=x, y=np.array(classes, np.int64), subject=np.array(subjects)))


def test_only_training_windows_are_drawn_and_the_most_violent_are_not() -> None:
    windows = _windows([0, 1] * 50, ["train"] * 60 + ["test"] * 40)
    train = np.flatnonzero(windows.subject == "train")
    chosen = choose_calibration(windows, train, 1000, seed=0)
    # Values rise from 0 to 59: the largest deviations are at both ends.
    assert sorted(chosen[:, 0, 0]) == train[3:-3].tolist()


def test_a_class_that_is_always_violent_keeps_its_milder_half() -> None:
    windows = _windows([0] * 92 + [1] * 8, ["a"] * 100)
    windows.x[:92] *= 0.001
    chosen = choose_calibration(windows, np.arange(100, dtype=np.int64), 100, seed=0)
    assert sorted(chosen[chosen[:, 0, 0] > 1][:, 0, 0]) == [92, 93, 94, 95]


def test_classes_and_subjects_come_evenly() -> None:
    windows = _windows([0] * 90 + [1] * 10, (["a"] * 80 + ["b"] * 10) + ["a"] * 5 + ["b"] * 5)
    values = np.random.default_rng(0).permutation(100)
    windows.x[:] = values[:, None, None]
    drawn = np.argsort(values)[choose_calibration(windows, np.arange(100), 16, seed=3)[:, 0, 0].astype(int)]
    assert np.bincount(windows.y[drawn]).tolist() == [8, 8]
    for label in (0, 1):
        of_class = windows.subject[drawn][windows.y[drawn] == label]
        assert sorted(np.unique(of_class, return_counts=True)[1].tolist()) == [4, 4]


def test_a_seed_repeats_the_draw() -> None:
    windows = _windows([0, 1] * 50, ["a"] * 100)
    everyone = np.arange(100, dtype=np.int64)
    first, again = (choose_calibration(windows, everyone, 20, seed=7) for _ in range(2))
    np.testing.assert_array_equal(first, again)


def test_no_training_windows_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        choose_calibration(_windows([0], ["a"]), np.array([], np.int64), 4, seed=0)
