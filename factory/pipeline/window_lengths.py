"""Would a longer or a shorter window tell the activities better apart? Half and double of a recipe's window.

Only recordings of people who train or select are cut, never those of people who test. A longer window
has fewer places where it fits into one activity, and those are the easier ones; so two lengths are compared at the
same moments, where windows of both end and carry the same label. Extremely randomised trees on statistics of the
windows (factory/verification/baseline.py) are fitted on all groups of people but one and judged on that one. They
stand for the networks, which would take minutes.

At most `_MOST` moments are drawn, the same number of each class, so that it takes seconds on any data set.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from factory.contracts.dataset import Floats, Ints
from factory.contracts.progress import Progress
from factory.contracts.recipe import DataRecipe, Recipe
from factory.contracts.report import DataReport, Finding, Severity, WindowLengthReport
from factory.contracts.scores import confusion, macro_f1
from factory.contracts.window import WindowSpec
from factory.data.findings import in_order
from factory.data.preparation import plan_classes, window_spec
from factory.data.resample import resample
from factory.data.sources import Source, open_source
from factory.data.windows import LabelPlan, choose_channels, cut_tails
from factory.verification.baseline import tree_answers
from factory.verification.statistics import statistics, triads

_LONGEST, _SHORTEST = 4096, 8
"""Samples, as a recipe allows."""
_MOST = 3000
"""Moments that are judged."""
_MOST_BYTES = 64_000_000
"""Of their windows: fewer moments are drawn where windows are long."""
_LEAST = 40
"""Moments below which a comparison says nothing."""
_FOLDS = 3
_OVERLAP = 8
"""Windows that hold one sample, at most; more would cost memory and tell nothing new."""
_CLEAR_PP = 3.0
"""A gain that is worth a warning if it also exceeds twice its spread."""


def with_window_lengths(
    report: DataReport, recipe: Recipe, folder: Path | None, progress: Progress, base: Path | None = None
) -> DataReport:
    """The report and what other window lengths would change; itself where data are unusable or published as windows.

    Args:
        report: From `factory.data.checks.check`, of the same recipe.
        recipe: What to read, how to cut and to split it.
        folder: Where the recordings lie.
        progress: Told of each step.
        base: Folder that `recipe.data.description` is relative to.

    Raises:
        RecipeError: The recipe does not fit the source.
        DataError: The recordings cannot be read.
    """
    source = open_source(recipe.data.source, recipe.data.description, base)
    if report.errors or report.split is None or source.published_window is not None:
        return report
    people = {*report.split.subjects["train"], *report.split.subjects["validation"]}
    had = [entry.label for entry in report.classes if _has_windows(report, people, entry.label)]
    rows = tuple(compare(recipe, source, folder, people, had, progress))
    findings = in_order([*report.findings, *map(_finding, rows)])
    return report.model_copy(update={"window_lengths": rows, "findings": findings})


def compare(
    recipe: Recipe, source: Source, folder: Path | None, people: set[str], had: Sequence[str], progress: Progress
) -> Iterator[WindowLengthReport]:
    """Half and double of the recipe's window, as far as the networks, the recordings and the people allow.

    Args:
        recipe: What to compare with.
        source: Recordings.
        folder: Where they lie.
        people: Whose recordings are cut; nobody else's.
        had: Classes of which they have windows.
        progress: Told of each recording.

    Raises:
        RecipeError: The recipe does not fit the source.
        DataError: The recordings cannot be read.
    """
    plan = plan_classes(recipe.data, source, folder)
    spec = window_spec(recipe.data, source, plan)
    lengths = _others(recipe)
    drawn = _draw(recipe, source, folder, people, plan, lengths, progress)
    for length, moments in zip(lengths, drawn, strict=True):
        if row := _judge(recipe, length, moments, spec, had):
            yield row


@dataclass(frozen=True, kw_only=True, slots=True)
class _Moments:
    """x (N, C, T) windows of the longer length, classes (N,), subject names (N,)."""

    x: Floats
    y: Ints
    subject: NDArray[np.str_]


class _Drawing:
    """Keeps at most `each` moments of each class out of any number, each with the same chance."""

    def __init__(self, each: int, seed: int) -> None:
        self._each = each
        self._rng = np.random.default_rng(seed)
        self._key: list[NDArray[np.float64]] = []
        self._parts: list[_Moments] = []

    def add(self, x: Floats, y: Ints, subject: str) -> None:
        self._key.append(self._rng.random(len(y)))
        self._parts.append(_Moments(x=x, y=y, subject=np.full(len(y), subject)))
        if sum(map(len, self._key)) > 2 * self._each:
            self._parts, self._key = self._kept()

    def moments(self) -> _Moments | None:
        """What was drawn; None where nothing was added."""
        parts, _ = self._kept()
        return parts[0] if parts else None

    def _kept(self) -> tuple[list[_Moments], list[NDArray[np.float64]]]:
        if not self._parts:
            return [], []
        key, y = np.concatenate(self._key), np.concatenate([part.y for part in self._parts])
        order = np.lexsort((key, y))
        rank = np.arange(len(y)) - np.searchsorted(y[order], y[order])
        rows = np.sort(order[rank < self._each])
        x = np.concatenate([part.x for part in self._parts])[rows]
        subject = np.concatenate([part.subject for part in self._parts])[rows]
        return [_Moments(x=x, y=y[rows], subject=subject)], [key[rows]]


def _has_windows(report: DataReport, people: set[str], label: str) -> bool:
    return any(entry.windows_per_class.get(label) for entry in report.subjects if entry.subject in people)


def _others(recipe: Recipe) -> list[int]:
    """Half and double, where recipe and networks take them."""
    window = recipe.data.window
    least = max(_SHORTEST, *(2 * network.strides for network in (recipe.model.student, recipe.model.teacher)))
    return [length for length in (window // 2, 2 * window) if least <= length <= _LONGEST]


def _draw(
    recipe: Recipe,
    source: Source,
    folder: Path | None,
    people: set[str],
    plan: LabelPlan,
    lengths: Sequence[int],
    progress: Progress,
) -> list[_Moments | None]:
    """Of each length, moments at which windows of it and of the recipe's length end; one pass over the recordings."""
    columns = choose_channels([channel.name for channel in source.channels], recipe.data.channels)
    data = recipe.data.model_copy(update={"hop": max(recipe.data.hop, recipe.data.window // _OVERLAP)})
    pairs = [_pair(data, length) for length in lengths]
    drawings = [_Drawing(_each(longer, len(columns), len(plan.names)), recipe.seed) for _, longer in pairs]
    with progress.track("window lengths", None, "recordings") as bar:
        for recording in source.recordings(folder, progress):
            if recording.subject not in people:
                continue
            for pair, drawing in zip(pairs, drawings, strict=True):
                for found in cut_tails(resample(recording, data.rate_hz, data.max_gap_s), data, pair, plan, columns):
                    drawing.add(found.x, found.y, recording.subject)
            bar.advance(note=f"subject {recording.subject}")
    return [drawing.moments() for drawing in drawings]


def _pair(data: DataRecipe, length: int) -> tuple[int, int]:
    return min(data.window, length), max(data.window, length)


def _each(length: int, channels: int, classes: int) -> int:
    """Moments of a class."""
    return max(1, min(_MOST, _MOST_BYTES // (4 * channels * length)) // classes)


def _judge(
    recipe: Recipe, length: int, moments: _Moments | None, spec: WindowSpec, had: Sequence[str]
) -> WindowLengthReport | None:
    """None where there are too few moments, people or classes to tell."""
    if moments is None or len(moments.y) < _LEAST or len(np.unique(moments.y)) < 2:
        return None
    folds = list(_folds(moments.subject, recipe.seed))
    if len(folds) < 2:
        return None
    scores = np.array([_scores(moments, samples, spec, folds, recipe.seed) for samples in (length, recipe.data.window)])
    gains = scores[0] - scores[1]
    present = {spec.labels[label] for label in np.unique(moments.y).tolist()}
    return WindowLengthReport(
        window=length,
        seconds=length / recipe.data.rate_hz,
        recipe_window=recipe.data.window,
        moments=len(moments.y),
        folds=len(folds),
        macro_f1=float(scores[0].mean()),
        recipe_macro_f1=float(scores[1].mean()),
        gain_pp=100 * float(gains.mean()),
        spread_pp=100 * float(gains.std(ddof=1)),
        without=tuple(label for label in had if label not in present),
    )


def _folds(subject: NDArray[np.str_], seed: int) -> Iterator[NDArray[np.bool_]]:
    """(N,) who is judged, of each of up to `_FOLDS` groups of people."""
    people = np.random.default_rng(seed).permutation(np.unique(subject))
    count = min(_FOLDS, len(people))
    for fold in range(count):
        yield np.isin(subject, people[fold::count])


def _scores(
    moments: _Moments, length: int, spec: WindowSpec, folds: Iterable[NDArray[np.bool_]], seed: int
) -> list[float]:
    """Macro-F1 of each fold, of windows of the last `length` samples."""
    x, classes = statistics(moments.x[:, :, -length:], triads(spec)), len(spec.labels)
    scores = []
    for judged in folds:
        fit, rows = np.flatnonzero(~judged), np.flatnonzero(judged)
        answers = tree_answers(x, moments.y, fit, rows, classes, seed)
        scores.append(macro_f1(confusion(moments.y[rows], answers, classes)))
    return scores


def is_clearly_better(row: WindowLengthReport) -> bool:
    """Whether that length gains more than its spread leaves open, and loses no class."""
    return row.gain_pp > max(_CLEAR_PP, 2 * row.spread_pp) and not row.without


def _finding(row: WindowLengthReport) -> Finding:
    return Finding(
        severity=Severity.WARNING if is_clearly_better(row) else Severity.INFO,
        code="window.length",
        where="data",
        message=describe(row),
    )


def describe(row: WindowLengthReport) -> str:
    """What that length would change, in one line."""
    rate_hz = row.window / row.seconds
    change = f"{abs(row.gain_pp):.1f} +- {row.spread_pp:.1f} pp macro-F1"
    if abs(row.gain_pp) <= row.spread_pp:
        effect = f"would change macro-F1 by {row.gain_pp:+.1f} +- {row.spread_pp:.1f} pp, no clear difference"
    else:
        effect = f"would {'gain' if row.gain_pp > 0 else 'lose'} {change}"
    later = (row.window - row.recipe_window) / rate_hz
    when = f"it also answers {later:.2f} s later" if later > 0 else f"it answers {-later:.2f} s sooner"
    lacks = f"; {', '.join(row.without)} would have no window" if row.without else ""
    return (
        f"a window of {row.window} samples ({row.seconds:.2f} s) {effect} (ExtraTrees on statistics, training people "
        f"only, {row.folds} folds); {when}{lacks}"
    )
