"""Who trains, who selects, who tests: by subject, always, and checked for leakage every time.

Validation subjects are taken from the training ones, so the test part is the same for every seed of the
kinds 'official', 'subjects' and 'loso'.
"""

import re
from collections.abc import Sequence

import numpy as np

from factory.contracts.dataset import Ints, Split, WindowSet
from factory.contracts.errors import DataError, RecipeError
from factory.contracts.recipe import SplitRecipe
from factory.data.leakage import check_split

__all__ = ["check_split", "make_split", "subjects_of"]


def make_split(windows: WindowSet, recipe: SplitRecipe, seed: int) -> Split:
    """Split windows by subject.

    Args:
        windows: Every window.
        recipe: Who tests, and the share of training subjects that selects.
        seed: Draws validation subjects and the order in which groups are filled.

    Returns:
        Indices in rising order; the parts cover all windows.

    Raises:
        RecipeError: The split does not exist for this data set, or names unknown subjects.
        DataError: Too few subjects, or a class without training windows; names it.
        LeakageError: The same recording stands on both sides under two names.
    """
    subjects = subjects_of(windows)
    test = _test_subjects(windows, subjects, recipe, seed)
    rest = [subject for subject in subjects if subject not in test]
    if len(rest) < 2:
        raise DataError(
            f"{len(rest)} of {len(subjects)} subjects are left for training, at least 2 are needed "
            "(one trains, one selects): record more people, or let fewer test"
        )
    validation = _validation_subjects(windows, rest, recipe.validation, seed)
    train = [subject for subject in rest if subject not in validation]
    split = Split(train=_of(windows, train), validation=_of(windows, validation), test=_of(windows, sorted(test)))
    _require_classes(windows, split)
    check_split(windows, split)
    return split


def subjects_of(windows: WindowSet) -> list[str]:
    """Every subject once, '2' before '10'."""
    return sorted(np.unique(windows.subject).tolist(), key=_natural)


def _natural(name: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name) if part]


def _of(windows: WindowSet, subjects: Sequence[str]) -> Ints:
    return np.flatnonzero(np.isin(windows.subject, list(subjects))).astype(np.int64)


def _test_subjects(windows: WindowSet, subjects: list[str], recipe: SplitRecipe, seed: int) -> set[str]:
    if recipe.kind == "official":
        if not windows.official_test:
            raise RecipeError(
                "split.kind = 'official', but this data set has none: choose 'groups', 'loso' or 'subjects'"
            )
        return _known(windows.official_test, subjects, "the official test split")
    if recipe.kind == "subjects":
        return _known(recipe.test_subjects, subjects, "split.test_subjects")
    if recipe.kind == "loso":
        if recipe.fold >= len(subjects):
            raise RecipeError(f"split.fold = {recipe.fold}, but there are {len(subjects)} subjects: folds count from 0")
        return {subjects[recipe.fold]}
    return set(_groups(windows, subjects, recipe.groups, seed)[recipe.fold])


def _known(wanted: Sequence[str], subjects: list[str], where: str) -> set[str]:
    if unknown := sorted(set(wanted) - set(subjects), key=_natural):
        raise RecipeError(f"{where} names {', '.join(unknown)}: subjects with windows are {', '.join(subjects)}")
    return set(wanted)


def _groups(windows: WindowSet, subjects: list[str], groups: int, seed: int) -> list[list[str]]:
    """Fill groups with the largest subject first, always the group with the fewest windows."""
    if groups > len(subjects):
        raise RecipeError(f"split.groups = {groups}, but there are {len(subjects)} subjects: lower it, or use 'loso'")
    counts = {subject: int((windows.subject == subject).sum()) for subject in subjects}
    shuffled = [subjects[index] for index in np.random.default_rng(seed).permutation(len(subjects))]
    filled: list[list[str]] = [[] for _ in range(groups)]
    for subject in sorted(shuffled, key=lambda name: -counts[name]):
        smallest = min(filled, key=lambda group: (sum(counts[name] for name in group), len(group)))
        smallest.append(subject)
    return filled


def _validation_subjects(windows: WindowSet, subjects: list[str], share: float, seed: int) -> list[str]:
    """At least one; never the last training subject who performed an activity."""
    wanted = min(max(1, round(share * len(subjects))), len(subjects) - 1)
    classes = {subject: set(windows.y[windows.subject == subject].tolist()) for subject in subjects}
    chosen: list[str] = []
    for index in np.random.default_rng(seed).permutation(len(subjects)):
        others = [name for name in subjects if name not in chosen and name != subjects[index]]
        if len(chosen) < wanted and classes[subjects[index]] <= set().union(*(classes[name] for name in others)):
            chosen.append(subjects[index])
    if not chosen:
        raise DataError(
            "no training subject can be held out for validation: each is the only one of some class; "
            "record each activity with at least two people, or leave the class out with data.labels"
        )
    return chosen


def _require_classes(windows: WindowSet, split: Split) -> None:
    missing = sorted(set(range(len(windows.spec.labels))) - set(np.unique(windows.y[split.train]).tolist()))
    if missing:
        names = ", ".join(windows.spec.labels[index] for index in missing)
        raise DataError(
            f"no training window of class {names}: record it with training subjects, lower data.purity, "
            "or leave it out with data.labels"
        )
