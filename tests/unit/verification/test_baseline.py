"""The baseline: deterministic, chosen on validation people, blind to test people."""

from dataclasses import replace

import numpy as np
import pytest

from factory.contracts.dataset import Ints, Split, WindowSet
from factory.verification.baseline import fit_baseline, measure_majority
from tests.unit.verification.world import LABELS


@pytest.fixture(scope="session")
def split(windows: WindowSet) -> Split:
    def of(*names: str) -> Ints:
        return np.flatnonzero(np.isin(windows.subject, names)).astype(np.int64)

    return Split(train=of("s0", "s1", "s2"), validation=of("s3"), test=of("s4", "s5"))


def test_trees_on_statistics_tell_the_activities_of_new_people_apart(windows: WindowSet, split: Split) -> None:
    baseline = fit_baseline(windows, split, 0)
    assert baseline.accuracy.macro_f1 > 0.95
    assert baseline.features == 158
    assert set(baseline.validation) == {"gradient_boosting", "extra_trees"}
    assert baseline.validation[baseline.kind] == max(baseline.validation.values())
    assert set(baseline.accuracy.per_subject_f1) == {"s4", "s5"}


def test_the_same_seed_gives_the_same_baseline(windows: WindowSet, split: Split) -> None:
    noisy = hard(windows)
    first, again, other = (fit_baseline(noisy, split, seed) for seed in (3, 3, 4))
    assert first.model_copy(update={"seconds": 0.0}) == again.model_copy(update={"seconds": 0.0})
    assert other.validation != first.validation


def test_nothing_is_fitted_or_chosen_on_test_people(windows: WindowSet, split: Split) -> None:
    noisy = hard(windows)
    clean = fit_baseline(noisy, split, 0)
    x, y = noisy.x.copy(), noisy.y.copy()
    x[split.test], y[split.test] = 1e3, 0
    poisoned = fit_baseline(replace(noisy, x=x, y=y), split, 0)
    assert (poisoned.kind, poisoned.validation) == (clean.kind, clean.validation)
    relabelled = fit_baseline(replace(noisy, y=y), split, 0)
    # Same answers, other truth: predictions counted by column are the same.
    assert np.sum(relabelled.accuracy.confusion, axis=0).tolist() == np.sum(clean.accuracy.confusion, axis=0).tolist()


def test_a_class_that_nobody_trained_is_never_answered(windows: WindowSet, split: Split) -> None:
    y = windows.y.copy()
    y[np.concatenate([split.train, split.validation])] %= 3
    baseline = fit_baseline(replace(windows, y=y), split, 0)
    assert np.sum(baseline.accuracy.confusion, axis=0)[3] == 0
    assert baseline.accuracy.per_class_f1["run"] == 0


def test_majority_always_answers_the_commonest_training_class() -> None:
    train, test = np.array([2, 2, 2, 0, 1, 3]), np.array([0, 1, 2, 2])
    majority = measure_majority(train, test, np.array(list("ppqq")), LABELS)
    assert majority.accuracy == 0.5
    assert majority.confusion == ((0, 0, 1, 0), (0, 0, 1, 0), (0, 0, 2, 0), (0, 0, 0, 0))
    assert majority.macro_f1 == pytest.approx(2 * 2 / (2 + 4) / 3)


def hard(windows: WindowSet) -> WindowSet:
    """So much noise that both kinds of trees err."""
    noise = np.random.default_rng(0).normal(0, 12, windows.x.shape).astype(np.float32)
    return replace(windows, x=windows.x + noise)
