"""A student trained by cross-entropy alone, on training people only: what a comparison of layouts needs."""

from pathlib import Path

from factory.contracts.dataset import Split, WindowSet
from factory.contracts.progress import Cancel, Progress
from factory.contracts.recipe import HeadKind, Recipe
from factory.models import Network, build_network
from factory.training.data import network_spec, training_data
from factory.training.loop import Fit, content_key, fit
from factory.training.seed import seed_epoch
from factory.training.teacher import cross_entropy, training_key


def train_alone(
    recipe: Recipe,
    windows: WindowSet,
    split: Split,
    head: HeadKind,
    folder: Path,
    device: str,
    progress: Progress,
    cancel: Cancel | None = None,
) -> Network:
    """Train the recipe's student without a teacher, in float; goes on where an interrupted run of `folder` stopped.

    Args:
        recipe: model.student, train (student_epochs among it) and the seed are used.
        windows: All windows.
        split: Its training part is fitted; validation and test are never looked at.
        head: Of the student.
        folder: Receives epochs.jsonl and the state between two epochs.
        device: torch's name.
        progress: Told after every epoch.
        cancel: Looked at after every epoch; what was finished is kept.

    Raises:
        TrainingError: The loss diverged.
        DataError: A class is missing from training.
    """
    data = training_data(recipe, windows, split.train)
    seed_epoch(recipe.seed, "student", -1)
    student = build_network(network_spec(recipe, recipe.model.student, head, windows, data.normalisation)).to(device)
    plan = Fit(
        phase="student",
        key=content_key("alone", head, training_key(recipe, windows, split)),
        epochs=recipe.train.student_epochs,
        seed=recipe.seed,
        device=device,
        folder=folder,
        recipe=recipe.train,
        augment=data.augment,
        cancel=cancel or Cancel(),
    )
    fit(plan, student, cross_entropy(student, recipe.train), data.x, data.y, progress)
    return student.cpu().eval()
