"""One training loop for every phase and method: AdamW, one cycle, augmentation, a checkpoint an epoch."""

import ctypes
import hashlib
import json
import math
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from factory.contracts.dataset import Floats, Ints
from factory.contracts.errors import TrainingError
from factory.contracts.files import atomic_write
from factory.contracts.network import TrainingSummary
from factory.contracts.progress import Cancel, Progress
from factory.contracts.recipe import TrainRecipe
from factory.training.augment import Augmenter
from factory.training.batches import Batches
from factory.training.checkpoint import History, drop_checkpoint, load_checkpoint, save_checkpoint
from factory.training.seed import seed_epoch

LossFunction = Callable[[Tensor, Tensor, float], tuple[Tensor, dict[str, Tensor]]]
"""(B, C, 1, T) windows, (B,) labels, share of training done -> scalar and its parts."""

_FINAL_LR_SHARE = 1e-3


@dataclass(frozen=True, kw_only=True, slots=True)
class Fit:
    """One phase of training.

    Attributes:
        phase: 'search', 'teacher' or 'student'; names the seed.
        title: Of the bar; empty for the phase.
        key: Identifies recipe, data and code; a checkpoint of another key is not resumed.
        epochs: How many.
        seed: The recipe's.
        device: torch's name.
        folder: Where checkpoint and epochs.jsonl go.
        recipe: Optimiser and schedule.
        augment: Changes each batch.
        events: Where TensorBoard's event files go, a folder a phase; None writes none.
        cancel: Looked at after every epoch, which is then kept.
    """

    phase: str
    key: str
    epochs: int
    seed: int
    device: str
    folder: Path
    recipe: TrainRecipe
    augment: Augmenter
    events: Path | None = None
    title: str = ""
    cancel: Cancel = field(default_factory=Cancel)


def fit(
    plan: Fit,
    module: nn.Module,
    loss: LossFunction,
    x: Floats,
    y: Ints,
    progress: Progress,
    batches: Batches | None = None,
) -> History:
    """Train `module` in place, resuming at the last finished epoch of an interrupted run.

    Args:
        plan: What to do.
        module: Everything that is trained; left in train mode.
        loss: What to minimise.
        x: (N, C, T) windows, SI units.
        y: (N,) class indices, or what else the loss takes a window.
        progress: Told after every epoch.
        batches: Which windows a step sees; None for every window once an epoch.

    Returns:
        One row an epoch.

    Raises:
        TrainingError: The loss is no longer finite, or there is not one full batch.
        Cancelled: `plan.cancel` was set.
    """
    if len(x) < plan.recipe.batch:
        raise TrainingError(
            f"{len(x)} training windows, train.batch is {plan.recipe.batch}: lower it or add recordings"
        )
    keep_freed_memory()
    optimizer = _optimizer(module, plan)
    history = load_checkpoint(plan.folder, _fit_key(plan), module, optimizer)
    windows = torch.from_numpy(np.ascontiguousarray(x))
    labels = torch.from_numpy(y)
    batches = batches or Batches(((np.arange(len(x)), plan.recipe.batch),), len(x) // plan.recipe.batch)
    with progress.track(f"training {plan.title or plan.phase}", plan.epochs, "epoch") as bar:
        if history:
            write_history(plan.folder, plan.phase, history)  # the kill may have come between checkpoint and rows
            bar.advance(len(history), f"resumed after epoch {len(history)}")
        for epoch in range(len(history), plan.epochs):
            row = _epoch(plan, module, loss, optimizer, windows, labels, epoch, batches)
            history.append(row)
            save_checkpoint(plan.folder, _fit_key(plan), module, optimizer, history)
            write_history(plan.folder, plan.phase, history)
            bar.advance(1, f"loss {row['loss']:.3f}")
            plan.cancel.raise_if_set()
    if plan.events is not None:
        _write_events(plan.events / plan.phase, history)
    return history


def _optimizer(module: nn.Module, plan: Fit) -> torch.optim.AdamW:
    trained = [p for p in module.parameters() if p.requires_grad]
    return torch.optim.AdamW(trained, lr=plan.recipe.lr, weight_decay=plan.recipe.weight_decay, fused=True)


def _epoch(
    plan: Fit,
    module: nn.Module,
    loss: LossFunction,
    optimizer: torch.optim.Optimizer,
    windows: Tensor,
    labels: Tensor,
    epoch: int,
    batches: Batches,
) -> dict[str, float | int | str]:
    began = time.perf_counter()
    generator = seed_epoch(plan.seed, plan.phase, epoch)
    order, steps = batches.draw(generator), batches.steps
    module.train()
    sums: dict[str, Tensor] = {}
    rate = 0.0
    for step, chosen in enumerate(order):
        done = (epoch * steps + step) / (plan.epochs * steps)
        rate = one_cycle(done, plan.recipe.lr, plan.recipe.warmup)
        for group in optimizer.param_groups:
            group["lr"] = rate
        batch = plan.augment(windows[chosen], generator).unsqueeze(2)
        batch = batch.to(plan.device, memory_format=torch.channels_last)
        total, parts = loss(batch, labels[chosen].to(plan.device), done)
        optimizer.zero_grad(set_to_none=True)
        total.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        for name, value in {"loss": total.detach(), **parts}.items():
            sums[name] = sums.get(name, torch.zeros((), device=value.device)) + value
    means = {name: float(value) / steps for name, value in sums.items()}
    if not all(math.isfinite(value) for value in means.values()):
        raise TrainingError(
            f"{plan.phase}: the loss is not finite in epoch {epoch + 1} ({means}): lower train.lr, "
            "or look for absurd values with 'factory data check'"
        )
    return {
        "epoch": epoch + 1,
        "phase": plan.phase,
        **{name: round(value, 6) for name, value in means.items()},
        "lr": rate,
        "seconds": round(time.perf_counter() - began, 3),
    }


def one_cycle(done: float, peak: float, warmup: float) -> float:
    """Learning rate after a share `done` of training: linear warm-up to `peak`, then half a cosine."""
    if done < warmup:
        return peak * max(done / warmup, _FINAL_LR_SHARE)
    share = (done - warmup) / max(1 - warmup, 1e-9)
    return peak * max(0.5 * (1 + math.cos(math.pi * share)), _FINAL_LR_SHARE)


def write_history(folder: Path, phase: str, history: History) -> None:
    """epochs.jsonl: rows of other phases stay, those of `phase` are replaced."""
    path = folder / "epochs.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    rows = [row for row in rows if row["phase"] != phase] + history
    with atomic_write(path) as temporary:
        temporary.write_text("".join(json.dumps(row) + "\n" for row in rows))


def finish(folder: Path, summary: TrainingSummary) -> None:
    """Write summary.json and remove what only a resumed training needs."""
    with atomic_write(folder / "summary.json") as temporary:
        temporary.write_text(summary.model_dump_json(indent=2))
    drop_checkpoint(folder)


def content_key(*parts: str) -> str:
    """SHA-256 over the texts that a result depends on."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _fit_key(plan: Fit) -> str:
    return content_key(plan.key, plan.phase, str(plan.epochs))


def _write_events(folder: Path, history: History) -> None:
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(str(folder)) as writer:
        for row in history:
            for name, value in row.items():
                if isinstance(value, float):
                    writer.add_scalar(name, value, row["epoch"])


def keep_freed_memory() -> None:
    """Tell glibc to keep freed blocks: handing each activation back to the kernel cost 30 % of a step."""
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        libc.mallopt(-3, 1 << 30)  # M_MMAP_THRESHOLD, malloc.h
        libc.mallopt(-1, (1 << 31) - 1)  # M_TRIM_THRESHOLD
