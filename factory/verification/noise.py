"""How far macro-F1 may be off by chance: over people where there are enough, over windows where there are not.

Another test would have other people, so people are what varies. From five on, their differences give a t interval;
of fewer, a deviation cannot be estimated (t of three people is 4.3, of two 12.7), and the windows of these people
stand in: the interval then says nothing of other people, which the caller's note must say.

Shape legend: K classes, B resamples.
"""

import math

import numpy as np
from numpy.typing import NDArray

from factory.contracts.manifest import Accuracy
from factory.contracts.scores import macro_f1_many

ENOUGH_PEOPLE = 5
_RESAMPLES = 2000
_Z95 = 1.959963984540054


def resampled_macro_f1(accuracy: Accuracy, overlap: float) -> NDArray[np.float64]:
    """(B,) macro-F1 of as many windows as are independent, drawn within each true class.

    Args:
        accuracy: Whose confusion is drawn from.
        overlap: Windows that share a sample; n windows of a class count as n / overlap.
    """
    rng = np.random.default_rng(0)
    confusion = np.asarray(accuracy.confusion)
    size = confusion.sum(axis=1)
    drawn = np.zeros((_RESAMPLES, *confusion.shape), dtype=np.int64)
    for k in np.flatnonzero(size):
        independent = max(1, round(size[k] / overlap))
        drawn[:, k] = rng.multinomial(independent, confusion[k] / size[k], size=_RESAMPLES)
    return macro_f1_many(drawn)


def macro_f1_low(accuracy: Accuracy, overlap: float) -> float:
    """Lower end of the 95 % interval of macro-F1: over windows, or over people where that is lower."""
    windows = float(np.percentile(resampled_macro_f1(accuracy, overlap), 2.5))
    return windows if accuracy.macro_f1_low is None else min(windows, accuracy.macro_f1_low)


def paired_loss(accuracy: Accuracy, other: Accuracy, overlap: float) -> tuple[float, float]:
    """By how much `accuracy` lies below `other`, and half the 95 % interval of that.

    Of five people or more: mean difference of each person's macro-F1, t interval. Of fewer: difference of macro-F1,
    with the deviations over windows of both sides. They are added as if independent; both meet the same hard windows,
    so the true noise is smaller and the interval is on the wide side.
    """
    people = sorted(accuracy.per_subject_f1)
    if len(people) >= ENOUGH_PEOPLE:
        from scipy.special import stdtrit

        lost = np.array([other.per_subject_f1[name] - accuracy.per_subject_f1[name] for name in people])
        quantile = float(stdtrit(len(people) - 1, 0.975))
        return float(lost.mean()), quantile * float(lost.std(ddof=1)) / math.sqrt(len(people))
    deviations = [resampled_macro_f1(side, overlap).std() for side in (accuracy, other)]
    return other.macro_f1 - accuracy.macro_f1, _Z95 * math.hypot(*deviations)
