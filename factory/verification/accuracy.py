"""Accuracy: predicted labels against the truth; macro-F1 as factory/contracts/scores.py defines it.

Shape legend: N windows, S subjects, K classes, B resamples.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from factory.contracts.dataset import Floats, Ints
from factory.contracts.errors import DataError
from factory.contracts.manifest import Accuracy, ReliabilityBin
from factory.contracts.scores import class_f1, macro_f1, macro_f1_many
from factory.verification.parity import check_logits

_BINS = 15
_RESAMPLES = 2000
_CHUNK = 200
"""Resamples at once: (B, K, K) counts of 50 classes then take 4 MB."""


def measure(logits: Floats, y: Ints, subjects: NDArray[np.str_], labels: Sequence[str]) -> Accuracy:
    """Every accuracy figure of (N, K) logits.

    Args:
        logits: (N, K), any scale; the softmax of them is the confidence that ECE judges.
        y: (N,) true class, index into `labels`.
        subjects: (N,) who wore the sensor.
        labels: K class names in the order of the logits.

    Returns:
        Figures as shares in [0, 1]. `per_class_f1` holds the classes that occur in `y`; its mean is `macro_f1`.
        Ties for the worst subject go to the first by name. The interval of macro-F1 is None with one subject.

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
    f1, present = class_f1(total), total.sum(axis=1) > 0
    low, high = interval(counts) if len(names) > 1 else (None, None)
    bins = reliability(logits, y)
    per_subject = {str(name): macro_f1(counts[i]) for i, name in enumerate(names)}
    return Accuracy(
        windows=len(y),
        accuracy=float((predicted == y).mean()),
        macro_f1=macro_f1(total),
        macro_f1_low=low,
        macro_f1_high=high,
        per_class_f1={label: float(f1[i]) for i, label in enumerate(labels) if present[i]},
        per_subject_f1=per_subject,
        worst_subject=min(per_subject, key=lambda name: per_subject[name]),
        ece=_calibration_error(bins),
        reliability=bins,
        confusion=tuple(tuple(row) for row in total.tolist()),
    )


def interval(counts: Ints) -> tuple[float, float]:
    """95 % percentile bootstrap of macro-F1 over people.

    Whole people are drawn with replacement, because another test would have other people, not other windows of the
    same ones. A resample's mean is over the classes that occur in it. Same counts, same interval.

    Args:
        counts: (S, K, K) counts a person, truth in rows.
    """
    rng = np.random.default_rng(0)
    people = len(counts)
    drawn = rng.multinomial(people, np.full(people, 1 / people), size=_RESAMPLES)
    scores = [macro_f1_many(np.tensordot(drawn[i : i + _CHUNK], counts, axes=1)) for i in range(0, _RESAMPLES, _CHUNK)]
    low, high = np.percentile(np.concatenate(scores), [2.5, 97.5])
    return float(low), float(high)


def reliability(logits: Floats, y: Ints) -> tuple[ReliabilityBin, ...]:
    """15 equal bins of confidence, those that hold windows: mean confidence and share that is right."""
    shifted = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    confidence = shifted.max(axis=1) / shifted.sum(axis=1)
    correct = (logits.argmax(axis=1) == y).astype(np.float64)
    # Bins are (lower, upper], so that a confidence of exactly 1 falls into the last one.
    bins = np.clip(np.ceil(confidence * _BINS).astype(np.int64) - 1, 0, _BINS - 1)
    count, confident, right = (np.bincount(bins, w, minlength=_BINS) for w in (None, confidence, correct))
    return tuple(
        ReliabilityBin(
            low=i / _BINS,
            high=(i + 1) / _BINS,
            windows=int(count[i]),
            confidence=float(confident[i] / count[i]),
            accuracy=float(right[i] / count[i]),
        )
        for i in np.flatnonzero(count).tolist()
    )


def calibration_error(logits: Floats, y: Ints) -> float:
    """Expected calibration error: over the bins of `reliability`, weighted gap of confidence and accuracy."""
    return _calibration_error(reliability(logits, y))


def _calibration_error(bins: Sequence[ReliabilityBin]) -> float:
    gaps = (b.windows * abs(b.accuracy - b.confidence) for b in bins)
    return sum(gaps) / sum(b.windows for b in bins)


def _confusions(who: Ints, y: Ints, predicted: Ints, subjects: int, classes: int) -> Ints:
    """(S, K, K) counts: subject, truth, prediction."""
    flat = (who * classes + y) * classes + predicted
    counts = np.bincount(flat, minlength=subjects * classes * classes)
    return counts.reshape(subjects, classes, classes).astype(np.int64)
