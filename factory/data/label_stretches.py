"""How long each class lasts at a time: which windows can hold it."""

from typing import Self

import numpy as np

from factory.contracts.dataset import Recording
from factory.contracts.recipe import DataRecipe
from factory.data.rates import Classes
from factory.data.statistics import LogHistogram

_CHUNK = 1 << 16
_BINS = 100
_STEP = 8
_LEAST_WINDOW = 16
_LEAST_PURITY = 0.6
_SCATTERED = 4
"""Samples of the longest stretch, below which there are none but single ones."""


class LabelStretches:
    """Seconds of consecutive samples of one class without a gap, by class."""

    def __init__(self, classes: int) -> None:
        self._seconds = [LogHistogram(_BINS) for _ in range(classes)]

    def add(self, recording: Recording, classes_of: Classes, interval: float, max_gap_s: float) -> None:
        """Take in one recording; `interval` is its typical one, in seconds."""
        label, samples = -1, 0
        for low in range(0, len(recording.time_s), _CHUNK):
            classes = classes_of(np.asarray(recording.labels[low : low + _CHUNK]))
            before = max(low - 1, 0)
            gaps = np.diff(recording.time_s[before : low + len(classes)]) > max_gap_s
            gaps = gaps if low else np.concatenate([[False], gaps])
            changed = np.concatenate([[classes[0] != label], classes[1:] != classes[:-1]]) | gaps
            starts = np.flatnonzero(changed)
            ends = np.append(starts, len(classes))
            samples += int(ends[0])
            for start, end in zip(starts.tolist(), ends[1:].tolist(), strict=True):
                self._end(label, samples * interval)
                label, samples = int(classes[start]), end - start
        self._end(label, samples * interval)

    def merge(self, other: Self) -> None:
        """Take in all that `other`, which looked at other recordings, has seen."""
        for mine, theirs in zip(self._seconds, other._seconds, strict=True):
            mine.merge(theirs)

    def longest_s(self, label: int) -> float | None:
        """Of a class; None where it has no sample."""
        return self._seconds[label].largest

    def median_s(self, label: int) -> float | None:
        """Of a class; None where it has no sample."""
        return self._seconds[label].quantile(0.5)

    def _end(self, label: int, seconds: float) -> None:
        if label >= 0 and seconds > 0:
            self._seconds[label].add(np.array([seconds]))


def advice(recipe: DataRecipe, median_s: float, longest_s: float, gaps: bool) -> str:
    """Window, hop or purity with which a class that lasts so long has windows, and why it has none now.

    Args:
        recipe: What cut the windows.
        median_s: Length of the class's stretches.
        longest_s: Of the longest one.
        gaps: Whether gaps end the stretches, not other labels: then no purity helps.
    """
    window_s = recipe.window / recipe.rate_hz
    if longest_s * recipe.rate_hz < _SCATTERED:
        return f"its samples lie further apart than data.max_gap_s = {recipe.max_gap_s:g}: record it at a higher rate"
    why = (
        f"its labelled stretches last {median_s:.3g} s (median; the longest {longest_s:.3g} s), a window "
        f"{window_s:.3g} s, of which {recipe.purity:.0%} must carry the label"
    )
    window = _window(recipe, median_s) or _window(recipe, longest_s)
    purity = "" if gaps else _purity(recipe, longest_s)
    ways = [way for way in (window, purity) if way]
    return f"{why}: set {', or '.join(ways)}" if ways else f"{why}: record it for longer at a time"


def too_short(recipe: DataRecipe, longest_s: float) -> bool:
    """Whether a class that lasts so long at most may have no window at all."""
    return longest_s * recipe.rate_hz < recipe.window + recipe.hop


def _window(recipe: DataRecipe, seconds: float) -> str:
    """The longest window that a stretch surely holds at a hop of half of it."""
    share = max(recipe.purity, 2 * recipe.purity - 0.5)
    window = int(seconds * recipe.rate_hz / share) // _STEP * _STEP
    if not _LEAST_WINDOW <= window < recipe.window:
        return ""
    return f"data.window = {window} ({window / recipe.rate_hz:.3g} s) with data.hop = {window // 2}"


def _purity(recipe: DataRecipe, seconds: float) -> str:
    """The purity that the longest stretch reaches at the recipe's window and hop, wherever it begins."""
    samples = seconds * recipe.rate_hz
    sure = min(samples, (samples + recipe.window - recipe.hop) / 2) / recipe.window
    share = np.floor(20 * sure) / 20
    return f"data.purity = {share:g}" if _LEAST_PURITY <= share < recipe.purity else ""
