"""P1 to P4: the student under its teacher, or alone (the control)."""

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from factory.contracts.dataset import UNLABELLED, Floats, Ints, Split, WindowSet
from factory.contracts.network import TrainingSummary
from factory.contracts.progress import Cancel, Progress
from factory.contracts.recipe import Recipe
from factory.distill.answers import AnswerDistillation
from factory.distill.smldist import SMLDist
from factory.models import Ensemble, Network, build_network, save_network
from factory.models.heads import MemoryHead
from factory.training.answers import teacher_answers
from factory.training.batches import Batches
from factory.training.data import TrainingData, network_spec, training_data
from factory.training.int8 import drop_state, train_for_int8
from factory.training.loop import Fit, LossFunction, content_key, finish, fit
from factory.training.seed import seed_epoch
from factory.training.teacher import cross_entropy, labelled_batches, load_teacher, training_indices, training_key


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
    ensemble, memory = load_teacher(teacher)
    seed_epoch(recipe.seed, "student", -1)
    spec = network_spec(recipe, recipe.model.student, ensemble.first.spec.head, windows, data.normalisation)
    student = build_network(spec)
    lesson = _lesson(recipe, student, ensemble, memory, data, windows, split, teacher, device, progress)
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
    fit(plan, lesson.module, lesson.loss, lesson.x, lesson.y, progress, lesson.batches)
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


@dataclass(frozen=True, kw_only=True, slots=True)
class _Lesson:
    """What is minimised over which windows: x (N, C, T); y (N,) as the loss takes it."""

    module: nn.Module
    loss: LossFunction
    x: Floats
    y: Ints
    batches: Batches


def _lesson(
    recipe: Recipe,
    student: Network,
    ensemble: Ensemble,
    memory: MemoryHead,
    data: TrainingData,
    windows: WindowSet,
    split: Split,
    teacher: Path,
    device: str,
    progress: Progress,
) -> _Lesson:
    labelled = labelled_batches(recipe, split, len(data.x))
    if recipe.distill.method == "cross_entropy":
        loss = cross_entropy(student, recipe.train)
        return _Lesson(module=student.to(device), loss=loss, x=data.x, y=data.y, batches=labelled)
    if recipe.answered_once:
        return _from_answers(recipe, student, ensemble, data, windows, split, teacher, device, progress)
    objective = _beside_the_teacher(recipe, student, ensemble, memory, device)
    return _Lesson(module=objective, loss=objective.loss, x=data.x, y=data.y, batches=labelled)


def _from_answers(
    recipe: Recipe,
    student: Network,
    ensemble: Ensemble,
    data: TrainingData,
    windows: WindowSet,
    split: Split,
    teacher: Path,
    device: str,
    progress: Progress,
) -> _Lesson:
    """Labelled windows first, then the unlabelled ones, in fixed shares of each batch."""
    known, count, batch = training_indices(recipe, split), len(split.unlabelled), recipe.train.batch
    rows = np.concatenate([known, split.unlabelled])
    x = np.concatenate([data.x, np.ascontiguousarray(windows.x[split.unlabelled])])
    y = torch.from_numpy(np.concatenate([data.y, np.full(count, UNLABELLED)]))
    answers = torch.from_numpy(teacher_answers(recipe, ensemble, windows, rows, teacher, device, progress))
    smoothing = recipe.train.label_smoothing
    objective = AnswerDistillation(student, y.to(device), answers.to(device), recipe.distill, smoothing).to(device)
    places, unlabelled = np.arange(len(rows)), round(recipe.distill.unlabelled * batch) if count else 0
    groups = [(places[: len(known)], batch - unlabelled), (places[len(known) :], unlabelled)]
    batches = Batches(tuple(group for group in groups if group[1]), len(rows) // batch)
    return _Lesson(module=objective, loss=objective.loss, x=x, y=places, batches=batches)


def _beside_the_teacher(
    recipe: Recipe, student: Network, teacher: Ensemble, teacher_memory: MemoryHead, device: str
) -> SMLDist:
    adapter = None
    if not isinstance(student.head, MemoryHead):
        adapter = MemoryHead(student.spec.backbone.features, student.spec.classes, student.spec.patterns)
    memory = student.head if adapter is None else adapter
    assert isinstance(memory, MemoryHead)
    memory.copy_memory(teacher_memory)
    shapes = _hint_shapes(teacher.first)
    return SMLDist(
        student,
        teacher.folded().to(device),
        adapter,
        teacher_memory.eval().to(device),
        shapes,
        recipe.distill,
        recipe.train.label_smoothing,
    ).to(device)


@torch.inference_mode()
def _hint_shapes(teacher: Network) -> list[tuple[int, int]]:
    window = torch.zeros(1, teacher.spec.channels, 1, teacher.spec.window)
    return [(hint.shape[1], hint.shape[3]) for hint in teacher.backbone(window)[1]]
