"""Logits of many windows, and how right they are."""

import numpy as np
import torch
from torch import nn

from factory.contracts.dataset import Floats, Ints, WindowSet
from factory.contracts.scores import confusion, macro_f1


@torch.inference_mode()
def predict(network: nn.Module, x: Floats, device: str = "cpu", batch: int = 512) -> Floats:
    """Logits (N, K) of windows (N, C, T) in SI units; the network is left in eval mode."""
    network.eval().to(device)
    parts = []
    for start in range(0, len(x), batch):
        chunk = torch.from_numpy(np.ascontiguousarray(x[start : start + batch])).unsqueeze(2)
        parts.append(network(chunk.to(device, memory_format=torch.channels_last)).float().cpu())
    return torch.cat(parts).numpy()


def macro_f1_of(network: nn.Module, windows: WindowSet, rows: Ints, device: str = "cpu") -> float:
    """Macro-F1 of a network on the labelled windows `rows` (n,), as it sees them."""
    answers = predict(network, windows.x[rows], device).argmax(axis=1)
    return macro_f1(confusion(windows.y[rows], answers, len(windows.spec.labels)))
