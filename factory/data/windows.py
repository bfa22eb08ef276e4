"""Grid samples to windows: length, hop, and the share of a window that must carry its label (purity).

A window belongs to its most frequent label if that label covers at least `purity` of its samples; samples without a
label and samples of a null class count against it. At purity 1 a window never straddles two labels, which loses most
of an activity that lasts little longer than a window: HAPT's postural transitions (2-5 s) against windows of 2.56 s.
At purity 0.6 a transition of at least 0.6 windows can win the window around it.

Windows begin on a grid over each gap-free segment, as an app cuts them, or with each labelled stretch and every hop
from there (`data.anchor`): a grid misses stretches of 2.56 s, unless one happens to begin where a window does.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from factory.contracts.dataset import NULL, UNLABELLED, Floats, Ints
from factory.contracts.errors import RecipeError
from factory.contracts.recipe import Anchor, DataRecipe
from factory.data.resample import Piece

UNLABELLED_WINDOWS = "unlabelled windows"
NULL_WINDOWS = "windows of a null class"
MIXED = "windows of mixed labels"
DROPPED = "windows of a class that the recipe leaves out"
TOO_SHORT = "segments shorter than a window"
WINDOW_REASONS = (UNLABELLED_WINDOWS, NULL_WINDOWS, MIXED, DROPPED)
"""Why a window that was cut is left out."""
CUT_OFF = "labelled stretches that a gap or an end cuts off within a window"


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelPlan:
    """How a source's labels become classes.

    Attributes:
        names: Classes in the order of the logits.
        of_source: (source labels + 2,) class of each source label, `len(names)` if left out; the last two entries,
            which the indices -2 and -1 reach, are -2 (null) and -1 (unlabelled).
    """

    names: tuple[str, ...]
    of_source: Ints


@dataclass(frozen=True, kw_only=True, slots=True)
class Cut:
    """Windows of one gap-free segment; all pure, all mixed, or all of a null class.

    Attributes:
        x: (n, C, T) float32.
        y: (n,) classes; -1 unlabelled, -2 for a null class.
        start: (n,) first sample in the segment.
        segment: Counts gap-free segments of one recording from 0.
        purity: (n,) share of a window that carries its class; None for pure windows.
    """

    x: Floats
    y: Ints
    start: Ints
    segment: int
    purity: NDArray[np.float64] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Candidates:
    """Where windows may begin in what has been read of a segment: samples (T, C), classes (T,), starts (n,)."""

    samples: Floats
    labels: Ints
    starts: Ints
    begin: int
    segment: int


def plan_labels(source: Sequence[str], keep: Sequence[str] | None, merge: dict[str, str]) -> LabelPlan:
    """Apply `data.merge`, then `data.labels`.

    Raises:
        RecipeError: A label that the source does not have, one named twice, or fewer than two classes.
    """
    if unknown := sorted(set(merge) - set(source)):
        raise RecipeError(f"data.merge names {', '.join(unknown)}: the source's labels are {', '.join(source)}")
    merged = [merge.get(label, label) for label in source]
    available = list(dict.fromkeys(merged))
    names = tuple(keep) if keep is not None else tuple(available)
    if unknown := [name for name in names if name not in available]:
        raise RecipeError(f"data.labels names {', '.join(unknown)}: available are {', '.join(available)}")
    if len(set(names)) != len(names) or len(names) < 2:
        raise RecipeError(f"data.labels gives the classes {', '.join(names)}: at least two, each once, are needed")
    classes = [names.index(label) if label in names else len(names) for label in merged]
    return LabelPlan(names=names, of_source=np.array([*classes, NULL, UNLABELLED], np.int64))


def choose_channels(available: Sequence[str], wanted: Sequence[str] | None) -> list[int]:
    """Column of each wanted channel.

    Raises:
        RecipeError: A channel that the source does not deliver, or one named twice.
    """
    if wanted is None:
        return list(range(len(available)))
    if unknown := [name for name in wanted if name not in available]:
        raise RecipeError(f"data.channels names {', '.join(unknown)}: the source delivers {', '.join(available)}")
    if len(set(wanted)) != len(wanted) or not wanted:
        raise RecipeError("data.channels is empty or names a channel twice: list each channel once")
    return [available.index(name) for name in wanted]


def cut(
    pieces: Iterable[Piece], recipe: DataRecipe, plan: LabelPlan, columns: Sequence[int], lost: Counter[str]
) -> Iterator[Cut]:
    """Cut the pieces of one recording; what is left out is counted in `lost`.

    With `data.unlabelled` windows that nobody labelled are kept, too: at least `data.purity` of their samples have no
    label, and none is of a null class or of one that the recipe leaves out. Their class is -1.

    With `data.anchor = "label"` a window carries the label that it begins with, or is left out as mixed: one that
    begins in the last samples of a stretch would otherwise be a window of the next stretch.
    """
    for found in _candidates(pieces, recipe, plan, columns, lost, recipe.anchor):
        y = label_windows(found.labels, found.starts, recipe.window, recipe.purity, len(plan.names), lost)
        kept = y >= 0
        if recipe.anchor == "label":
            own = y == found.labels[found.starts]
            lost[MIXED] += int((kept & ~own).sum())
            kept &= own
        if recipe.unlabelled:
            unknown = unlabelled_windows(found.labels, found.starts, recipe.window, recipe.purity, len(plan.names))
            lost[UNLABELLED_WINDOWS] -= int(unknown.sum())
            y[unknown] = UNLABELLED
            kept |= unknown
        yield _cut(found, recipe.window, kept, y)


def cut_mixed(pieces: Iterable[Piece], recipe: DataRecipe, plan: LabelPlan, columns: Sequence[int]) -> Iterator[Cut]:
    """The windows that `cut` leaves out because too little of them carries their main label, which is their class."""
    for found in _candidates(pieces, recipe, plan, columns, Counter()):
        y, purity = label_mixed(found.labels, found.starts, recipe.window, recipe.purity, len(plan.names))
        yield _cut(found, recipe.window, y >= 0, y, purity)


def cut_null(pieces: Iterable[Piece], recipe: DataRecipe, plan: LabelPlan, columns: Sequence[int]) -> Iterator[Cut]:
    """The windows that `cut` leaves out because at least `data.purity` of them is null; their class is -2."""
    for found in _candidates(pieces, recipe, plan, columns, Counter()):
        purity = null_share(found.labels, found.starts, recipe.window)
        y: Ints = np.full(len(purity), NULL, np.int64)
        yield _cut(found, recipe.window, purity >= recipe.purity - 1e-9, y, purity)


def cut_tails(
    pieces: Iterable[Piece], recipe: DataRecipe, lengths: tuple[int, int], plan: LabelPlan, columns: Sequence[int]
) -> Iterator[Cut]:
    """Windows of the longer length whose last samples are a window of the other length, and of the same class.

    So both lengths answer at the same moments of the same recordings.

    Args:
        pieces: Of one recording.
        recipe: Hop, purity and anchor; its window does not count.
        lengths: Samples, the shorter first.
        plan: Classes.
        columns: Channels.
    """
    shorter, longer = lengths
    for found in _candidates(
        pieces, recipe.model_copy(update={"window": longer}), plan, columns, Counter(), recipe.anchor
    ):
        y, tail = (
            label_windows(
                found.labels, found.starts + longer - length, length, recipe.purity, len(plan.names), Counter()
            )
            for length in (longer, shorter)
        )
        yield _cut(found, longer, (y >= 0) & (y == tail), y)


def _cut(
    found: _Candidates, length: int, kept: NDArray[np.bool_], y: Ints, purity: NDArray[np.float64] | None = None
) -> Cut:
    """The candidates that are `kept` (n,)."""
    return Cut(
        x=_gather(found.samples, found.starts[kept], length),
        y=y[kept],
        start=found.begin + found.starts[kept],
        segment=found.segment,
        purity=purity[kept] if purity is not None else None,
    )


def _candidates(
    pieces: Iterable[Piece],
    recipe: DataRecipe,
    plan: LabelPlan,
    columns: Sequence[int],
    lost: Counter[str],
    anchor: Anchor = "grid",
) -> Iterator[_Candidates]:
    """Every window's place; memory is bounded by a piece, what windows still need of one is carried into the next."""
    segment, begin = -1, 0
    samples: Floats = np.empty((0, len(columns)), np.float32)
    labels = ages = np.empty(0, np.int64)
    for piece in pieces:
        if piece.first:
            _count_cut_off(labels, ages, begin, anchor, lost)
            segment, begin = segment + 1, 0
            samples, labels, ages = samples[:0], labels[:0], ages[:0]
        fresh = plan.of_source[piece.labels]
        ages = np.concatenate([ages, _ages(fresh, labels[-1:], ages[-1:], anchor)])
        samples = np.concatenate([samples, piece.samples[:, list(columns)]])
        labels = np.concatenate([labels, fresh])
        count = max(len(labels) - recipe.window + 1, 0)
        begins = ages[:count] % recipe.hop == 0
        least = UNLABELLED if recipe.unlabelled else 0
        starts = np.flatnonzero(begins & (labels[:count] >= least) if anchor == "label" else begins)
        if len(starts):
            yield _Candidates(samples=samples, labels=labels, starts=starts, begin=begin, segment=segment)
        samples, labels, ages, begin = samples[count:], labels[count:], ages[count:], begin + count
    _count_cut_off(labels, ages, begin, anchor, lost)


def _ages(labels: Ints, last_label: Ints, last_age: Ints, anchor: Anchor) -> Ints:
    """(T,) samples since the segment began, or since its present stretch of one label did.

    Args:
        labels: (T,) classes of the samples that follow.
        last_label: Class of the sample before them, empty at the beginning of a segment.
        last_age: Its age, or empty.
        anchor: What began: the segment ("grid") or the stretch.
    """
    place = np.arange(len(labels))
    since = np.full(len(labels), -1 - int(last_age[0]) if len(last_age) else 0)
    if anchor == "label":
        changes = np.flatnonzero(np.diff(labels, prepend=last_label)) + 1 - len(last_label)
        since[changes] = changes
        since = np.maximum.accumulate(since)
    ages: Ints = place - since
    return ages


def _count_cut_off(labels: Ints, ages: Ints, begin: int, anchor: Anchor, lost: Counter[str]) -> None:
    """Count what the end of a segment leaves without a window: all of it, or stretches that begin too late.

    Args:
        labels: (T,) classes of the last samples, where no window begins.
        ages: (T,) of them.
        begin: Samples of the segment before them.
        anchor: Where windows begin.
        lost: Counted up.
    """
    if not begin:
        lost[TOO_SHORT] += len(labels) > 0
    elif anchor == "label":
        lost[CUT_OFF] += int(((ages == 0) & (labels >= 0)).sum())


def label_windows(labels: Ints, starts: Ints, length: int, purity: float, classes: int, lost: Counter[str]) -> Ints:
    """Class of each window, or -1 with the reason counted in `lost`.

    Args:
        labels: (T,) classes; `classes` is one that the recipe leaves out, -1 unlabelled, -2 null.
        starts: (n,) first samples.
        length: Samples in a window.
        purity: Share that the class must cover, above a half.
        classes: Number of classes.
        lost: Counted up.
    """
    none, counts = _counts(labels, starts, length, classes)
    best = counts.argmax(axis=0)
    pure = counts.max(axis=0) >= purity * length - 1e-9
    null = null_share(labels, starts, length) >= purity - 1e-9
    unlabelled = ~pure & ~null & (none > (1 - purity) * length + 1e-9)
    dropped = pure & (best == classes)
    mixed = ~pure & ~null & ~unlabelled
    reasons = {NULL_WINDOWS: null, UNLABELLED_WINDOWS: unlabelled, MIXED: mixed, DROPPED: dropped}
    for reason, which in reasons.items():
        lost[reason] += int(which.sum())
    y: Ints = np.where(pure & ~dropped, best, UNLABELLED).astype(np.int64)
    return y


def label_mixed(
    labels: Ints, starts: Ints, length: int, purity: float, classes: int
) -> tuple[Ints, NDArray[np.float64]]:
    """Main class of each window that less than `purity` of it carries, and that share; -1 for all other windows.

    Args: as `label_windows`. Windows of which more is of no class (unlabelled or null) than of any class have no
    main class.
    """
    none, counts = _counts(labels, starts, length, classes)
    best, most = counts.argmax(axis=0), counts.max(axis=0)
    mixed = (most < purity * length - 1e-9) & (most > none) & (best < classes)
    y: Ints = np.where(mixed, best, UNLABELLED).astype(np.int64)
    return y, most / length


def unlabelled_windows(labels: Ints, starts: Ints, length: int, purity: float, classes: int) -> NDArray[np.bool_]:
    """(n,) which windows nobody labelled, and which may be of any class. Args: as `label_windows`."""
    share = _count(labels == UNLABELLED, starts, length) / length
    other = _count((labels == NULL) | (labels == classes), starts, length)
    unknown: NDArray[np.bool_] = (share >= purity - 1e-9) & (other == 0)
    return unknown


def null_share(labels: Ints, starts: Ints, length: int) -> NDArray[np.float64]:
    """(n,) share of each window whose label is null. Args: as `label_windows`."""
    share: NDArray[np.float64] = _count(labels == NULL, starts, length) / length
    return share


def _counts(labels: Ints, starts: Ints, length: int, classes: int) -> tuple[Ints, Ints]:
    """Samples of each window: (n,) unlabelled or null, (classes + 1, n) of each class and of left-out ones."""
    none = _count(labels < 0, starts, length)
    return none, np.stack([_count(labels == value, starts, length) for value in range(classes + 1)])


def _count(mask: NDArray[np.bool_], starts: Ints, length: int) -> Ints:
    total = np.concatenate([[0], np.cumsum(mask)])
    counted: Ints = total[starts + length] - total[starts]
    return counted


def _gather(samples: Floats, starts: Ints, length: int) -> Floats:
    """(T, C) -> (n, C, length)."""
    if not len(starts):
        return np.empty((0, samples.shape[1], length), np.float32)
    view = np.lib.stride_tricks.sliding_window_view(samples, length, axis=0)
    return np.ascontiguousarray(view[starts], np.float32)
