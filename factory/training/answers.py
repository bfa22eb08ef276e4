"""The teacher's answers to training windows, computed once: the mean of its probabilities over crops of each window.

Kept beside the teacher (answers.safetensors) under the hash of everything that they depend on.
"""

import hashlib
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch.nn import functional as F

from factory.contracts.dataset import Floats, Ints, WindowSet
from factory.contracts.errors import ArtifactError
from factory.contracts.files import atomic_write
from factory.contracts.progress import Progress
from factory.contracts.recipe import Edge, Recipe
from factory.models import Ensemble
from factory.training.augment import shifted
from factory.training.loop import content_key
from factory.training.neighbours import averaged
from factory.training.predict import predict

ANSWERS_FILE = "answers.safetensors"
_WINDOWS = 4096


def teacher_answers(
    recipe: Recipe, teacher: Ensemble, windows: WindowSet, rows: Ints, folder: Path, device: str, progress: Progress
) -> Floats:
    """Logits (n, K) of the teacher for the windows `rows` (n,), from the cache or computed now.

    Args:
        recipe: distill.crops and neighbours, train.augment.shift and edge.
        teacher: In eval mode.
        windows: The teacher is shown `windows.for_teacher()`.
        rows: Which windows, in the order of the answers.
        folder: Of the teacher; receives answers.safetensors.
        device: torch's name.
        progress: Told of each block of windows.

    Raises:
        ArtifactError: The teacher was trained on other channels.
    """
    seen = windows.for_teacher()
    if teacher.first.spec.channels != len(seen.spec.channels):
        raise ArtifactError(
            f"the teacher takes {teacher.first.spec.channels} channels, its windows have {len(seen.spec.channels)}: "
            "train the teacher again"
        )
    offsets, edge = _offsets(recipe), recipe.train.augment.edge
    key = content_key(_fingerprint(teacher), seen.digest, rows.tobytes().hex(), str((offsets, edge)))
    path = folder / ANSWERS_FILE
    if (answers := _read(path, key)) is None:
        answers = _answer_all(teacher, seen, rows, offsets, edge, device, progress)
        with atomic_write(path) as temporary:
            save_file({"answers": torch.from_numpy(answers)}, temporary, {"key": key})
    return averaged(answers, windows, rows, recipe.distill.neighbours or 0)


def _answer_all(
    teacher: Ensemble,
    seen: WindowSet,
    rows: Ints,
    offsets: tuple[int, ...],
    edge: Edge,
    device: str,
    progress: Progress,
) -> Floats:
    answers, folded = np.empty((len(rows), teacher.first.spec.classes), np.float32), teacher.folded()
    with progress.track("teacher's answers", len(rows), "windows") as bar:
        for low in range(0, len(rows), _WINDOWS):
            x = np.ascontiguousarray(seen.x[rows[low : low + _WINDOWS]])
            answers[low : low + len(x)] = _answer(folded, x, offsets, edge, device)
            bar.advance(len(x))
    return answers


def _answer(teacher: Ensemble, x: Floats, offsets: tuple[int, ...], edge: Edge, device: str) -> Floats:
    """The logarithm of the mean probability over crops of windows (n, C, T)."""
    windows = torch.from_numpy(x)
    crops = (shifted(windows, torch.full((len(x), 1), offset), edge).numpy() for offset in offsets)
    log_p = torch.stack([F.log_softmax(torch.from_numpy(predict(teacher, crop, device)), dim=1) for crop in crops])
    answers: Floats = (torch.logsumexp(log_p, dim=0) - float(np.log(len(offsets)))).numpy()
    return answers


def _offsets(recipe: Recipe) -> tuple[int, ...]:
    """Shifts in samples, as far as those that the teacher met in training; one crop is the window itself."""
    crops, furthest = recipe.distill.crops, recipe.train.augment.shift
    if crops == 1:
        return (0,)
    return tuple(sorted({int(offset) for offset in np.linspace(-furthest, furthest, crops).round()}))


def _fingerprint(teacher: Ensemble) -> str:
    digest = hashlib.sha256(teacher.first.spec.model_dump_json().encode())
    for name, tensor in sorted(teacher.state_dict().items()):
        digest.update(name.encode() + tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def _read(path: Path, key: str) -> Floats | None:
    try:
        with safe_open(path, "pt") as file:
            if (file.metadata() or {}).get("key") != key:
                return None
            answers: Floats = file.get_tensor("answers").numpy()
            return answers
    except (OSError, SafetensorError):
        return None
