"""P4: the student trained on with its int8 arithmetic in the loop [code's phase; form ours]."""

import shutil
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from factory.contracts.progress import Progress
from factory.contracts.recipe import Recipe
from factory.distill.logits import distribution_loss, mix
from factory.models import Network, fold
from factory.models.heads import FoldableHead
from factory.models.int8 import imitate_int8, release_weights
from factory.models.network import unfold
from factory.training.data import TrainingData
from factory.training.loop import Fit, fit, write_history

_FOLDER = "int8"
_LR_SHARE = 2 / 3
_TEMPERATURE = 2.0


def train_for_int8(student: Network, plan: Fit, data: TrainingData, recipe: Recipe, progress: Progress) -> None:
    """Teach the student, computing as its int8 export, the answers that it gives in float.

    Half of each batch is mixed windows: between classes, where rounding changes answers. No labels are used, so it
    serves a student of any method alike.

    Args:
        student: Trained; changed in place, on the CPU afterwards.
        plan: That of the student's training.
        data: What it was trained on.
        recipe: train.int8_epochs and the optimiser.
        progress: Told after every epoch.

    Raises:
        TrainingError: The loss diverged.
    """
    original = fold(student.cpu()).to(plan.device)
    folded = fold(student).to(plan.device)
    if isinstance(student.head, FoldableHead):
        folded.head.requires_grad_(False)
    rounded = imitate_int8(folded).to(plan.device)

    def loss(x: Tensor, y: Tensor, done: float) -> tuple[Tensor, dict[str, Tensor]]:
        x = mix(x, len(x) - len(x) // 2)
        with torch.no_grad():
            wanted = original(x)
        return distribution_loss(rounded(x), wanted, _TEMPERATURE).mean(), {}

    own = replace(
        plan,
        phase="int8",
        epochs=recipe.train.int8_epochs,
        folder=plan.folder / _FOLDER,
        recipe=recipe.train.model_copy(update={"lr": recipe.train.lr * _LR_SHARE}),
    )
    history = fit(own, rounded, loss, data.x, data.y, progress)
    write_history(plan.folder, own.phase, history)
    release_weights(folded)
    unfold(folded.cpu(), student)


def drop_state(folder: Path) -> None:
    """Remove what only a resumed training needs."""
    shutil.rmtree(folder / _FOLDER, ignore_errors=True)
