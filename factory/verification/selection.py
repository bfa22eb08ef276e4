"""Which held-out windows enter the golden pack: a stratified draw that is sure to hold the hard ones.

An eighth each is low in motion, close to saturation, and at a class boundary, every class among them; the rest is drawn
over class and subject in proportion. Rare classes and near ties (a small margin between the two best logits, a
thirty-second part) stay few on purpose: they flip under any rounding, and a pack full of them would measure its own
selection instead of the artifact.
"""

import numpy as np
from numpy.typing import NDArray

from factory.contracts.dataset import Floats, Ints, WindowSet
from factory.contracts.errors import DataError
from factory.contracts.window import Quantity
from factory.verification.golden import GoldenPack, spec_hash

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
        logits: (M, K) reference logits of the test windows, aligned with `test`. None leaves the reference empty,
            (0, K), and draws no near ties.

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
        kind[free[_spread(score[free], strata[free], amount, rng, each=name != "easy")]] = name

    boundary, end = _edges(windows)
    by_class = y.astype(np.str_)
    by_class_and_subject = np.char.add(np.char.add(by_class, "/"), subject.astype(np.str_))
    if logits is not None:
        take("boundary", _near_ties(logits), luck, by_class, count // _TIE_SHARE)
    for eligible in (boundary[test], end[test]):
        take("boundary", eligible, luck, by_class, hard - int((kind == "boundary").sum()))
    everything = np.ones(len(test), dtype=bool)
    take("saturated", everything, -peak, by_class, hard)
    take("low_motion", everything, motion, by_class, hard)
    take("easy", everything, luck, by_class_and_subject, count - int((kind != "").sum()))
    return kind


def _spread(score: Doubles, strata: NDArray[np.str_], amount: int, rng: np.random.Generator, *, each: bool) -> Ints:
    """Positions of `amount` low scores, strata in proportion to their size; with `each`, every stratum's best first."""
    order = np.lexsort((score, strata))
    _, first, sizes = np.unique(strata[order], return_index=True, return_counts=True)
    rank = np.arange(len(order)) - np.repeat(first, sizes)
    # A random start a stratum, or none of many small strata would ever be drawn.
    share = (rank + np.repeat(rng.random(len(sizes)), sizes)) / np.repeat(sizes, sizes)
    if each:
        share[rank == 0] = -1
    return np.asarray(order[np.argsort(share, kind="stable")[: max(amount, 0)]], dtype=np.int64)


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


def _edges(windows: WindowSet) -> tuple[Bools, Bools]:
    """(N,) at a class boundary, and (N,) at either end of a recording.

    At a boundary the next or previous window of the recording has another label, or was lost to a mixed one. Where
    recordings hold one activity each, their ends are what comes closest.
    """
    order = np.lexsort((windows.start, windows.recording))
    same = np.diff(windows.recording[order]) == 0
    changed = np.diff(windows.y[order]) != 0
    gap = np.diff(windows.start[order]) > windows.spec.hop
    return _beside(order, same & (changed | gap)), _beside(order, ~same)


def _beside(order: Ints, edge: Bools) -> Bools:
    """Windows on both sides of each edge; edge i lies between order[i] and order[i + 1]."""
    marked = np.zeros(len(order), dtype=bool)
    marked[order[1:][edge]] = True
    marked[order[:-1][edge]] = True
    return marked
