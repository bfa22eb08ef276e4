"""One build in memory: what, from where, with what; and the windows that every stage shares."""

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from factory.cli.recipes import find_recipe
from factory.contracts.dataset import Split, WindowSet
from factory.contracts.manifest import DataSummary
from factory.contracts.progress import Progress
from factory.contracts.recipe import Recipe


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """What the command line asked for.

    Attributes:
        recipe: Resolved; relative paths in it start from `build`.
        data: Folder of the official data sets.
        cache: Folder of prepared windows.
        build: The build folder.
        device: auto, cpu, cuda or mps.
        targets: What to export for.
        tensorboard: Write event files while training.
        progress: Told of each step.
        board: Where engines of target jetson are built and measured, ssh://[user@]host[:port]; None for nowhere.
    """

    recipe: Recipe
    data: Path | None
    cache: Path
    build: Path
    device: str
    targets: tuple[str, ...]
    tensorboard: bool
    progress: Progress
    board: str | None = None


class Prepared:
    """Windows and split of a job, prepared when the first stage asks."""

    def __init__(self, job: Job) -> None:
        self._job = job

    @cached_property
    def windows(self) -> WindowSet:
        """All windows, memory-mapped from the cache."""
        from factory.data import prepare

        job = self._job
        job.progress.say(f"recordings of {job.recipe.data.source} ...")
        return prepare(job.recipe.data, job.data, job.cache, job.progress, base=job.build)

    @cached_property
    def split(self) -> Split:
        """Subjects apart."""
        from factory.data import make_split

        return make_split(self.windows, self._job.recipe.split, self._job.recipe.seed)

    def summary(self) -> DataSummary:
        """Who trained, who selected, who tested."""
        from factory.data.splits import subjects_of

        parts = {part: getattr(self.split, part) for part in ("train", "validation", "test")}
        order = {subject: place for place, subject in enumerate(subjects_of(self.windows))}
        names = {
            part: tuple(sorted(set(self.windows.subject[index].tolist()), key=order.__getitem__))
            for part, index in parts.items()
        }
        return DataSummary(
            content_hash=self.windows.content_hash,
            train_subjects=names["train"],
            validation_subjects=names["validation"],
            test_subjects=names["test"],
            windows={part: len(index) for part, index in parts.items()},
        )


def resolve(name: str, build: Path | None, seed: int | None) -> tuple[Recipe, Path]:
    """The recipe with the command line's seed and paths relative to its build folder, and that folder.

    Args:
        name: Of a shipped recipe, or a path.
        build: `--out`; None for build/<recipe name>.
        seed: Replaces the recipe's.

    Raises:
        RecipeError: No such recipe, or its content is wrong.
    """
    recipe, base = find_recipe(name)
    folder = build if build is not None else Path("build") / recipe.name
    changes: dict[str, object] = {} if seed is None else {"seed": seed}
    if recipe.data.description is not None:
        moved = os.path.relpath(base / recipe.data.description, folder)
        changes["data"] = recipe.data.model_copy(update={"description": Path(moved).as_posix()})
    return recipe.model_copy(update=changes), folder
