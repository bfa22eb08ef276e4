"""Which held-out windows enter the golden pack: a stratified draw that is sure to hold the hard ones.

An eighth each is low in motion, close to saturation, and at a class boundary; the rest is drawn evenly over class
and subject. Near ties (a small margin between the two best logits) are a thirty-second part only: they flip under
any rounding, so a pack full of them would measure its own selection instead of the artifact.
"""

import numpy as np
from numpy.typing import NDArray

from factory.contracts.dataset import Floats, Ints, WindowSet
from factory.contracts.errors import DataError
from factory.contracts.window import Quantity
from factory.verify.golden import GoldenPack, spec_hash

_HARD_SHARE = 8
_TIE_SHARE = 32
_TIE_QUANTILE = 0.1
_CHUNK = 1024
_ACCELERATION = (Quantity.ACCELEROMETER, Quantity.LINEAR_ACCELERATION)

Doubles = NDArray[np.float64]
Bools = NDArray[np.bool_]


def select_golden(windows: WindowSet, test: Ints, count: int, seed: int, logits: Floats | None) -> GoldenPack:
    """Draw the golden pack from held-out windows; the same arguments give the same pack.

    Args:
        windows: All windows; x (N, C, T) in SI units may be memory-mapped.
        test: (M,) indices of the test split.
        count: Windows to draw; all of the test split where it has fewer.
        seed: Of the random part.
        logits: (M, K) reference logits of the test windows, aligned with `test`. None leaves the reference empty
            (0, K), to be set by `with_logits`, and draws no near ties.

    Returns:
        The pack, ordered by index.

    Raises:
        DataError: The test split is empty, or `logits` has another shape.
    """
    classes = len(windows.spec.labels)
    if len(test) == 0:
        raise DataError("the test split has no windows: choose other test subjects in the recipe's [split]")
    if logits is not None and logits.shape != (len(test), classes):
        raise DataError(f"reference logits have shape {logits.shape}, expected {(len(test), classes)}")
    kind = _kinds(windows, np.asarray(test), min(count, len(test)), np.random.default_rng(seed), logits)
    chosen = np.flatnonzero(kind != "")
    chosen = chosen[np.argsort(test[chosen], kind="stable")]
    index = np.asarray(test, dtype=np.int64)[chosen]
    return GoldenPack(
        x=np.ascontiguousarray(windows.x[index], dtype=np.float32),
        y=np.asarray(windows.y[index], dtype=np.int64),
        kind=kind[chosen],
        index=index,
        logits=np.zeros((0, classes), np.float32) if logits is None else np.asarray(logits[chosen], np.float32),
        labels=windows.spec.labels,
        spec_hash=spec_hash(windows.spec),
    )


def _kinds(
    windows: WindowSet, test: Ints, count: int, rng: np.random.Generator, logits: Floats | None
) -> NDArray[np.str_]:
    """(M,) the kind of each test window that is chosen, '' of the others."""
    kind = np.full(len(test), "", dtype="<U10")
    y, subject = windows.y[test], windows.subject[test]
    motion, peak = _motion_and_peak(windows, test)
    luck = rng.random(len(test))
    hard = count // _HARD_SHARE

    def take(name: str, eligible: Bools, score: Doubles, strata: NDArray[np.str_], amount: int) -> None:
        free = np.flatnonzero(eligible & (kind == ""))
        kind[free[_spread(score[free], strata[free], amount)]] = name

    by_class = y.astype(np.str_)
    by_class_and_subject = np.char.add(np.char.add(by_class, "/"), subject.astype(np.str_))
    ties = 0
    if logits is not None:
        take("boundary", _near_ties(logits), luck, by_class, count // _TIE_SHARE)
        ties = int((kind == "boundary").sum())
    take("boundary", _at_label_change(windows)[test], luck, by_class, hard - ties)
    everything = np.ones(len(test), dtype=bool)
    take("saturated", everything, -peak, by_class, hard)
    take("low_motion", everything, motion, by_class, hard)
    take("easy", everything, luck, by_class_and_subject, count - int((kind != "").sum()))
    return kind


def _spread(score: Doubles, strata: NDArray[np.str_], amount: int) -> Ints:
    """Positions of the `amount` lowest scores, taking strata in turn: each one's best, then each one's second."""
    order = np.lexsort((score, strata))
    _, first = np.unique(strata[order], return_index=True)
    sizes = np.diff(np.append(first, len(order)))
    rank = np.arange(len(order)) - np.repeat(first, sizes)
    turn = np.lexsort((score[order], rank))
    return np.asarray(order[turn[: max(amount, 0)]], dtype=np.int64)


def _motion_and_peak(windows: WindowSet, test: Ints) -> tuple[Doubles, Doubles]:
    """Per test window: variance of acceleration in (m/s^2)^2, and largest deviation in channel standard deviations."""
    statistics = []
    for begin in range(0, len(test), _CHUNK):
        chunk = np.asarray(windows.x[test[begin : begin + _CHUNK]], dtype=np.float64)
        statistics.append(np.stack([chunk.mean(2), chunk.var(2), chunk.min(2), chunk.max(2)]))
    mean, variance, low, high = np.concatenate(statistics, axis=1)
    centre = mean.mean(0)
    spread = np.maximum(np.sqrt(variance.mean(0) + mean.var(0)), 1e-9)
    acceleration = [i for i, c in enumerate(windows.spec.channels) if c.quantity in _ACCELERATION]
    motion = variance[:, acceleration or slice(None)].sum(1)
    peak = np.maximum(high - centre, centre - low) / spread
    return motion, peak.max(1)


def _near_ties(logits: Floats) -> Bools:
    """The tenth with the smallest margin between their two best logits."""
    best = np.sort(logits, axis=1)
    margin = best[:, -1] - best[:, -2]
    return np.asarray(margin <= np.quantile(margin, _TIE_QUANTILE))


def _at_label_change(windows: WindowSet) -> Bools:
    """(N,) whether the next or previous window of the recording has another label, or was lost to a mixed one."""
    order = np.lexsort((windows.start, windows.recording))
    same = np.diff(windows.recording[order]) == 0
    changed = np.diff(windows.y[order]) != 0
    gap = np.diff(windows.start[order]) > windows.spec.hop
    edge = same & (changed | gap)
    marked = np.zeros(len(order), dtype=bool)
    marked[order[1:][edge]] = True
    marked[order[:-1][edge]] = True
    return marked
