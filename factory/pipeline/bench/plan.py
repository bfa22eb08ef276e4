"""From a specification to its cells, each with the recipe that it trains."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from factory.contracts.bench import ALONE, TREES, WHAR_GROUPS, BenchSpec, DataSpec, MethodSpec, changed, few_label
from factory.contracts.dataset import WindowSet
from factory.contracts.errors import RecipeError
from factory.contracts.progress import Progress
from factory.contracts.recipe import Recipe, SplitRecipe, validate
from factory.data import prepare
from factory.data.splits import groups_of
from factory.recipes import find_recipe

_BENCH = {"model": {"heads": ["linear"]}, "train": {"int8_epochs": 0}}
"""One head, since a search would choose it with the teacher; no rounding, which costs time and ranks no method."""
_SECONDS, _OVERLAP = 3.0, 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class Arm:
    """One data set as a table names it: with kind 'few', one number of labelled people."""

    data: DataSpec
    people: int | None = None

    @property
    def label(self) -> str:
        """In tables and file names."""
        return self.data.label if self.people is None else few_label(self.data.label, self.people)


def arms_of(spec: BenchSpec) -> tuple[Arm, ...]:
    """Every data set of a table, in order."""
    return tuple(Arm(data=data, people=people) for data, people in product(spec.data, spec.protocol.people or (None,)))


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """What is trained, claimed and resumed as one."""

    arm: Arm
    method: MethodSpec
    fold: int
    seed: int

    @property
    def path(self) -> str:
        """Of its file, relative to the folder of cells."""
        return f"{self.arm.label}/{self.method.label}/fold{self.fold:02d}-seed{self.seed}.json"

    def __str__(self) -> str:
        return f"{self.arm.label}, {self.method.label}, fold {self.fold}, seed {self.seed}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Places:
    """Where a bench reads and writes.

    Attributes:
        out: The bench's folder.
        data: Of the official data sets.
        cache: Of prepared windows.
    """

    out: Path
    data: Path | None
    cache: Path

    @property
    def cells(self) -> Path:
        """Finished cells."""
        return self.out / "cells"

    @property
    def splits(self) -> Path:
        """Splits that cells share."""
        return self.out / "splits"


class Plan:
    """A specification whose recipes were resolved; windows are prepared when folds are asked for.

    Raises:
        RecipeError: A recipe, or one with a value to tune, is not allowed.
    """

    def __init__(self, spec: BenchSpec, places: Places, progress: Progress) -> None:
        self.spec = spec
        self.places = places
        self._progress = progress
        self._windows: dict[str, WindowSet] = {}
        self._people: dict[tuple[str, str], list[tuple[str, ...]]] = {}
        self.arms = arms_of(spec)
        self._recipes = {
            (arm.label, method.label): self._resolve(arm, method)
            for arm, method in product(self.arms, self.spec.methods)
        }
        self._try_tuned_values()

    def recipe(self, arm: Arm, method: MethodSpec, tuned: dict[str, Any] | None = None) -> Recipe:
        """The recipe of a data set and method; its split names no test people yet.

        Raises:
            RecipeError: A tuned value is not allowed.
        """
        return self._resolve(arm, method, tuned) if tuned else self._recipes[arm.label, method.label]

    def windows(self, recipe: Recipe) -> WindowSet:
        """Windows of a recipe's data, from the cache or cut now."""
        known = recipe.data.model_dump_json()
        if known not in self._windows:
            place = self.places
            self._windows[known] = prepare(recipe.data, place.data, place.cache, self._progress)
        return self._windows[known]

    def test_people(self, arm: Arm, recipe: Recipe) -> list[tuple[str, ...]]:
        """Who tests, by fold; the same for every method and seed.

        Raises:
            RecipeError: More groups than people, or the data set has no test people of its own.
        """
        known = (arm.label, recipe.data.model_dump_json())
        if known not in self._people:
            self._people[known] = self._groups(recipe)
        return self._people[known]

    def _groups(self, recipe: Recipe) -> list[tuple[str, ...]]:
        windows, protocol = self.windows(recipe), self.spec.protocol
        if protocol.kind == "official":
            return [self._official(windows, recipe)]
        count = len(set(windows.subject[windows.y >= 0].tolist()))
        groups = {"loso": count, "whar": min(WHAR_GROUPS, count)}.get(protocol.kind, protocol.groups)
        return [tuple(group) for group in groups_of(windows, groups)]

    def cells(self) -> list[Cell]:
        """Every cell, those that share a teacher beside each other.

        Raises:
            RecipeError: A fold that a data set does not have.
        """
        return list(self._cells())

    def with_split(self, cell: Cell, recipe: Recipe) -> Recipe:
        """The recipe with seed and test people of a cell."""
        test = self.test_people(cell.arm, recipe)[cell.fold]
        values = recipe.split.model_dump() | {"kind": "subjects", "test_subjects": test}
        split = SplitRecipe.model_validate({k: v for k, v in values.items() if k not in ("groups", "fold")})
        return recipe.model_copy(update={"seed": cell.seed, "split": split})

    def _cells(self) -> Iterator[Cell]:
        spec = self.spec
        for arm in self.arms:
            folds = self._folds(arm)
            for fold, seed, method in product(folds, spec.seeds, spec.methods):
                yield Cell(arm=arm, method=method, fold=fold, seed=seed)

    def _folds(self, arm: Arm) -> tuple[int, ...]:
        count = len(self.test_people(arm, self.recipe(arm, self.spec.methods[0])))
        wanted = self.spec.protocol.folds
        if wanted is None:
            return tuple(range(count))
        if missing := [fold for fold in wanted if fold >= count]:
            raise RecipeError(f"{arm.label} has {count} folds, protocol.folds names {missing[0]}: folds count from 0")
        return wanted

    def _official(self, windows: WindowSet, recipe: Recipe) -> tuple[str, ...]:
        kind = recipe.split.kind
        if kind == "subjects":
            return recipe.split.test_subjects
        if kind == "official" and windows.official_test:
            return windows.official_test
        raise RecipeError(
            f"{recipe.name} has no test people of its own (split.kind = '{kind}'): choose protocol kind 'groups'"
        )

    def _resolve(self, arm: Arm, method: MethodSpec, tuned: dict[str, Any] | None = None) -> Recipe:
        base = find_recipe(arm.data.recipe)
        values = base.model_dump(mode="json", exclude_none=True)
        own = changed(values, _BENCH, self._protocol_changes(arm, base), self.spec.common, arm.data.changes)
        name = ALONE if method.name == TREES else method.name
        final = changed(own, {"distill": {"method": name}}, method.changes, tuned or {})
        return validate(Recipe, final, f"data '{arm.label}', method '{method.label}'")

    def _try_tuned_values(self) -> None:
        """Each value to choose among, alone: a misspelt one is refused before anything is trained."""
        for arm, method in product(self.arms, self.spec.methods):
            for key, options in self.spec.tunable(method).items():
                for value in options:
                    self._resolve(arm, method, {key: value})

    def _protocol_changes(self, arm: Arm, base: Recipe) -> dict[str, Any]:
        if arm.people is not None:
            return {"split": {"labelled_people": arm.people}}
        if self.spec.protocol.kind == "whar" and base.data.source != "uci_har":
            return {"data": _whar_windows(base)}
        return {}


def _whar_windows(base: Recipe) -> dict[str, Any]:
    """Three seconds at the source's own rate, half overlapping."""
    from factory.data.sources import open_source

    rate = open_source(base.data.source, base.data.description).nominal_rate_hz
    window = round(_SECONDS * rate)
    return {"rate_hz": rate, "window": window, "hop": round(window * (1 - _OVERLAP))}
