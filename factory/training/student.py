"""P1 to P4: the student under its teacher, or alone (the control)."""

import time
from pathlib import Path

import torch
from torch import nn

from factory.contracts.dataset import Split, WindowSet
from factory.contracts.network import TrainingSummary
from factory.contracts.progress import Cancel, Progress
from factory.contracts.recipe import Recipe
from factory.distill.smldist import SMLDist
from factory.models import Ensemble, Network, build_network, save_network
from factory.models.heads import MemoryHead
from factory.training.data import network_spec, training_data
from factory.training.int8 import drop_state, train_for_int8
from factory.training.loop import Fit, LossFunction, content_key, finish, fit
from factory.training.seed import seed_epoch
from factory.training.teacher import cross_entropy, load_teacher, training_indices, training_key


def train_student(
    recipe: Recipe,
    windows: WindowSet,
    split: Split,
    teacher: Path,
    folder: Path,
    device: str,
    progress: Progress,
    tensorboard: bool = False,
    cancel: Cancel | None = None,
) -> TrainingSummary:
    """Distil a student from the teacher in `teacher`; by cross-entropy alone if the recipe says so.

    Args:
        recipe: model.student, train, distill and the seed are used.
        windows: All windows.
        split: Its test part is never looked at.
        teacher: A folder that `train_teacher` filled; its head kind is the student's.
        folder: Receives network.json, network.safetensors, epochs.jsonl, summary.json.
        device: torch's name.
        progress: Told after every epoch.
        tensorboard: Write event files too.
        cancel: Looked at after every epoch; what was finished is kept.

    Returns:
        What was written to summary.json.

    Raises:
        TrainingError: The loss diverged.
        ArtifactError: The teacher is missing or corrupt.
    """
    began = time.perf_counter()
    folder.mkdir(parents=True, exist_ok=True)
    data = training_data(recipe, windows, training_indices(recipe, split))
    ensemble, teacher_memory = load_teacher(teacher)
    seed_epoch(recipe.seed, "student", -1)
    spec = network_spec(recipe, recipe.model.student, ensemble.first.spec.head, windows, data.normalisation)
    student = build_network(spec)
    module, loss = _objective(recipe, student, ensemble, teacher_memory, device)
    plan = Fit(
        phase="student",
        key=content_key(training_key(recipe, windows, split), ensemble.first.spec.model_dump_json()),
        epochs=recipe.train.student_epochs,
        seed=recipe.seed,
        device=device,
        folder=folder,
        recipe=recipe.train,
        augment=data.augment,
        cancel=cancel or Cancel(),
        events=folder / "tensorboard" if tensorboard else None,
    )
    fit(plan, module, loss, data.x, data.y, progress)
    if recipe.train.int8_epochs:
        train_for_int8(student, plan, data, recipe, progress)
    save_network(student.cpu(), folder)
    summary = TrainingSummary(
        head=spec.head,
        epochs=plan.epochs,
        seconds=round(time.perf_counter() - began, 1),
        device=device,
        method=recipe.distill.method,
    )
    finish(folder, summary)
    drop_state(folder)
    return summary


def _objective(
    recipe: Recipe, student: Network, teacher: Ensemble, teacher_memory: MemoryHead, device: str
) -> tuple[nn.Module, LossFunction]:
    if recipe.distill.method == "cross_entropy":
        return student.to(device), cross_entropy(student, recipe.train)
    adapter = None
    if not isinstance(student.head, MemoryHead):
        adapter = MemoryHead(student.spec.backbone.features, student.spec.classes, student.spec.patterns)
    memory = student.head if adapter is None else adapter
    assert isinstance(memory, MemoryHead)
    memory.copy_memory(teacher_memory)
    shapes = _hint_shapes(teacher.first)
    objective = SMLDist(
        student,
        teacher.folded().to(device),
        adapter,
        teacher_memory.eval().to(device),
        shapes,
        recipe.distill,
        recipe.train.label_smoothing,
    ).to(device)
    return objective, objective.loss


@torch.inference_mode()
def _hint_shapes(teacher: Network) -> list[tuple[int, int]]:
    window = torch.zeros(1, teacher.spec.channels, 1, teacher.spec.window)
    return [(hint.shape[1], hint.shape[3]) for hint in teacher.backbone(window)[1]]
