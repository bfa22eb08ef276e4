"""The state between two epochs: weights, optimiser moments and history, without pickle."""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn
from torch.optim import Optimizer

from factory.contracts.files import atomic_write

_FILE = "checkpoint.safetensors"
History = list[dict[str, float | int | str]]


def save_checkpoint(folder: Path, key: str, module: nn.Module, optimizer: Optimizer, history: History) -> None:
    """Write everything the next epoch needs into one file, in one rename."""
    tensors = {f"module.{name}": tensor for name, tensor in module.state_dict().items()}
    for index, state in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{name}": tensor for name, tensor in state.items()}
    metadata = {"key": key, "history": json.dumps(history)}
    with atomic_write(folder / _FILE) as temporary:
        save_file({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, temporary, metadata)


def load_checkpoint(folder: Path, key: str, module: nn.Module, optimizer: Optimizer) -> History:
    """Restore the state if a checkpoint of the same `key` is there.

    Returns:
        The history of finished epochs; empty if training starts afresh (nothing there, another recipe's, corrupt).
    """
    path = folder / _FILE
    if not path.exists():
        return []
    try:
        tensors = load_file(path)
        metadata = _metadata(path)
    except (SafetensorError, OSError, ValueError):
        return []
    if metadata.get("key") != key:
        return []
    module.load_state_dict({n.removeprefix("module."): t for n, t in tensors.items() if n.startswith("module.")})
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    state: dict[int, dict[str, torch.Tensor]] = {}
    for name, tensor in tensors.items():
        if name.startswith("optimizer."):
            _, index, moment = name.split(".")
            # The fused step walks memory in order, so a moment must lie as its (channels-last) weight does.
            laid_out = tensor if moment == "step" else torch.empty_like(weights[int(index)], device="cpu").copy_(tensor)
            state.setdefault(int(index), {})[moment] = laid_out
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
    history: History = json.loads(metadata["history"])
    return history


def drop_checkpoint(folder: Path) -> None:
    """Remove the state of a training that is over."""
    (folder / _FILE).unlink(missing_ok=True)


def _metadata(path: Path) -> dict[str, Any]:
    with path.open("rb") as handle:
        length = int.from_bytes(handle.read(8), "little")
        header: dict[str, Any] = json.loads(handle.read(length))
    metadata: dict[str, Any] = header.get("__metadata__", {})
    return metadata
