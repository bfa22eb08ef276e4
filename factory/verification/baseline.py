"""The baseline: trees on statistics of the same windows and split, fitted in seconds.

A student is worth shipping if it does not fall below what takes seconds to fit. Gradient boosting is the stronger of
the two kinds on most recordings, extremely randomised trees on small ones; validation people choose, as they choose
the student's head. Test people are looked at once, for the figure.
"""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from factory.contracts.dataset import Floats, Ints, Split, WindowSet
from factory.contracts.manifest import Accuracy, Baseline
from factory.contracts.scores import confusion, macro_f1
from factory.verification.accuracy import measure
from factory.verification.statistics import statistics, triads

if TYPE_CHECKING:
    from sklearn.ensemble import (
        ExtraTreesClassifier,
        HistGradientBoostingClassifier,
    )

Kind = Literal["gradient_boosting", "extra_trees"]
KINDS: tuple[Kind, ...] = ("gradient_boosting", "extra_trees")

_THREADS = 1
"""With two, boosting waits in thousands of short loops wherever a core is busy, and scikit-learn 1.9's forests swap the
warning filters of the whole process under each other (sklearn/utils/parallel.py)."""
_LEAST_PROBABILITY = 1e-6
_MOST_WINDOWS = 20_000
"""Windows that trees are fitted on; of more, that many are drawn, or a large data set would take minutes."""


def fit_baseline(windows: WindowSet, split: Split, seed: int) -> Baseline:
    """Fit both kinds on training people, keep the better on validation people, refit it on both, measure on test.

    Args:
        windows: x (N, C, T) in SI units, may be memory-mapped.
        split: By subject.
        seed: Of the trees; the same arguments give the same baseline (`seconds` apart).

    Returns:
        Figures of the test part; of always answering the commonest training class, too.
    """
    began = time.perf_counter()
    data = _Data(
        x=statistics(windows.x, triads(windows.spec)), y=np.asarray(windows.y), classes=len(windows.spec.labels)
    )
    validation = {
        kind: macro_f1(
            confusion(data.y[split.validation], _answers(kind, data, split.train, split.validation, seed), data.classes)
        )
        for kind in KINDS
    }
    kind = max(KINDS, key=lambda name: validation[name])
    logits = _log_probabilities(kind, data, np.concatenate([split.train, split.validation]), split.test, seed)
    seconds = time.perf_counter() - began
    truth, people, labels = data.y[split.test], windows.subject[split.test], windows.spec.labels
    return Baseline(
        kind=kind,
        validation={str(name): score for name, score in validation.items()},
        features=data.x.shape[1],
        seconds=seconds,
        accuracy=measure(logits, truth, people, labels),
        majority=measure_majority(data.y[split.train], truth, people, labels),
    )


def measure_majority(train_y: Ints, y: Ints, subject: NDArray[np.str_], labels: tuple[str, ...]) -> Accuracy:
    """Accuracy of always answering the commonest class of `train_y`; its confidence is that class's share there."""
    share = np.bincount(train_y, minlength=len(labels)) / len(train_y)
    logits = np.log(np.maximum(share, _LEAST_PROBABILITY)).astype(np.float32)
    return measure(np.tile(logits, (len(y), 1)), y, subject, labels)


def tree_answers(x: Floats, y: Ints, fit: Ints, judged: Ints, classes: int, seed: int) -> Ints:
    """(len(judged),) classes that extremely randomised trees answer.

    Args:
        x: (N, F) statistics.
        y: (N,) classes.
        fit: Rows that the trees are fitted on.
        judged: Rows that they answer.
        classes: Number of classes.
        seed: Of the trees.
    """
    return _answers("extra_trees", _Data(x=x, y=y, classes=classes), fit, judged, seed)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Data:
    """x (N, F) statistics, y (N,) class indices, number of classes."""

    x: Floats
    y: Ints
    classes: int


def _answers(kind: Kind, data: _Data, fit: Ints, judged: Ints, seed: int) -> Ints:
    answers: Ints = _log_probabilities(kind, data, fit, judged, seed).argmax(axis=1)
    return answers


def _log_probabilities(kind: Kind, data: _Data, fit: Ints, judged: Ints, seed: int) -> Floats:
    """(len(judged), K); a class without windows in `fit` gets the least probability."""
    from threadpoolctl import threadpool_limits

    if len(fit) > _MOST_WINDOWS:
        fit = np.random.default_rng(seed).choice(fit, _MOST_WINDOWS, replace=False)
    with threadpool_limits(_THREADS, user_api="openmp"):
        trees = _trees(kind, seed).fit(data.x[fit], data.y[fit])
        shares = trees.predict_proba(data.x[judged])
    full = np.zeros((len(judged), data.classes))
    full[:, trees.classes_] = shares
    return np.log(np.maximum(full, _LEAST_PROBABILITY)).astype(np.float32)


def _trees(kind: Kind, seed: int) -> "ExtraTreesClassifier | HistGradientBoostingClassifier":
    """Settings that take seconds; a tenth of a point more for minutes would make no better yardstick."""
    from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier

    if kind == "extra_trees":
        return ExtraTreesClassifier(n_estimators=100, max_features=0.2, n_jobs=_THREADS, random_state=seed)
    # Shallow trees with a penalty: deeper ones without it diverge on a class of a few dozen windows.
    return HistGradientBoostingClassifier(
        max_iter=80,
        max_depth=4,
        min_samples_leaf=5,
        l2_regularization=1.0,
        max_features=0.1,
        max_bins=63,
        early_stopping=False,
        random_state=seed,
    )
