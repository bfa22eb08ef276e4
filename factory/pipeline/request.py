"""What a build is asked for, and the windows that every stage of one build shares."""

import os
from copy import copy
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Self

from pydantic import ValidationError

from factory.artifacts.store import StageStore
from factory.contracts.dataset import Split, WindowSet
from factory.contracts.errors import StorageError
from factory.contracts.manifest import SplitRecord
from factory.contracts.progress import Cancel, Progress, Silent
from factory.contracts.recipe import Recipe
from factory.devices.host import require_device

DEFAULT_TARGETS = ("tflite",)
SPLIT_FILE = "split.json"
RECIPE_FILE = "recipe.toml"


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildRequest:
    """What to build, from where, for what.

    Attributes:
        recipe: Resolved; relative paths in it start from `build`.
        build: The build folder.
        data: Folder of the official data sets.
        cache: Folder of prepared windows.
        device: Processor that trains: auto, cpu, cuda or mps.
        devices: How many of it train each network together, by a process each.
        targets: What to export for.
        board: Where engines of target jetson are built and measured, ssh://[user@]host[:port]; None for nowhere.
        verify_on: Device that answers the files, too: 'auto' is the emulated arm64 one where it is set up, 'none' is
            none, or a name of factory.devices.catalogue.
        minutes: For all trainings together, about: epochs are cut to that. None trains the recipe's.
        tensorboard: Write event files while training.
        force: Replace a build of another recipe.
        progress: Told of each step.
        cancel: Looked at between stages, after every epoch and while a worker exports.
    """

    recipe: Recipe
    build: Path
    data: Path | None = None
    cache: Path
    device: str = "auto"
    devices: int = 1
    targets: tuple[str, ...] = DEFAULT_TARGETS
    board: str | None = None
    verify_on: str = "none"
    minutes: float | None = None
    tensorboard: bool = False
    force: bool = False
    progress: Progress = field(default_factory=Silent)
    cancel: Cancel = field(default_factory=Cancel)


def request_for(recipe: Recipe, out: Path | None, cache: Path | None, device: str = "auto") -> BuildRequest:
    """A request with every default filled in; the recipe's description becomes relative to the build folder.

    Args:
        recipe: From `factory.recipes.find_recipe`.
        out: The build folder; None for build/<recipe name>.
        cache: Folder of prepared windows; None for the user's.
        device: Processor that trains.

    Raises:
        RecipeError: No such device.
    """
    require_device(device)
    folder = out if out is not None else Path("build") / recipe.name
    if recipe.data.description is not None:
        moved = Path(os.path.relpath(recipe.data.description, folder)).as_posix()
        recipe = recipe.model_copy(update={"data": recipe.data.model_copy(update={"description": moved})})
    return BuildRequest(recipe=recipe, build=folder, cache=cache_folder(cache), device=device)


def require_no_build(folder: Path, own: str, what: str) -> None:
    """Refuse to put a recipe.toml over a build's.

    Args:
        folder: Where it would be written.
        own: A file that only a folder of this kind has.
        what: 'search' or 'tuning'.

    Raises:
        StorageError: The folder holds a build.
    """
    if (folder / RECIPE_FILE).exists() and not (folder / own).exists():
        raise StorageError(f"{folder} holds a build: choose another folder for the {what} with --out")


def derived_name(recipe: Recipe, suffix: str) -> str:
    """A recipe's name with a suffix, once, within the length that names have."""
    return recipe.name.removesuffix(suffix)[: 64 - len(suffix)] + suffix


def cache_folder(chosen: Path | None) -> Path:
    """Where prepared windows are kept: `chosen`, $FACTORY_CACHE, or the user's cache folder."""
    if chosen is not None:
        return chosen
    if named := os.environ.get("FACTORY_CACHE"):
        return Path(named)
    import platformdirs

    return Path(platformdirs.user_cache_dir("smldist-factory"))


class Run:
    """One build under way: the request, the store of finished stages, and the windows once a stage asks for them."""

    def __init__(self, request: BuildRequest, store: StageStore) -> None:
        self.request = request
        self.store = store

    def with_recipe(self, recipe: Recipe) -> Self:
        """The same run, windows and people of a recipe that differs in its networks or their training alone."""
        changed = copy(self)
        changed.request = replace(self.request, recipe=recipe)
        return changed

    @property
    def recipe(self) -> Recipe:
        """Of the request."""
        return self.request.recipe

    @property
    def folder(self) -> Path:
        """The build folder."""
        return self.request.build

    @property
    def progress(self) -> Progress:
        """Told of each step."""
        return self.request.progress

    @cached_property
    def windows(self) -> WindowSet:
        """All windows, memory-mapped from the cache."""
        from factory.data import prepare

        request = self.request
        request.progress.say(f"recordings of {request.recipe.data.source} ...")
        return prepare(request.recipe.data, request.data, request.cache, request.progress, base=request.build)

    @cached_property
    def split(self) -> Split:
        """People apart: as an earlier build of this folder had them, if they are the same people."""
        from factory.data.splits import make_split, split_by_people

        kept = self._recorded_split()
        if kept is not None:
            return split_by_people(self.windows, kept.train, kept.validation, kept.test, kept.unlabelled)
        return make_split(self.windows, self.recipe.split, self.recipe.seed)

    def _recorded_split(self) -> SplitRecord | None:
        """split.json, if it is of this recipe's split and seed and names exactly the people at hand."""
        try:
            found = SplitRecord.model_validate_json((self.folder / SPLIT_FILE).read_bytes())
        except (OSError, ValidationError):
            return None
        same = (found.split, found.seed) == (self.recipe.split, self.recipe.seed)
        return found if same and found.people == set(self.windows.subject.tolist()) else None
