"""A short training of a tiny student, and listeners that stop it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from factory.contracts.dataset import WindowSet
from factory.contracts.progress import Progress, Silent
from factory.contracts.recipe import Recipe
from factory.models import Network, build_network
from factory.training.checkpoint import History
from factory.training.data import TrainingData, network_spec, training_data
from factory.training.loop import Fit, fit
from factory.training.seed import seed_epoch
from factory.training.teacher import cross_entropy
from tests.fakes import tiny_recipe, tiny_split, tiny_windows


class StopAfter:
    """Raises KeyboardInterrupt once so many epochs are over, as Ctrl-C would."""

    def __init__(self, epochs: int) -> None:
        self._left = epochs

    @contextmanager
    def track(self, task: str, total: int | None, unit: str) -> Iterator["StopAfter"]:
        yield self

    def advance(self, amount: int = 1, note: str = "") -> None:
        self._left -= amount
        if self._left <= 0:
            raise KeyboardInterrupt

    def say(self, line: str) -> None:
        """Nobody reads."""


def tiny_data(recipe: Recipe | None = None) -> tuple[TrainingData, WindowSet, Recipe]:
    """Training windows of the tiny split."""
    recipe = recipe or tiny_recipe(epochs=4)
    windows = tiny_windows()
    return training_data(recipe, windows, tiny_split(windows).train), windows, recipe


def plan_for(folder: Path, data: TrainingData, recipe: Recipe, key: str = "key", phase: str = "student") -> Fit:
    """Four epochs, or what the recipe says, on the CPU."""
    return Fit(
        phase=phase,
        key=key,
        epochs=recipe.train.student_epochs,
        seed=recipe.seed,
        device="cpu",
        folder=folder,
        recipe=recipe.train,
        augment=data.augment,
    )


def train_tiny(
    folder: Path, progress: Progress | None = None, key: str = "key", seed: int = 0
) -> tuple[Network, History]:
    """Four epochs of cross-entropy on a tiny student."""
    data, windows, recipe = tiny_data(tiny_recipe(epochs=4, seed=seed))
    seed_epoch(recipe.seed, "student", -1)
    network = build_network(network_spec(recipe, recipe.model.student, "hopfield", windows, data.normalisation))
    history = fit(
        plan_for(folder, data, recipe, key),
        network,
        cross_entropy(network, recipe.train),
        data.x,
        data.y,
        progress or Silent(),
    )
    return network, history


def rows(folder: Path) -> list[dict[str, Any]]:
    """epochs.jsonl without the times, which differ from run to run."""
    parsed = [json.loads(line) for line in (folder / "epochs.jsonl").read_text().splitlines()]
    return [{name: value for name, value in row.items() if name != "seconds"} for row in parsed]


def same_weights(first: torch.nn.Module, second: torch.nn.Module) -> bool:
    """Bit for bit, buffers included."""
    ours, theirs = first.state_dict(), second.state_dict()
    return ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)


def poisoned(windows: WindowSet, indices: np.ndarray[Any, np.dtype[np.int64]]) -> WindowSet:
    """The same windows with NaN at `indices`: whoever looks there cannot stay finite."""
    x = windows.x.copy()
    x[indices] = np.nan
    return replace(windows, x=x)
