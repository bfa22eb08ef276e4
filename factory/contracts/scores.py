"""Macro-F1, the figure that selects and judges: one convention for training and verification.

It is the plain mean over the classes that occur in the truth at hand (scikit-learn's
`f1_score(labels=unique(y), average="macro", zero_division=0)`). A class that a subject never did can be neither
gained nor lost; predicting it still costs, as a miss of the class that was done. The bootstrap of
factory/verification/accuracy.py needs thousands of them at once, hence counts and not scikit-learn.

Shape legend: K classes, ... any leading axes.
"""

import numpy as np
from numpy.typing import NDArray

from factory.contracts.dataset import Ints


def confusion(y: Ints, predicted: Ints, classes: int) -> Ints:
    """(K, K) counts, truth in rows, of (N,) class indices."""
    counts = np.bincount(y * classes + predicted, minlength=classes * classes)
    return counts.reshape(classes, classes).astype(np.int64)


def class_f1(counts: Ints) -> NDArray[np.float64]:
    """(..., K) F1 of (..., K, K) counts, 2 TP / (2 TP + FP + FN); 0 for a class neither true nor predicted."""
    hits = np.diagonal(counts, axis1=-2, axis2=-1).astype(np.float64)
    total = counts.sum(axis=-2) + counts.sum(axis=-1)
    return np.asarray(2 * hits / np.maximum(total, 1))


def macro_f1(counts: Ints) -> float:
    """Mean F1 over the classes that occur in the truth, of (K, K) counts."""
    return float(class_f1(counts)[counts.sum(axis=1) > 0].mean())


def macro_f1_many(counts: Ints) -> NDArray[np.float64]:
    """(B,) macro-F1 of (B, K, K) counts; each mean is over the classes that occur in that truth."""
    present = counts.sum(axis=-1) > 0
    return np.asarray((class_f1(counts) * present).sum(axis=-1) / present.sum(axis=-1))
