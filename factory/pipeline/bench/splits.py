"""Splits that cells share: made and checked for leakage once, which takes minutes on large data sets.

<out>/splits/<key>.npz holds the indices. Whoever reads them looks again that no person stands in two parts.
"""

import zipfile
from pathlib import Path

import numpy as np
from filelock import FileLock

from factory.artifacts.store import content_key
from factory.contracts.dataset import Split, WindowSet
from factory.contracts.errors import LeakageError
from factory.contracts.files import atomic_write
from factory.contracts.recipe import Recipe
from factory.data import make_split

_PARTS = ("train", "validation", "test", "unlabelled")


def shared_split(folder: Path, windows: WindowSet, recipe: Recipe) -> Split:
    """The split of a recipe, read if a cell of the same windows, people and seed made it before.

    Raises:
        RecipeError: The split does not exist for this data set.
        DataError: Too few people, or a class without training windows.
        LeakageError: A person, or the same recording, stands on both sides.
    """
    key = content_key({"windows": windows.digest, "split": recipe.split.model_dump(mode="json"), "seed": recipe.seed})
    path = folder / f"{key}.npz"
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_suffix(".lock")):
        split = _read(path)
        if split is None:
            split = make_split(windows, recipe.split, recipe.seed)
            with atomic_write(path) as temporary, temporary.open("wb") as handle:
                np.savez(handle, **{name: getattr(split, name) for name in _PARTS})
    require_apart(windows, split)
    return split


def require_apart(windows: WindowSet, split: Split) -> None:
    """Refuse a split in which a test or validation person stands in another part.

    Raises:
        LeakageError: Names the person.
    """
    people = {name: set(windows.subject[getattr(split, name)].tolist()) for name in _PARTS}
    others = {"test": ("train", "validation", "unlabelled"), "validation": ("train", "test", "unlabelled")}
    for part, rest in others.items():
        for other in rest:
            if shared := people[part] & people[other]:
                raise LeakageError(f"leakage: {', '.join(sorted(shared))} stands in {part} and in {other}")


def _read(path: Path) -> Split | None:
    try:
        with np.load(path, allow_pickle=False) as stored:
            return Split(**{name: stored[name] for name in _PARTS})
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        return None
