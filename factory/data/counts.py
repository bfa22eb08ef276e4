"""Windows counted by part, subject and class."""

import numpy as np

from factory.contracts.dataset import Ints, Split, WindowSet
from factory.data.leakage import parts_of

Counts = dict[str, dict[str, dict[str, int]]]
"""Part to subject to class to windows."""


def class_counts(y: Ints, classes: int) -> Ints:
    """Windows (classes,) of each class among y (N,); those without a label count nowhere."""
    counts: Ints = np.bincount(y[y >= 0], minlength=classes)
    return counts


def count_classes(windows: WindowSet, split: Split) -> dict[str, dict[str, int]]:
    """Windows of each part and class; classes in the order of the logits, zeros included."""
    labels = windows.spec.labels
    return {
        part: dict(zip(labels, class_counts(windows.y[rows], len(labels)).tolist(), strict=True))
        for part, rows in parts_of(split).items()
    }


def count_windows(windows: WindowSet, split: Split) -> Counts:
    """Windows of each part, subject and class; classes in the order of the logits, zeros included."""
    labels = windows.spec.labels
    counts: Counts = {}
    for part, rows in parts_of(split).items():
        counts[part] = {}
        names = np.unique(windows.subject[rows]).tolist()
        for name in sorted(names, key=lambda text: (len(text), text)):
            own = windows.y[rows][windows.subject[rows] == name]
            counts[part][name] = dict(zip(labels, class_counts(own, len(labels)).tolist(), strict=True))
    return counts
