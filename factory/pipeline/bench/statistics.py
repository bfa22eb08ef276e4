"""What can be said of a bench's records: means, paired differences, ranks, and how sure they are.

A unit is a fold, or a person; seeds are averaged within a unit first, since a second seed is no second person. Folds
share most of their training people, so an interval over them is a little too narrow; people do not.
"""

import math
import warnings
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from factory.contracts.bench_result import (
    CLEAN,
    BenchSummary,
    CellResult,
    Difference,
    MethodSummary,
    Record,
)
from factory.contracts.errors import ArtifactError
from factory.contracts.scores import macro_f1

_EXACT = 2**13
"""Sign flips up to which all are counted; of more, as many are drawn."""
Scores = dict[tuple[Any, ...], float]
"""Macro-F1 by unit, seeds averaged."""


def records_of(results: Iterable[CellResult]) -> list[Record]:
    """One record a cell, test person and condition."""
    return [record for result in results for record in _records(result)]


def summarise(name: str, control: str, records: Sequence[Record], expected: int) -> BenchSummary:
    """Everything that tables say.

    Args:
        name: Of the bench.
        control: Label of the method that others are compared with.
        records: Of every finished cell.
        expected: Cells of the specification; 0 if not known.

    Raises:
        ArtifactError: Methods that are compared answered other windows.
    """
    _require_equal_tests(records)
    pairs = dict.fromkeys((record.data, record.method) for record in records)
    table = tuple(_method(records, data, method, control) for data, method in pairs)
    blocks = rank_blocks(records)
    return BenchSummary(
        name=name,
        control=control,
        expected=expected,
        done=len({(r.data, r.method, r.fold, r.seed) for r in records}),
        codes=len({record.code for record in records}),
        methods=table,
        ranks=average_ranks(blocks),
        blocks=len(next(iter(blocks.values()), [])),
        friedman_p=_friedman(blocks),
    )


def difference(ours: Scores, control: Scores) -> Difference | None:
    """Paired by unit, over the units that both have; None if they share none."""
    shared = sorted(ours.keys() & control.keys())
    if not shared:
        return None
    differences = np.array([ours[unit] - control[unit] for unit in shared])
    mean, better = float(differences.mean()), int((differences > 0).sum())
    if len(shared) < 2:
        return Difference(count=1, better=better, mean_pp=100 * mean)
    low, high = t_interval(differences)
    return Difference(
        count=len(shared),
        better=better,
        mean_pp=100 * mean,
        low_pp=100 * low,
        high_pp=100 * high,
        p=sign_flip(differences),
    )


def t_interval(differences: NDArray[np.float64]) -> tuple[float, float]:
    """95 % of the mean, by Student's t."""
    from scipy.stats import t

    mean = float(differences.mean())
    error = float(differences.std(ddof=1)) / math.sqrt(len(differences))
    reach = float(t.ppf(0.975, len(differences) - 1)) * error
    return mean - reach, mean + reach


def sign_flip(differences: NDArray[np.float64]) -> float:
    """Two-sided p: how many choices of signs give a mean at least as far from 0; all of them up to 13 units."""
    from scipy.stats import permutation_test

    found = permutation_test(
        (differences, np.zeros_like(differences)),
        lambda a, b, axis: (a - b).mean(axis=axis),
        permutation_type="samples",
        n_resamples=_EXACT,
        vectorized=True,
        rng=np.random.default_rng(0),
    )
    return float(found.pvalue)


def rank_blocks(records: Sequence[Record]) -> dict[str, list[float]]:
    """By method, macro-F1 of each block (data set and fold) in which every method was measured, in one order."""
    scores = {
        method: _fold_scores([r for r in records if r.method == method], CLEAN, with_data=True)
        for method in dict.fromkeys(record.method for record in records)
    }
    shared = set.intersection(*(set(found) for found in scores.values())) if scores else set()
    return {method: [found[unit] for unit in sorted(shared)] for method, found in scores.items()} if shared else {}


def average_ranks(blocks: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """Mean rank over blocks, 1 is the highest macro-F1; equal ones share their ranks."""
    from scipy.stats import rankdata

    if not blocks:
        return {}
    ranks = rankdata(-np.array(list(blocks.values())), axis=0).mean(axis=1)
    return dict(zip(blocks, map(float, ranks), strict=True))


def _friedman(blocks: Mapping[str, Sequence[float]]) -> float | None:
    """Whether the ranks differ at all; None of fewer than three methods or blocks."""
    from scipy.stats import friedmanchisquare

    if len(blocks) < 3 or len(next(iter(blocks.values()))) < 3:
        return None
    p = float(friedmanchisquare(*blocks.values()).pvalue)
    return p if math.isfinite(p) else None


def _records(result: CellResult) -> Iterable[Record]:
    totals: dict[str, NDArray[np.int64]] = {}
    for person in result.people:
        counts = np.array(person.confusion)
        totals[person.condition] = totals.get(person.condition, np.zeros_like(counts)) + counts
    for person in result.people:
        counts = np.array(person.confusion)
        yield Record(
            data=result.data,
            method=result.method,
            fold=result.fold,
            seed=result.seed,
            person=person.person,
            condition=person.condition,
            macro_f1=macro_f1(counts),
            fold_macro_f1=macro_f1(totals[person.condition]),
            windows=int(counts.sum()),
            lead_pp=result.lead_pp,
            distilled=result.distilled,
            cpu_s=result.cpu_s,
            teacher_cpu_s=result.teacher_cpu_s,
            tuning_cpu_s=result.tuning_cpu_s,
            parameters=result.student.parameters if result.student is not None else 0,
            macs=result.student.macs if result.student is not None else 0,
            test_windows=result.test_windows,
            code=result.code,
        )


def _method(records: Sequence[Record], data: str, method: str, control: str) -> MethodSummary:
    here = [record for record in records if record.data == data]
    own, others = ([r for r in here if r.method == name] for name in (method, control))
    folds = list(_fold_scores(own, CLEAN).values())
    people = _person_scores(own)
    worst = min(people, key=lambda unit: people[unit])
    cells = list({(record.fold, record.seed): record for record in own}.values())
    leads = [cell.lead_pp for cell in cells if cell.lead_pp is not None]
    conditions = dict.fromkeys(record.condition for record in own if record.condition != CLEAN)
    compared = method != control and bool(others)
    return MethodSummary(
        data=data,
        method=method,
        cells=len(cells),
        macro_f1=float(np.mean(folds)),
        deviation=float(np.std(folds, ddof=1)) if len(folds) > 1 else None,
        by_fold=difference(_fold_scores(own, CLEAN), _fold_scores(others, CLEAN)) if compared else None,
        by_person=difference(people, _person_scores(others)) if compared else None,
        mixed_p=mixed_effects(own, others) if compared else None,
        worst_person=worst[0],
        worst_macro_f1=people[worst],
        lead_pp=float(np.mean(leads)) if leads else None,
        distilled=float(np.mean([cell.distilled for cell in cells])),
        cpu_s=float(np.mean([cell.cpu_s for cell in cells])),
        teacher_cpu_s=float(np.mean([cell.teacher_cpu_s for cell in cells])),
        tuning_cpu_s=float(np.mean([cell.tuning_cpu_s for cell in cells])),
        parameters=cells[0].parameters,
        macs=cells[0].macs,
        stress={name: float(np.mean(list(_fold_scores(own, name).values()))) for name in conditions},
    )


def _fold_scores(records: Iterable[Record], condition: str, with_data: bool = False) -> Scores:
    """Macro-F1 of a fold's windows; the unit is the fold, or data set and fold."""
    found = defaultdict(dict)  # type: defaultdict[tuple[Any, ...], dict[int, float]]
    for record in records:
        if record.condition == condition:
            unit = (record.data, record.fold) if with_data else (record.fold,)
            found[unit][record.seed] = record.fold_macro_f1
    return {unit: float(np.mean(list(seeds.values()))) for unit, seeds in sorted(found.items())}


def _person_scores(records: Iterable[Record]) -> Scores:
    """Macro-F1 of a person's windows, as they were recorded."""
    found = defaultdict(list)  # type: defaultdict[tuple[Any, ...], list[float]]
    for record in records:
        if record.condition == CLEAN:
            found[(record.person,)].append(record.macro_f1)
    return {unit: float(np.mean(scores)) for unit, scores in sorted(found.items())}


def mixed_effects(ours: Sequence[Record], control: Sequence[Record]) -> float | None:
    """P of the method in macro-F1 ~ method + (1 | person), over all people and seeds.

    None without statsmodels (extra `bench`), of fewer than three people, or where the model cannot be fitted.
    """
    try:
        import pandas as pd
        from statsmodels.formula.api import mixedlm
    except ModuleNotFoundError:
        return None
    sides = ((1, ours), (0, control))
    rows = [(r.macro_f1, side, r.person) for side, own in sides for r in own if r.condition == CLEAN]
    frame = pd.DataFrame(rows, columns=["score", "ours", "person"])
    if frame["person"].nunique() < 3:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of variances on the border: the p is then that without persons
            p = float(mixedlm("score ~ ours", frame, groups="person").fit(reml=True).pvalues["ours"])
    except (ValueError, np.linalg.LinAlgError):
        return None
    return p if math.isfinite(p) else None


def _require_equal_tests(records: Sequence[Record]) -> None:
    """All methods of a data set and fold answered the same windows."""
    seen: dict[tuple[str, int], Record] = {}
    for record in records:
        first = seen.setdefault((record.data, record.fold), record)
        if first.test_windows != record.test_windows:
            raise ArtifactError(
                f"{record.data}, fold {record.fold}: {record.method} (seed {record.seed}) answered other windows than "
                f"{first.method} (seed {first.seed}): one of them cuts windows differently, see its data keys"
            )
