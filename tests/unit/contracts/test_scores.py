"""Macro-F1 against hand-computed values and scikit-learn's."""

import numpy as np
import pytest

from factory.contracts.dataset import Ints
from factory.contracts.scores import confusion, macro_f1, macro_f1_many


def score(predicted: Ints, truth: Ints, classes: int) -> float:
    return macro_f1(confusion(truth, predicted, classes))


def test_macro_f1_by_hand() -> None:
    truth = np.array([0, 0, 0, 1, 1, 2])
    predicted = np.array([0, 0, 1, 1, 2, 2])
    # F1: 2*2/(3+2) = .8, 2*1/(2+2) = .5, 2*1/(1+2) = 2/3.
    assert score(predicted, truth, 3) == pytest.approx((0.8 + 0.5 + 2 / 3) / 3)
    assert score(truth, truth, 3) == 1.0


def test_macro_f1_leaves_out_classes_that_nobody_shows_but_counts_their_false_alarms() -> None:
    # Class 2 is absent: the mean is over 0 and 1. Predicting it costs class 1 its recall: 2*1/(2+1).
    assert score(np.array([0, 1, 2]), np.array([0, 1, 1]), 3) == pytest.approx((1.0 + 2 / 3) / 2)


def test_macro_f1_equals_scikit_learns() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    random = np.random.default_rng(0)
    truth, predicted = random.integers(5, size=(2, 300))
    assert score(predicted, truth, 5) == pytest.approx(metrics.f1_score(truth, predicted, average="macro"))


def test_many_at_once_equal_one_at_a_time() -> None:
    counts = np.random.default_rng(1).integers(0, 9, (20, 5, 5))
    counts[::2, 3] = 0  # a class that half of the truths lack
    np.testing.assert_allclose(macro_f1_many(counts), [macro_f1(one) for one in counts], rtol=1e-12)
