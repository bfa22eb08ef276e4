"""Accuracy: predicted labels against the truth. Shape legend: N windows, K classes.

Convention: macro-F1 is the plain mean over the classes that occur in the truth at hand (scikit-learn's
`f1_score(labels=unique(y), average="macro", zero_division=0)`). A class that a subject never did can be neither
gained nor lost; predicting it still costs, as a miss of the class that was done.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from factory.contracts.dataset import Floats, Ints
from factory.contracts.errors import DataError
from factory.contracts.manifest import Accuracy
from factory.verification.parity import check_logits

_BINS = 15


def measure(logits: Floats, y: Ints, subjects: NDArray[np.str_], labels: Sequence[str]) -> Accuracy:
    """Every accuracy figure of (N, K) logits.

    Args:
        logits: (N, K), any scale; the softmax of them is the confidence that ECE judges.
        y: (N,) true class, index into `labels`.
        subjects: (N,) who wore the sensor.
        labels: K class names in the order of the logits.

    Returns:
        Figures as shares in [0, 1]. `per_class_f1` holds the classes that occur in `y`; its mean is `macro_f1`.
        Ties for the worst subject go to the first by name.

    Raises:
        ArtifactError: Logits of another shape than (N, K), or not finite.
        DataError: A label outside 0..K-1, or `y` and `subjects` of different length.
    """
    check_logits(logits, (len(y), len(labels)))
    if len(subjects) != len(y) or y.min() < 0 or y.max() >= len(labels):
        raise DataError(
            f"{len(y)} labels in 0..{y.max()} and {len(subjects)} subjects do not fit {len(labels)} classes"
        )
    predicted = logits.argmax(axis=1)
    names, who = np.unique(subjects, return_inverse=True)
    counts = _confusions(who, y, predicted, len(names), len(labels))
    total = counts.sum(axis=0)
    f1, present = _f1(total), total.sum(axis=1) > 0
    per_subject = {str(name): macro_f1(counts[i]) for i, name in enumerate(names)}
    return Accuracy(
        windows=len(y),
        accuracy=float((predicted == y).mean()),
        macro_f1=macro_f1(total),
        per_class_f1={label: float(f1[i]) for i, label in enumerate(labels) if present[i]},
        per_subject_f1=per_subject,
        worst_subject=min(per_subject, key=lambda name: per_subject[name]),
        ece=calibration_error(logits, y),
        confusion=tuple(tuple(row) for row in total.tolist()),
    )


def macro_f1(confusion: Ints) -> float:
    """Mean F1 over the classes that occur in the truth, of a (K, K) count with truth in rows."""
    return float(_f1(confusion)[confusion.sum(axis=1) > 0].mean())


def calibration_error(logits: Floats, y: Ints) -> float:
    """Expected calibration error: 15 equal bins of confidence, weighted gap between confidence and accuracy."""
    shifted = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    confidence = shifted.max(axis=1) / shifted.sum(axis=1)
    correct = (logits.argmax(axis=1) == y).astype(np.float64)
    # Bins are (lower, upper], so that a confidence of exactly 1 falls into the last one.
    bins = np.clip(np.ceil(confidence * _BINS).astype(np.int64) - 1, 0, _BINS - 1)
    gap = np.bincount(bins, weights=correct - confidence, minlength=_BINS)
    return float(np.abs(gap).sum() / len(y))


def _confusions(who: Ints, y: Ints, predicted: Ints, subjects: int, classes: int) -> Ints:
    """(S, K, K) counts: subject, truth, prediction."""
    flat = (who * classes + y) * classes + predicted
    counts = np.bincount(flat, minlength=subjects * classes * classes)
    return counts.reshape(subjects, classes, classes).astype(np.int64)


def _f1(confusion: Ints) -> NDArray[np.float64]:
    """F1 a class, 2 TP / (2 TP + FP + FN); 0 for a class neither true nor predicted."""
    hits = np.diagonal(confusion).astype(np.float64)
    total = confusion.sum(axis=0) + confusion.sum(axis=1)
    return np.asarray(2 * hits / np.maximum(total, 1))
