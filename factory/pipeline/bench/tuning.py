"""The tuning budget: as many draws for each method, judged on validation people, before a cell is trained.

A draw trains the student as the cell will, on training people alone (`train.refit` off), by a short schedule if the
specification says so. Draws of one data set, fold and method are made once, with the first seed, and shared by the
other seeds. The first draw changes nothing, so that tuning can only be kept where it gained.
"""

import hashlib
import math
import random
import shutil
import time
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

from filelock import FileLock
from pydantic import Field, ValidationError

from factory.contracts.base import Contract
from factory.contracts.bench import Tunable
from factory.contracts.recipe import Recipe
from factory.contracts.stored import write_json
from factory.pipeline.layouts.trial import short_schedule


class Draw(Contract):
    """One draw and what it gave."""

    values: dict[str, Any] = Field(description="by dotted recipe key; empty is the recipe as it is")
    macro_f1: float = Field(description="of validation people")


class Tuned(Contract):
    """Every draw of one method, data set and fold."""

    draws: tuple[Draw, ...] = Field(min_length=1)
    cpu_s: float = Field(ge=0)

    @property
    def chosen(self) -> dict[str, Any]:
        """The values that were best; the earlier ones where two were equally good."""
        return max(self.draws, key=lambda draw: draw.macro_f1).values


def draws_of(draws: int, tunable: Tunable, salt: str) -> list[dict[str, Any]]:
    """Nothing first, then different combinations of values, drawn without regard to any score.

    Args:
        draws: How many.
        tunable: Values by recipe key.
        salt: Seeds the draw: names method, data set and fold.
    """
    possible = math.prod(len(options) for options in tunable.values())
    wanted = min(draws - 1, possible)
    digest = hashlib.sha256(salt.encode()).digest()
    numbers = random.Random(int.from_bytes(digest[:8], "little")).sample(range(possible), wanted)  # noqa: S311
    combinations = [dict(zip(tunable, chosen, strict=True)) for chosen in product(*tunable.values())]
    return [{}, *(combinations[number] for number in sorted(numbers))]


def short_recipe(recipe: Recipe, epochs: int | None) -> Recipe:
    """As draws are trained: validation people judge only."""
    return short_schedule(recipe, epochs or recipe.train.student_epochs)


def tuned(path: Path, draws: list[dict[str, Any]], score: Callable[[dict[str, Any], Path], float]) -> Tuned:
    """The draws with their scores, from `path` or made now.

    Args:
        path: Their file.
        draws: In order.
        score: Validation macro-F1 of one draw; trains in the folder that it is given.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_suffix(".lock")):
        if (known := _read(path)) is not None:
            return known
        began = time.process_time()
        found = Tuned(draws=tuple(_scored(draws, score, path.with_suffix(""))), cpu_s=time.process_time() - began)
        write_json(found, path)
        return found


def _scored(
    draws: list[dict[str, Any]], score: Callable[[dict[str, Any], Path], float], folder: Path
) -> Iterator[Draw]:
    for values in draws:
        shutil.rmtree(folder, ignore_errors=True)
        yield Draw(values=values, macro_f1=score(values, folder))
    shutil.rmtree(folder, ignore_errors=True)


def _read(path: Path) -> Tuned | None:
    try:
        return Tuned.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None
