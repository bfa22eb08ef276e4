"""Does the teacher know more than the student would find out alone? Asked before the student is distilled [ours].

A teacher that is behind costs accuracy (docs/method.md#lead). Teacher and control, the student by cross-entropy alone,
train on training subjects for equal epochs, a share of the student's (`distill.lead`), and answer for validation
subjects, whom neither has seen. Unequal ones would say who was trained for longer.
"""

import shutil
import time
from pathlib import Path

from factory.contracts.dataset import Floats, Ints, Split, WindowSet
from factory.contracts.network import Lead
from factory.contracts.progress import Cancel, Progress
from factory.contracts.recipe import Recipe
from factory.contracts.scores import confusion, macro_f1
from factory.models import load_ensemble, load_network
from factory.training.neighbours import averaged, best_count
from factory.training.predict import macro_f1_of, predict
from factory.training.student import train_student
from factory.training.teacher import train_teacher


def measure_lead(
    recipe: Recipe,
    windows: WindowSet,
    split: Split,
    folder: Path,
    device: str,
    progress: Progress,
    cancel: Cancel | None = None,
) -> Lead:
    """Train both for a while and compare them.

    Args:
        recipe: As of the student; distill.lead above 0.
        windows: All windows.
        split: Its test part is never looked at, its validation part never trained on.
        folder: Receives teacher/ and control/; a training that was interrupted goes on.
        device: torch's name.
        progress: Told after every epoch.
        cancel: Looked at after every epoch.

    Raises:
        TrainingError: The loss diverged.
    """
    began = time.perf_counter()
    short = _short(recipe)
    teacher, control = folder / "teacher", folder / "control"
    train_teacher(short, windows, split, teacher, device, progress, cancel=cancel)
    train_student(short, windows, split, teacher, control, device, progress, cancel=cancel)
    rows = split.validation
    logits = predict(load_ensemble(teacher), windows.for_teacher().x[rows], device)
    neighbours = _neighbours(recipe, logits, windows, rows)
    taught = averaged(logits, windows, rows, neighbours).argmax(axis=1)
    teacher_f1 = macro_f1(confusion(windows.y[rows], taught, len(windows.spec.labels)))
    control_f1 = macro_f1_of(load_network(control), windows, rows, device)
    for finished in (teacher, control):
        shutil.rmtree(finished)
    return Lead(
        teacher=teacher_f1,
        control=control_f1,
        people=len(set(windows.subject[rows].tolist())),
        windows=len(rows),
        epochs=short.train.student_epochs,
        seconds=round(time.perf_counter() - began, 1),
        neighbours=neighbours,
    )


def _neighbours(recipe: Recipe, logits: Floats, windows: WindowSet, rows: Ints) -> int:
    """Where answers are given ahead: the recipe's number, or what serves these people best."""
    if not recipe.answered_once:
        return 0
    wanted = recipe.distill.neighbours
    return best_count(logits, windows, rows) if wanted is None else wanted


def _short(recipe: Recipe) -> Recipe:
    """Cross-entropy for both, the first of the heads, no validation subject in training."""
    train = recipe.train
    epochs = max(1, round(recipe.distill.lead * train.student_epochs))
    both = {"teacher_epochs": epochs, "student_epochs": epochs}
    return recipe.model_copy(
        update={
            "train": train.model_copy(update={**both, "int8_epochs": 0, "refit": False}),
            "model": recipe.model.model_copy(update={"heads": recipe.model.heads[:1]}),
        }
    ).by_cross_entropy()
