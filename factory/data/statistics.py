"""Statistics of a stream of recordings in constant memory; two of a kind merge into one.

Shape legend: T samples, C channels.
"""

from typing import Self

import numpy as np
from numpy.typing import NDArray

from factory.contracts.dataset import Floats

Doubles = NDArray[np.float64]

_DECADES = (-6, 6)
_BINS_A_DECADE = 400


class LogHistogram:
    """Quantiles of positive numbers between 1e-6 and 1e6, to 0.6 % or as `bins_a_decade` says.

    Each bin also holds the sum of what fell into it, so a value that repeats (the interval of a
    regular clock) is returned as it is. Values of zero and below are counted apart.
    """

    def __init__(self, bins_a_decade: int = _BINS_A_DECADE) -> None:
        bins = (_DECADES[1] - _DECADES[0]) * bins_a_decade
        self._bins_a_decade = bins_a_decade
        self.counts = np.zeros(bins, np.int64)
        self.sums = np.zeros(bins, np.float64)
        self.not_positive = 0
        self.largest: float | None = None

    def add(self, values: Doubles) -> None:
        """Take in `values`, any shape; those that are not finite must be gone already."""
        positive = values[values > 0]
        self.not_positive += values.size - positive.size
        if positive.size:
            place = np.floor((np.log10(positive) - _DECADES[0]) * self._bins_a_decade).astype(np.int64)
            place = np.clip(place, 0, self.counts.size - 1)
            np.add.at(self.counts, place, 1)
            np.add.at(self.sums, place, positive)
            self.largest = max(float(positive.max()), self.largest or 0.0)

    def merge(self, other: Self) -> None:
        """Take in all that `other` has seen."""
        self.counts += other.counts
        self.sums += other.sums
        self.not_positive += other.not_positive
        if other.largest is not None:
            self.largest = max(other.largest, self.largest or 0.0)

    @property
    def total(self) -> int:
        """Positive values seen."""
        return int(self.counts.sum())

    def quantile(self, share: float) -> float | None:
        """The value below which `share` of the positive values lie; None when there are none."""
        if not self.total:
            return None
        rank = max(1, int(np.ceil(share * self.total)))
        place = int(np.searchsorted(np.cumsum(self.counts), rank))
        return float(self.sums[place] / self.counts[place])

    def share_outside(self, low: float, high: float) -> float:
        """Share of the positive values below `low` or above `high`, each bin judged by its mean."""
        if not self.total:
            return 0.0
        used = self.counts > 0
        means = self.sums[used] / self.counts[used]
        return float(self.counts[used][(means < low) | (means > high)].sum() / self.total)


class Moments:
    """Mean and covariance of C channels, updated block by block (Chan, Golub and LeVeque, 1979)."""

    def __init__(self, channels: int) -> None:
        self.count = 0
        self.mean = np.zeros(channels)
        self.scatter = np.zeros((channels, channels))

    def add(self, samples: Doubles) -> None:
        """Take in finite `samples` (T, C)."""
        if len(samples):
            mean = samples.mean(axis=0)
            centred = samples - mean
            self._join(len(samples), mean, centred.T @ centred)

    def merge(self, other: Self) -> None:
        """Take in all that `other` has seen."""
        if other.count:
            self._join(other.count, other.mean, other.scatter)

    def _join(self, count: int, mean: Doubles, scatter: Doubles) -> None:
        total = self.count + count
        step = mean - self.mean
        self.scatter += scatter + np.outer(step, step) * (self.count * count / total)
        self.mean = self.mean + step * (count / total)
        self.count = total

    @property
    def sd(self) -> Doubles:
        """Standard deviation a channel."""
        deviation: Doubles = np.sqrt(np.diag(self.scatter) / max(self.count, 1))
        return deviation

    @property
    def correlation(self) -> Doubles:
        """(C, C) Pearson correlation; zero where a channel is constant."""
        spread = np.sqrt(np.diag(self.scatter))
        scale = np.outer(spread, spread)
        return np.asarray(np.divide(self.scatter, scale, out=np.zeros_like(self.scatter), where=scale > 0))


class Extremes:
    """Smallest and largest value a channel, and how many samples stay there for two or more in a row.

    A signal touches its extreme once; one that is clipped by its sensor's range stays.
    """

    def __init__(self, channels: int) -> None:
        self._value = np.full((2, channels), np.inf)  # the minimum, and the negated maximum
        self._stuck = np.zeros((2, channels), np.int64)

    def add(self, samples: Floats | Doubles) -> None:
        """Take in the finite `samples` (T, C) of one recording."""
        if len(samples):
            low, high = samples.min(axis=0), samples.max(axis=0)
            stuck = np.stack([_in_a_row(samples == low), _in_a_row(samples == high)])
            self._join(np.stack([low, -high]).astype(np.float64), stuck)

    def merge(self, other: Self) -> None:
        """Take in all that `other` has seen."""
        self._join(other._value, other._stuck)

    def _join(self, value: Doubles, stuck: NDArray[np.int64]) -> None:
        beyond, equal = value < self._value, value == self._value
        self._stuck = np.where(beyond, stuck, self._stuck + np.where(equal, stuck, 0))
        self._value = np.where(beyond, value, self._value)

    @property
    def low(self) -> Doubles:
        """Smallest value a channel; infinite before the first sample."""
        return np.asarray(self._value[0])

    @property
    def high(self) -> Doubles:
        """Largest value a channel."""
        return np.asarray(-self._value[1])

    @property
    def stuck(self) -> NDArray[np.int64]:
        """Samples a channel that stay at either extreme."""
        return np.asarray(self._stuck.sum(axis=0))


def _in_a_row(at_extreme: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Per column, the samples whose neighbour before or after is at the extreme, too."""
    pairs = at_extreme[1:] & at_extreme[:-1]
    stuck = np.zeros_like(at_extreme)
    stuck[1:] |= pairs
    stuck[:-1] |= pairs
    count: NDArray[np.int64] = stuck.sum(axis=0)
    return count
