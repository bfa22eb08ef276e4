"""P1 to P4: the student under its teacher and a method, or alone (the controls)."""

import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from factory.contracts.dataset import UNLABELLED, Floats, Ints, Split, WindowSet
from factory.contracts.network import TrainingSummary
from factory.contracts.progress import Cancel, Progress
from factory.contracts.recipe import Recipe
from factory.distill.method import Memories, Setup, Shapes
from factory.distill.objective import Objective
from factory.distill.registry import METHODS, Entry
from factory.models import Ensemble, Network, build_network, save_network
from factory.models.heads import MemoryHead
from factory.training.answers import teacher_answers
from factory.training.batches import Batches
from factory.training.data import TrainingData, network_spec, training_data
from factory.training.int8 import drop_state, train_for_int8
from factory.training.loop import Fit, content_key, finish, fit
from factory.training.seed import seed_epoch
from factory.training.teacher import labelled_batches, load_teacher, training_indices, training_key, untrained

_UNTRAINED = "untrained"


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
    """Train a student by the recipe's method, under the teacher in `teacher` or alone.

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
    entry = METHODS[recipe.distill.method]
    data = training_data(recipe, windows, training_indices(recipe, split))
    ensemble, memory = load_teacher(teacher)
    if entry.teacher == "untrained":
        ensemble, memory = untrained(ensemble, recipe.seed)
        teacher = folder / _UNTRAINED  # its answers are not those of the trained one
        teacher.mkdir(exist_ok=True)
    seed_epoch(recipe.seed, "student", -1)
    spec = network_spec(recipe, recipe.model.student, ensemble.first.spec.head, windows, data.normalisation)
    student = build_network(spec)
    if recipe.answered_once and entry.teacher != "none":
        known = _labelled_then_unlabelled(recipe, data, windows, split)
        answers = teacher_answers(recipe, ensemble, windows, known.rows, teacher, device, progress)
        objective = _objective(entry, recipe, student, ensemble, known.y, device, answers=torch.from_numpy(answers))
    else:
        known = _labelled(recipe, data, split)
        objective = _objective(entry, recipe, student, ensemble, known.y, device, memory)
    plan = Fit(
        phase="student",
        key=content_key(training_key(recipe, windows, split), ensemble.first.spec.model_dump_json()),
        epochs=_epochs(entry, recipe),
        seed=recipe.seed,
        device=device,
        folder=folder,
        recipe=recipe.train,
        augment=data.augment,
        cancel=cancel or Cancel(),
        events=folder / "tensorboard" if tensorboard else None,
    )
    fit(plan, objective, objective.loss, known.x, np.arange(len(known.x)), progress, known.batches)
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
    shutil.rmtree(folder / _UNTRAINED, ignore_errors=True)
    return summary


@dataclass(frozen=True, kw_only=True, slots=True)
class _Known:
    """Windows to learn from.

    Attributes:
        rows: (N,) which windows of the set they are.
        x: (N, C, T) as the student sees them.
        y: (N,) class index, -1 without a label.
        batches: Of places in `x`.
    """

    rows: Ints
    x: Floats
    y: Ints
    batches: Batches


def _labelled(recipe: Recipe, data: TrainingData, split: Split) -> _Known:
    batches = labelled_batches(recipe, split, len(data.x))
    return _Known(rows=training_indices(recipe, split), x=data.x, y=data.y, batches=batches)


def _labelled_then_unlabelled(recipe: Recipe, data: TrainingData, windows: WindowSet, split: Split) -> _Known:
    """Labelled windows first, then the unlabelled ones, in fixed shares of each batch."""
    known, count, batch = training_indices(recipe, split), len(split.unlabelled), recipe.train.batch
    rows = np.concatenate([known, split.unlabelled])
    x = np.concatenate([data.x, np.ascontiguousarray(windows.x[split.unlabelled])])
    y = np.concatenate([data.y, np.full(count, UNLABELLED)])
    places, unlabelled = np.arange(len(rows)), round(recipe.distill.unlabelled * batch) if count else 0
    groups = [(places[: len(known)], batch - unlabelled), (places[len(known) :], unlabelled)]
    batches = Batches(tuple(group for group in groups if group[1]), len(rows) // batch)
    return _Known(rows=rows, x=x, y=y, batches=batches)


def _objective(
    entry: Entry,
    recipe: Recipe,
    student: Network,
    teacher: Ensemble,
    y: Ints,
    device: str,
    memory: MemoryHead | None = None,
    answers: Tensor | None = None,
) -> Objective:
    """The method over the student; `memory` is the teacher's where it stands beside the student's batches."""
    labels = torch.from_numpy(y).to(device)

    def memories() -> Memories:
        assert memory is not None
        own = isinstance(student.head, MemoryHead)
        spec = student.spec
        ours = student.head if own else MemoryHead(spec.backbone.features, spec.classes, spec.patterns)
        assert isinstance(ours, MemoryHead)
        ours.copy_memory(memory)
        return Memories(student=ours, teacher=memory.eval().to(device), adapter=not own)

    setup = Setup(
        student=_shapes(student),
        teacher=_shapes(teacher.first),
        labels=labels,
        distill=recipe.distill.settled(recipe.answered_once),
        train=recipe.train,
        memories=memories if answers is None else None,
    )
    method = entry.build(setup)
    if answers is not None:
        return Objective(student, method, labels, answers=answers.to(device)).to(device)
    shown = None if entry.teacher == "none" else teacher.folded().to(device)
    return Objective(student, method, labels, shown).to(device)


def _epochs(entry: Entry, recipe: Recipe) -> int:
    train = recipe.train
    if not entry.teachers_epochs:
        return train.student_epochs
    search = train.search_epochs if len(recipe.model.heads) > 1 else 0
    return train.student_epochs + train.teachers * train.teacher_epochs + search


@torch.inference_mode()
def _shapes(network: Network) -> Shapes:
    window, training = torch.zeros(1, network.spec.channels, 1, network.spec.window), network.training
    features, stages = network.eval().backbone(window)  # in training mode running means would move
    network.train(training)
    return Shapes(features=features.shape[1], stages=tuple((stage.shape[1], stage.shape[3]) for stage in stages))
