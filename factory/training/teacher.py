"""P0: the head search, the teacher, and its memory of training windows."""

import shutil
import time
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F

from factory.contracts.dataset import Split, WindowSet
from factory.contracts.errors import ArtifactError
from factory.contracts.files import atomic_write
from factory.contracts.network import TrainingSummary
from factory.contracts.progress import Cancel, Progress
from factory.contracts.recipe import HeadKind, Recipe, TrainRecipe
from factory.distill.logits import mix_pairs, mixed_cross_entropy
from factory.models import Ensemble, Network, build_network, load_ensemble, save_ensemble
from factory.models.heads import MemoryHead
from factory.training.batches import Batches
from factory.training.data import TrainingData, network_spec, training_data
from factory.training.loop import Fit, LossFunction, content_key, finish, fit, write_history
from factory.training.search import HeadMixture, judge_heads
from factory.training.seed import seed_epoch

MEMORY_FILE = "memory.safetensors"
_SEARCH_FOLDER = "search"
_MEMORY_STEPS = 300
_MEMORY_BATCH = 256
_MEMORY_LR = 1e-2


def train_teacher(
    recipe: Recipe,
    windows: WindowSet,
    split: Split,
    folder: Path,
    device: str,
    progress: Progress,
    tensorboard: bool = False,
    cancel: Cancel | None = None,
) -> TrainingSummary:
    """Search the head on validation subjects, train the teacher, store its memory.

    Args:
        recipe: model.teacher, model.heads, train and the seed are used.
        windows: All windows; the teacher sees `windows.for_teacher()`.
        split: Its test part is never looked at.
        folder: Receives network.json, network.safetensors, ensemble.safetensors, memory.safetensors, epochs.jsonl,
            summary.json.
        device: torch's name, for example 'cpu'.
        progress: Told after every epoch.
        tensorboard: Write event files too.
        cancel: Looked at after every epoch; what was finished is kept.

    Returns:
        What was written to summary.json.

    Raises:
        TrainingError: The loss diverged.
        DataError: A class is missing from training.
    """
    began = time.perf_counter()
    folder.mkdir(parents=True, exist_ok=True)
    key = training_key(recipe, windows, split)
    windows = windows.for_teacher()
    head, scores = _search(recipe, windows, split, folder, device, progress, key, cancel or Cancel())
    data = training_data(recipe, windows, training_indices(recipe, split))
    spec = network_spec(recipe, recipe.model.teacher, head, windows, data.normalisation)
    members = []
    for index in range(recipe.train.teachers):
        phase = "teacher" if index == 0 else f"teacher {index + 1}"
        seed_epoch(recipe.seed, phase, -1)
        network = build_network(spec).to(device)
        plan = Fit(
            phase=phase,
            title=f"teacher {index + 1} of {recipe.train.teachers}",
            key=key,
            epochs=recipe.train.teacher_epochs,
            seed=recipe.seed,
            device=device,
            folder=folder if index == 0 else folder / phase,
            recipe=recipe.train,
            augment=data.augment,
            cancel=cancel or Cancel(),
            events=folder / "tensorboard" if tensorboard else None,
        )
        loss = cross_entropy(network, recipe.train)
        fit(plan, network, loss, data.x, data.y, progress, labelled_batches(recipe, split, len(data.x)))
        members.append(network.to("cpu").eval())
    memory = fit_memory(members[0], data, recipe)
    with atomic_write(folder / MEMORY_FILE) as temporary:
        save_file(memory.state_dict(), temporary)
    save_ensemble(Ensemble(members), folder)
    summary = TrainingSummary(
        head=head,
        head_search=scores,
        epochs=recipe.train.teacher_epochs,
        seconds=round(time.perf_counter() - began, 1),
        device=device,
        method="cross_entropy",
    )
    for leftover in (_SEARCH_FOLDER, *(f"teacher {index}" for index in range(2, recipe.train.teachers + 1))):
        shutil.rmtree(folder / leftover, ignore_errors=True)
    finish(folder, summary)
    return summary


def load_teacher(folder: Path) -> tuple[Ensemble, MemoryHead]:
    """A trained teacher and the memory of its first member, both in eval mode.

    Raises:
        ArtifactError: A file is missing or corrupt.
    """
    ensemble = load_ensemble(folder)
    memory = _memory_for(ensemble.first)
    try:
        memory.load_state_dict(load_file(folder / MEMORY_FILE))
    except (OSError, RuntimeError, SafetensorError) as error:
        raise ArtifactError(f"{folder / MEMORY_FILE} is missing or corrupt: train the teacher again") from error
    return ensemble, memory.eval()


def untrained(teacher: Ensemble, seed: int) -> tuple[Ensemble, MemoryHead]:
    """Networks and memory of the same layout with fresh weights, in eval mode: a control that knows nothing."""
    seed_epoch(seed, "untrained", -1)
    fresh = Ensemble([build_network(teacher.first.spec) for _ in teacher.members]).eval()
    return fresh, _memory_for(fresh.first).eval()


def training_key(recipe: Recipe, windows: WindowSet, split: Split) -> str:
    """Identifies everything that a trained network depends on, device apart."""
    parts = [recipe.model.model_dump_json(), recipe.train.model_dump_json(), recipe.distill.model_dump_json()]
    parts += [str(recipe.seed), windows.content_hash, windows.spec.model_dump_json()]
    parts += [windows.for_teacher().spec.model_dump_json(), str(recipe.answered_once)]
    parts += [part.tobytes().hex() for part in (split.train, split.validation, split.unlabelled)]
    return content_key(*parts)


def training_indices(recipe: Recipe, split: Split) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """What the networks train on: with `refit` the validation subjects too, once the head is chosen."""
    return np.sort(np.concatenate([split.train, split.validation])) if recipe.train.refit else split.train


def labelled_batches(recipe: Recipe, split: Split, count: int) -> Batches:
    """Batches of `count` labelled windows alone, as many an epoch as with the unlabelled ones.

    So teacher, control and student take equal steps, however few people are labelled.
    """
    steps = (count + len(split.unlabelled)) // recipe.train.batch
    return Batches(((np.arange(count), recipe.train.batch),), steps)


def fit_memory(network: Network, data: TrainingData, recipe: Recipe) -> MemoryHead:
    """The teacher's memory over its own frozen features; patterns start as real training windows.

    A teacher whose head is a memory keeps that one.
    """
    if isinstance(network.head, MemoryHead):
        return network.head
    generator = seed_epoch(recipe.seed, "memory", 0)
    features = _features(network, data)
    labels = torch.from_numpy(data.y)
    memory = _memory_for(network)
    memory.store(features[_balanced(labels, recipe.distill.patterns, network.spec.classes, generator)])
    optimizer = torch.optim.AdamW(memory.parameters(), lr=_MEMORY_LR)
    memory.train()
    for _ in range(_MEMORY_STEPS):
        chosen = torch.randint(len(labels), (min(_MEMORY_BATCH, len(labels)),), generator=generator)
        optimizer.zero_grad()
        F.cross_entropy(memory(features[chosen]), labels[chosen]).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return memory.eval()


def _search(
    recipe: Recipe,
    windows: WindowSet,
    split: Split,
    folder: Path,
    device: str,
    progress: Progress,
    key: str,
    cancel: Cancel,
) -> tuple[HeadKind, dict[str, float]]:
    if len(recipe.model.heads) == 1:
        return recipe.model.heads[0], {}
    data = training_data(recipe, windows, split.train)
    seed_epoch(recipe.seed, "search", -1)
    spec = network_spec(recipe, recipe.model.teacher, recipe.model.heads[0], windows, data.normalisation)
    mixture = HeadMixture(build_network(spec), recipe.model.heads).to(device)
    plan = Fit(
        phase="search",
        key=key,
        epochs=recipe.train.search_epochs,
        seed=recipe.seed,
        device=device,
        folder=folder / _SEARCH_FOLDER,
        recipe=recipe.train,
        augment=data.augment,
        cancel=cancel,
    )
    history = fit(plan, mixture, mixture.loss, data.x, data.y, progress)
    head, scores = judge_heads(mixture.cpu(), windows.x[split.validation], windows.y[split.validation], device)
    history[-1]["validation_macro_f1"] = scores[head]
    write_history(folder, "search", history)
    return head, scores


def cross_entropy(network: nn.Module, recipe: TrainRecipe) -> LossFunction:
    """Label-smoothed cross-entropy, part of each batch mixed: the teacher's loss and every control's.

    A mixed window has both labels in the shares of its windows (mixup, arXiv:1710.09412).
    """

    def loss(x: Tensor, y: Tensor, done: float) -> tuple[Tensor, dict[str, Tensor]]:
        x, share, other = mix_pairs(x, round(recipe.mixed * len(x)))
        return mixed_cross_entropy(network(x), y, share, other, recipe.label_smoothing).mean(), {}

    return loss


def _memory_for(network: Network) -> MemoryHead:
    return MemoryHead(network.spec.backbone.features, network.spec.classes, network.spec.patterns)


@torch.inference_mode()
def _features(network: Network, data: TrainingData) -> Tensor:
    batches = torch.split(torch.from_numpy(data.x).unsqueeze(2), 512)
    return torch.cat([network.backbone(batch)[0] for batch in batches]).clone()


def _balanced(labels: Tensor, each: int, classes: int, generator: torch.Generator) -> Tensor:
    """Indices of `each` windows a class, repeating where a class has fewer."""
    chosen = []
    for label in range(classes):
        of_class = torch.nonzero(labels == label).flatten()
        chosen.append(of_class[torch.randint(len(of_class), (each,), generator=generator)])
    return torch.cat(chosen)
