"""Teachers that cells share: one for the same windows, people, seed and teacher's part of the recipe.

<out>/teachers/<key>/ is complete once cost.json is there. A lock lets one process train it while others wait; the
system frees the lock of a process that died, and what it left is trained anew.
"""

import shutil
import time
from pathlib import Path
from typing import Any

from filelock import FileLock
from pydantic import Field, ValidationError

from factory.artifacts.store import content_key
from factory.contracts.base import Contract
from factory.contracts.dataset import Split, WindowSet
from factory.contracts.files import atomic_write
from factory.contracts.progress import Progress
from factory.contracts.recipe import Recipe
from factory.pipeline.provenance import versions

_COST = "cost.json"


class TeacherCost(Contract):
    """cost.json: what training the teacher took."""

    cpu_s: float = Field(ge=0, description="all threads")


def shared_teacher(
    folder: Path, recipe: Recipe, windows: WindowSet, split: Split, device: str, progress: Progress
) -> tuple[Path, float]:
    """Folder of the trained teacher, and the CPU seconds that it took; trained now if nobody did.

    Args:
        folder: Of all teachers of a bench.
        recipe: Its teacher's part decides.
        windows: All windows.
        split: Its test part is never looked at.
        device: torch's name.
        progress: Told after every epoch.

    Raises:
        TrainingError: The loss diverged.
    """
    from factory.training import train_teacher

    path = folder / teacher_key(recipe, windows, split, device)
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / f"{path.name}.lock"):
        if (known := _cost(path)) is not None:
            return path, known.cpu_s
        shutil.rmtree(path, ignore_errors=True)
        began = time.process_time()
        train_teacher(recipe, windows, split, path, device, progress)
        cost = TeacherCost(cpu_s=round(time.process_time() - began, 3))
        with atomic_write(path / _COST) as temporary:
            temporary.write_text(cost.model_dump_json(), "utf-8")
        return path, cost.cpu_s


def stand_in(recipe: Recipe) -> Recipe:
    """For methods without a teacher: one network of one epoch, whose folder names the head and teaches nothing."""
    return recipe.model_copy(update={"train": recipe.train.model_copy(update={"teachers": 1, "teacher_epochs": 1})})


def teacher_key(recipe: Recipe, windows: WindowSet, split: Split, device: str) -> str:
    """SHA-256 of everything that decides a teacher, the code apart."""
    parts = (split.train, split.validation, split.unlabelled)
    return content_key(
        {
            "parts": teacher_parts(recipe, windows),
            "people": [sorted(set(windows.subject[part].tolist())) for part in parts],
            "unlabelled": len(split.unlabelled),
            "device": device,
            "tools": versions("torch"),
        }
    )


def teacher_parts(recipe: Recipe, windows: WindowSet) -> dict[str, Any]:
    """Of a recipe and its windows what decides a teacher."""
    return {
        "seed": recipe.seed,
        "model": recipe.model.model_dump(mode="json", exclude={"student"}),
        "train": recipe.train.model_dump(mode="json", exclude={"student_epochs", "int8_epochs"}),
        "patterns": recipe.distill.patterns,
        "windows": windows.for_teacher().digest,
        "spec": windows.for_teacher().spec.model_dump(mode="json"),
    }


def _cost(path: Path) -> TeacherCost | None:
    try:
        return TeacherCost.model_validate_json((path / _COST).read_bytes())
    except (OSError, ValidationError):
        return None
