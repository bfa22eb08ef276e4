"""Who trains, who selects, who tests: by subject, always, and checked for leakage every time.

Parts follow from who there is and from the seed, never from how recordings are cut, so builds that differ in
window, hop or rate test the same people. Two things can still change who that is: a person who has no window at all
is not there, and one who has the only windows of a class is never held out for validation.

Validation subjects are taken from the training ones, so the test part is the same for every seed of the
kinds 'official', 'subjects' and 'loso'.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from factory.contracts.dataset import Split, WindowSet
from factory.contracts.errors import DataError, LeakageError, RecipeError, TrainingError
from factory.contracts.recipe import Recipe, SplitRecipe
from factory.data.leakage import check_split
from factory.data.names import natural

__all__ = ["check_split", "groups_of", "make_split", "require_trainable", "split_by_people", "subjects_of"]


def make_split(windows: WindowSet, recipe: SplitRecipe, seed: int) -> Split:
    """Split windows by subject.

    Args:
        windows: Every window.
        recipe: Who tests, and the share of training subjects that selects.
        seed: Draws validation subjects and groups.

    Returns:
        Indices in rising order; the parts cover all labelled windows. `unlabelled` holds the windows without a label of
        training subjects, and all windows of people who have no label or whose labels are held back
        (`labelled_people`); those of test and validation subjects are in no part.

    Raises:
        RecipeError: The split does not exist for this data set, or names unknown subjects.
        DataError: Too few subjects, or a class without training windows; names it.
        LeakageError: The same recording stands on both sides under two names.
    """
    subjects = _labelled(windows)
    test = _test_subjects(windows, subjects, recipe, seed)
    rest = _with_labels([subject for subject in subjects if subject not in test], recipe, seed)
    if len(rest) < 2:
        raise DataError(
            f"{len(rest)} of {len(subjects)} subjects are left for training, at least 2 are needed "
            "(one trains, one selects): record more people, or let fewer test"
        )
    validation = _validation_subjects(windows, rest, recipe.validation, seed)
    train = [subject for subject in rest if subject not in validation]
    split = _parts(windows, train, validation, sorted(test))
    _require_classes(windows, split)
    check_split(windows, split)
    return split


def split_by_people(
    windows: WindowSet,
    train: Sequence[str],
    validation: Sequence[str],
    test: Sequence[str],
    unlabelled: Sequence[str] = (),
) -> Split:
    """The split that names its people, as a build's manifest does; checked as any other.

    Args:
        windows: Every window.
        train: Subjects that fit weights.
        validation: Subjects that select.
        test: Subjects that are measured.
        unlabelled: Subjects of whom no label is used.

    Returns:
        Indices in rising order, as of `make_split`.

    Raises:
        LeakageError: A subject is named twice, or windows of one part stand in another.
        RecipeError: A part names nobody.
        DataError: A subject is named who has no windows, or has windows and is not named.
    """
    parts = {"train": train, "validation": validation, "test": test}
    if empty := [part for part, names in parts.items() if not names]:
        raise RecipeError(f"the split names nobody for {' and '.join(empty)}: each part needs a subject")
    parts["unlabelled"] = unlabelled
    named = Counter(name for names in parts.values() for name in names)
    for name, times in named.items():
        if times > 1:
            where = " and ".join(part for part, names in parts.items() for other in names if other == name)
            raise LeakageError(f"leakage: subject {name} is listed in {where}: every subject belongs to one part")
    subjects = subjects_of(windows)
    for what, names in (("has no windows", set(named) - set(subjects)), ("is in no part", set(subjects) - set(named))):
        if names:
            raise DataError(
                f"the split lists {len(named)} subjects, the windows have {len(subjects)}; {what}: "
                f"{', '.join(sorted(names, key=natural))}: use the recordings it was made from, or build again"
            )
    split = _parts(windows, train, validation, test)
    _require_classes(windows, split)
    check_split(windows, split)
    return split


def require_trainable(windows: WindowSet, split: Split, recipe: Recipe) -> None:
    """Refuse, before anything is trained, what would stop a training later.

    Raises:
        TrainingError: Fewer windows than a batch takes.
        DataError: A class without training windows.
    """
    _require_classes(windows, split)
    counted = {"training": len(split.train)}
    if len(recipe.model.heads) == 1 and recipe.train.refit:
        counted = {"training and validation": len(split.train) + len(split.validation)}
    for what, count in counted.items():
        if count < recipe.train.batch:
            raise TrainingError(
                f"{count} {what} windows, train.batch is {recipe.train.batch}: lower train.batch to at most {count}, "
                "lower data.hop, or add recordings"
            )


def subjects_of(windows: WindowSet) -> list[str]:
    """Every subject once, '2' before '10'."""
    return sorted(np.unique(windows.subject).tolist(), key=natural)


def groups_of(windows: WindowSet, groups: int, seed: int = 0) -> list[list[str]]:
    """Every subject with a labelled window in one of `groups` groups, as kind 'groups' has them.

    Raises:
        RecipeError: More groups than subjects.
    """
    return _groups(_labelled(windows), groups, seed)


def _labelled(windows: WindowSet) -> list[str]:
    """Every subject with a labelled window."""
    return sorted(np.unique(windows.subject[windows.y >= 0]).tolist(), key=natural)


def _parts(windows: WindowSet, train: Sequence[str], validation: Sequence[str], test: Sequence[str]) -> Split:
    """Labelled windows by part; unlabelled ones of training subjects, and everything of people in no part."""
    known, own = windows.y >= 0, np.isin(windows.subject, list(train))
    away = np.isin(windows.subject, [*validation, *test])
    return Split(
        train=np.flatnonzero(known & own),
        validation=np.flatnonzero(known & np.isin(windows.subject, list(validation))),
        test=np.flatnonzero(known & np.isin(windows.subject, list(test))),
        unlabelled=np.flatnonzero(~away & ~(known & own)),
    )


def _with_labels(subjects: list[str], recipe: SplitRecipe, seed: int) -> list[str]:
    """Of training subjects those whose labels are used: all, the named ones, or the first in an order of hashes."""
    wanted = recipe.labelled_people
    if wanted is None:
        return subjects
    if isinstance(wanted, tuple):
        chosen = _known(wanted, subjects, "split.labelled_people")
    elif wanted > len(subjects):
        raise RecipeError(f"{wanted} labelled people are asked for, but {len(subjects)} subjects train: ask for fewer")
    else:
        chosen = set(_hashed(subjects, seed)[:wanted])
    return [subject for subject in subjects if subject in chosen]


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
    return set(_groups(subjects, recipe.groups, seed)[recipe.fold])


def _known(wanted: Sequence[str], subjects: list[str], where: str) -> set[str]:
    if unknown := sorted(set(wanted) - set(subjects), key=natural):
        raise RecipeError(f"{where} names {', '.join(unknown)}: subjects with windows are {', '.join(subjects)}")
    return set(wanted)


def _groups(subjects: Sequence[str], groups: int, seed: int) -> list[list[str]]:
    """Neighbours in the order of their hashes, in groups whose sizes differ by one at most.

    The order of two people does not depend on the others: one person more or less moves at most one person over
    each border between groups.
    """
    if groups > len(subjects):
        raise RecipeError(
            f"{groups} groups are asked for, but there are {len(subjects)} subjects: lower groups, or use kind 'loso'"
        )
    ordered = _hashed(subjects, seed)
    borders = [len(ordered) * group // groups for group in range(groups + 1)]
    return [ordered[low:high] for low, high in pairwise(borders)]


def _hashed(subjects: Sequence[str], seed: int) -> list[str]:
    """In an order in which the place of two people does not depend on the others."""
    return sorted(subjects, key=lambda name: hashlib.sha256(f"{seed}\0{name}".encode()).digest())


def _validation_subjects(windows: WindowSet, subjects: list[str], share: float, seed: int) -> list[str]:
    """At least one, in an order that people and seed decide; never the last training subject with windows of a class.

    So the draw is the same for every window and hop, unless at one of them only a single training subject is left
    with windows of some class: then the next in the order is taken instead.
    """
    wanted = min(max(1, round(share * len(subjects))), len(subjects) - 1)
    known = windows.y >= 0
    classes = {subject: set(windows.y[known & (windows.subject == subject)].tolist()) for subject in subjects}
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
