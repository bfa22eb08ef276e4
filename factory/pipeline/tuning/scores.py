"""Macro-F1 of a candidate on a group of training people whom it has not seen; what was trained once is kept.

scores.json holds every score by what decides it, so that a run that was stopped draws the same candidates again and
trains only what is missing.
"""

import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from pydantic import Field

from factory.artifacts.store import content_key
from factory.contracts.base import Contract
from factory.contracts.code import code_hash
from factory.contracts.dataset import Ints, Split, WindowSet
from factory.contracts.errors import DataError
from factory.contracts.progress import Silent
from factory.contracts.recipe import Recipe
from factory.contracts.scores import confusion, macro_f1
from factory.contracts.stored import read_json, write_json
from factory.pipeline.layouts.trial import alone_head, short_schedule
from factory.pipeline.provenance import versions
from factory.pipeline.request import Run
from factory.verification.baseline import tree_answers
from factory.verification.statistics import statistics, triads

SCORES = "scores.json"
_FOLDER = "candidate"
_DRAWS = 200
_CODE = ("factory.pipeline.tuning.scores", "factory.training.alone")


class _Known(Contract):
    """scores.json."""

    scores: dict[str, float] = Field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Scorer:
    """Trains candidates of one set of windows.

    Attributes:
        run: Windows, folder and cancel.
        groups: Held out in turn; all other people of the groups train.
        device: torch's name.
        seconds: Of each training of this run, an epoch.
    """

    run: Run
    groups: tuple[tuple[str, ...], ...]
    device: str
    seconds: list[float] = field(default_factory=list)

    def score(self, recipe: Recipe, fold: int, epochs: int, seed: int) -> float:
        """Macro-F1 on group `fold` of the recipe's student, trained alone by cross-entropy.

        Raises:
            TrainingError: The loss diverged.
            ArtifactError: scores.json is corrupt.
        """
        recipe = short_schedule(recipe, epochs).model_copy(update={"seed": seed})
        key, path = self._key(recipe, fold), self.run.folder / SCORES
        known = read_json(_Known, path, "move it away and tune anew") if path.exists() else _Known()
        if key not in known.scores:
            known.scores[key] = self._train(recipe, fold, epochs)
            write_json(known, path)
            self.run.request.cancel.raise_if_set()
        return known.scores[key]

    def scores(self, recipe: Recipe, epochs: int, seed: int) -> tuple[float, ...]:
        """Of every fold."""
        return tuple(self.score(recipe, fold, epochs, seed) for fold in range(len(self.groups)))

    def trees(self, seed: int) -> tuple[float, ...]:
        """Of every fold, by extremely randomised trees on statistics of the same windows."""
        windows, classes = self.run.windows, len(self.run.windows.spec.labels)
        everybody = np.sort(np.concatenate(_rows(windows, self.groups, 0)))
        x, y = statistics(windows.x[everybody], triads(windows.spec)), windows.y[everybody]
        found = []
        for fold in range(len(self.groups)):
            fit, judged = (np.searchsorted(everybody, rows) for rows in _rows(windows, self.groups, fold))
            found.append(macro_f1(confusion(y[judged], tree_answers(x, y, fit, judged, classes, seed), classes)))
        return tuple(found)

    def seconds_for(self, epochs: int) -> float:
        """What scoring a candidate on all folds takes, after what was trained so far."""
        return float(np.median(self.seconds or [0.0])) * epochs * len(self.groups)

    def _train(self, recipe: Recipe, fold: int, epochs: int) -> float:
        from factory.training import macro_f1_of
        from factory.training.alone import train_alone

        began = time.perf_counter()
        windows, folder = self.run.windows, self.run.folder / _FOLDER
        fit, judged = _rows(windows, self.groups, fold)
        split = Split(train=fit, validation=judged, test=np.array([], dtype=np.int64))
        cancel = self.run.request.cancel
        network = train_alone(recipe, windows, split, alone_head(recipe), folder, self.device, Silent(), cancel)
        shutil.rmtree(folder)
        score = macro_f1_of(network, windows, judged, self.device)
        self.seconds.append((time.perf_counter() - began) / epochs)
        return score

    def _key(self, recipe: Recipe, fold: int) -> str:
        return content_key(
            {
                "recipe": recipe.model_dump(mode="json", include={"seed", "model", "train"}),
                "windows": self.run.windows.digest,
                "groups": [list(group) for group in self.groups],
                "fold": fold,
                "device": self.device,
                "tools": versions("torch"),
                "code": code_hash(Scorer._train, *_CODE),
            }
        )


def deal(windows: WindowSet, people: Sequence[str], folds: int, seed: int) -> tuple[tuple[str, ...], ...]:
    """People in groups, so that whoever is not in a group has windows of every class.

    Args:
        windows: Their windows.
        people: Who trains or selects; nobody else is in a group.
        folds: Groups, fewer where there are fewer people.
        seed: Of the draw.

    Raises:
        DataError: Fewer than two people, or a class that one person alone has windows of.
    """
    if len(people) < 2:
        raise DataError(f"{len(people)} person trains, tuning holds out people in turn: record at least two")
    count, random = min(folds, len(people)), np.random.default_rng(seed)
    for _ in range(_DRAWS):
        order = random.permutation(np.array(sorted(people))).tolist()
        groups = tuple(tuple(sorted(order[fold::count])) for fold in range(count))
        if all(not missing for missing in _missing(windows, groups)):
            return groups
    short = {windows.spec.labels[label] for missing in _missing(windows, groups) for label in missing}
    raise DataError(
        f"too few people have windows of {', '.join(sorted(short))} to hold some of them out: record it with more of "
        "them, or leave it out with data.labels"
    )


def _missing(windows: WindowSet, groups: tuple[tuple[str, ...], ...]) -> Iterator[set[int]]:
    """By group, classes that nobody else has."""
    classes = range(len(windows.spec.labels))
    for fold in range(len(groups)):
        yield set(classes) - set(np.unique(windows.y[_rows(windows, groups, fold)[0]]).tolist())


def _rows(windows: WindowSet, groups: tuple[tuple[str, ...], ...], fold: int) -> tuple[Ints, Ints]:
    """Labelled windows of the other groups, and of this one."""
    known, held = windows.y >= 0, np.isin(windows.subject, groups[fold])
    others = np.isin(windows.subject, [name for group in groups for name in group]) & ~held
    return np.flatnonzero(known & others), np.flatnonzero(known & held)
