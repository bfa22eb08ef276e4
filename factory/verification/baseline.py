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
from factory.contracts.window import WindowSpec
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


@dataclass(frozen=True, kw_only=True, slots=True)
class FittedTrees:
    """The better of both kinds, fitted on training and validation people.

    Attributes:
        kind: Which it is.
        validation: macro-F1 on validation people of each kind, fitted on training people alone.
        features: Statistics of a window.
        spec: Of the windows that it answers.
        trees: scikit-learn's.
    """

    kind: Kind
    validation: dict[str, float]
    features: int
    spec: WindowSpec
    trees: "ExtraTreesClassifier | HistGradientBoostingClassifier"

    def logits(self, x: Floats) -> Floats:
        """(N, K) logarithms of probabilities for windows (N, C, T) in SI units."""
        return _log_probabilities(self.trees, statistics(x, triads(self.spec)), len(self.spec.labels))


def fit_trees(windows: WindowSet, split: Split, seed: int) -> FittedTrees:
    """Fit both kinds on training people, keep the better on validation people, refit it on both.

    Args:
        windows: x (N, C, T) in SI units, may be memory-mapped.
        split: By subject; the test part is not looked at.
        seed: Of the trees; the same arguments give the same trees.
    """
    known = np.concatenate([split.train, split.validation])
    x, y, classes = statistics(windows.x[known], triads(windows.spec)), windows.y[known], len(windows.spec.labels)
    fit, judged = np.arange(len(split.train)), np.arange(len(split.train), len(known))
    validation = {
        kind: macro_f1(confusion(y[judged], tree_answers(x, y, fit, judged, classes, seed, kind), classes))
        for kind in KINDS
    }
    kind = max(KINDS, key=lambda name: validation[name])
    return FittedTrees(
        kind=kind,
        validation={str(name): score for name, score in validation.items()},
        features=x.shape[1],
        spec=windows.spec,
        trees=_fitted(kind, x, y, np.arange(len(known)), seed),
    )


def fit_baseline(windows: WindowSet, split: Split, seed: int) -> Baseline:
    """Fit the trees and measure them on test people.

    Args:
        windows: x (N, C, T) in SI units, may be memory-mapped.
        split: By subject.
        seed: Of the trees; the same arguments give the same baseline (`seconds` apart).

    Returns:
        Figures of the test part; of always answering the commonest training class, too.
    """
    began = time.perf_counter()
    fitted = fit_trees(windows, split, seed)
    logits = fitted.logits(windows.x[split.test])
    seconds = time.perf_counter() - began
    truth, people, labels = windows.y[split.test], windows.subject[split.test], windows.spec.labels
    return Baseline(
        kind=fitted.kind,
        validation=fitted.validation,
        features=fitted.features,
        seconds=seconds,
        accuracy=measure(logits, truth, people, labels),
        majority=measure_majority(windows.y[split.train], truth, people, labels),
    )


def measure_majority(train_y: Ints, y: Ints, subject: NDArray[np.str_], labels: tuple[str, ...]) -> Accuracy:
    """Accuracy of always answering the commonest class of `train_y`; its confidence is that class's share there."""
    share = np.bincount(train_y, minlength=len(labels)) / len(train_y)
    logits = np.log(np.maximum(share, _LEAST_PROBABILITY)).astype(np.float32)
    return measure(np.tile(logits, (len(y), 1)), y, subject, labels)


def tree_answers(
    x: Floats, y: Ints, fit: Ints, judged: Ints, classes: int, seed: int, kind: Kind = "extra_trees"
) -> Ints:
    """(len(judged),) classes that trees answer.

    Args:
        x: (N, F) statistics.
        y: (N,) classes.
        fit: Rows that the trees are fitted on.
        judged: Rows that they answer.
        classes: Number of classes.
        seed: Of the trees.
        kind: Which trees.
    """
    answers: Ints = _log_probabilities(_fitted(kind, x, y, fit, seed), x[judged], classes).argmax(axis=1)
    return answers


def _fitted(
    kind: Kind, x: Floats, y: Ints, fit: Ints, seed: int
) -> "ExtraTreesClassifier | HistGradientBoostingClassifier":
    from threadpoolctl import threadpool_limits

    if len(fit) > _MOST_WINDOWS:
        fit = np.random.default_rng(seed).choice(fit, _MOST_WINDOWS, replace=False)
    with threadpool_limits(_THREADS, user_api="openmp"):
        return _trees(kind, seed).fit(x[fit], y[fit])


def _log_probabilities(
    trees: "ExtraTreesClassifier | HistGradientBoostingClassifier", x: Floats, classes: int
) -> Floats:
    """(len(x), K); a class that no fitted window had gets the least probability."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(_THREADS, user_api="openmp"):
        shares = trees.predict_proba(x)
    full = np.zeros((len(x), classes))
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
