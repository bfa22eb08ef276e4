"""One network trained by cross-entropy as `factory` trains a student without a teacher."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from factory.contracts.dataset import Split, WindowSet
from factory.contracts.files import atomic_write
from factory.contracts.progress import Silent
from factory.contracts.recipe import Recipe
from factory.contracts.window import Normalisation
from factory.training.checkpoint import drop_checkpoint
from factory.training.data import training_data
from factory.training.loop import Fit, content_key, fit
from factory.training.seed import seed_epoch
from factory.training.teacher import cross_entropy, training_indices
from tests.benchmarks.peers.networks import STUDENT, build

_WEIGHTS = "weights.safetensors"
_PHASE = "student"
"""Of the seed: every network sees the same batches in the same order, changed in the same way."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """One network on one recipe and seed."""

    network: str
    recipe: Recipe
    windows: WindowSet
    split: Split
    folder: Path


def train(cell: Cell, device: str) -> nn.Module:
    """The trained network in evaluation mode on the CPU; goes on after the last finished epoch of an interrupted run.

    Args:
        cell: Its folder keeps weights and checkpoint.
        device: torch's name.
    """
    recipe = cell.recipe
    data = training_data(recipe, cell.windows, training_indices(recipe, cell.split))
    seed_epoch(recipe.seed, _PHASE, -1)
    network = build(cell.network, recipe, cell.windows, data.normalisation).to(memory_format=torch.channels_last)
    key = _key(cell, data.normalisation)
    path = cell.folder / f"{key[:16]}.{_WEIGHTS}"
    if not path.exists():
        plan = Fit(
            phase=_PHASE,
            key=key,
            epochs=recipe.train.student_epochs,
            seed=recipe.seed,
            device=device,
            folder=cell.folder,
            recipe=recipe.train,
            augment=data.augment,
        )
        network.to(device)
        fit(plan, network, cross_entropy(network, recipe.train.label_smoothing), data.x, data.y, Silent())
        state = {name: value.cpu().contiguous() for name, value in network.state_dict().items()}
        with atomic_write(path) as temporary:
            save_file(state, temporary)
        drop_checkpoint(cell.folder)
    network.load_state_dict(load_file(path))
    return network.cpu().eval()


def _key(cell: Cell, normalisation: Normalisation) -> str:
    """What the weights depend on; a change of our student's layout leaves the peers' as they are."""
    recipe = cell.recipe
    indices = np.ascontiguousarray(training_indices(recipe, cell.split))
    parts = [cell.network, str(recipe.seed), recipe.train.model_dump_json(), normalisation.model_dump_json()]
    parts += [cell.windows.content_hash, cell.windows.spec.model_dump_json(), indices.tobytes().hex()]
    if cell.network == STUDENT:
        parts += [recipe.model.student.model_dump_json(), recipe.model.heads[0]]
    return content_key(*parts)
