"""Logits of many windows."""

import numpy as np
import torch
from torch import nn

from factory.contracts.dataset import Floats


@torch.inference_mode()
def predict(network: nn.Module, x: Floats, device: str = "cpu", batch: int = 512) -> Floats:
    """Logits (N, K) of windows (N, C, T) in SI units; the network is left in eval mode."""
    network.eval().to(device)
    parts = []
    for start in range(0, len(x), batch):
        chunk = torch.from_numpy(np.ascontiguousarray(x[start : start + batch])).unsqueeze(2)
        parts.append(network(chunk.to(device, memory_format=torch.channels_last)).float().cpu())
    return torch.cat(parts).numpy()
