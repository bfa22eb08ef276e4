"""Logits of many windows, and the score that selection uses."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from factory.contracts.dataset import Floats, Ints


@torch.inference_mode()
def predict(network: nn.Module, x: Floats, device: str = "cpu", batch: int = 512) -> Floats:
    """Logits (N, K) of windows (N, C, T) in SI units; the network is left in eval mode."""
    network.eval().to(device)
    parts = []
    for start in range(0, len(x), batch):
        chunk = torch.from_numpy(np.ascontiguousarray(x[start : start + batch])).unsqueeze(2)
        parts.append(network(chunk.to(device, memory_format=torch.channels_last)).float().cpu())
    return torch.cat(parts).numpy()


def macro_f1(predicted: NDArray[np.int64], truth: Ints, classes: int) -> float:
    """Mean F1 over the classes that the truth contains."""
    confusion = np.bincount(truth * classes + predicted, minlength=classes * classes).reshape(classes, classes)
    present = confusion.sum(axis=1) > 0
    f1 = 2 * np.diag(confusion) / np.maximum(confusion.sum(axis=0) + confusion.sum(axis=1), 1)
    return float(f1[present].mean())
