"""TinierHAR: depthwise separable convolutions with shortcuts, a bidirectional GRU, attention over time.

Bian, Liu, Fortes Rey, Geissler, Lukowicz: "TinierHAR: Towards Ultra-Lightweight Deep Learning Models for Efficient
Human Activity Recognition on Edge Devices", arXiv:2507.07949 (2025), section on the proposed architecture. Sizes are
those of its authors' experiments: 4 filters, 4 blocks behind the two that pool, 16 GRU units a direction; 7483
parameters for 6 channels and 12 classes.

Shape legend: B batch, C sensor channels, T time steps, F filters, U units, K classes.
"""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_KERNEL, _POOL = 5, (1, 2)


class SeparableBlock(nn.Module):
    """Depthwise and pointwise convolution beside a shortcut, each halved in time where the block pools."""

    def __init__(self, inputs: int, outputs: int, *, pool: bool) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(inputs, inputs, (1, _KERNEL), padding=(0, _KERNEL // 2), groups=inputs)
        self.pointwise = nn.Conv2d(inputs, outputs, 1)
        self.norm = nn.BatchNorm2d(outputs)
        self.shortcut: nn.Module = nn.Identity()
        if inputs != outputs:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1), nn.BatchNorm2d(outputs))
        self.pool: nn.Module = nn.MaxPool2d(_POOL) if pool else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, C, T) to (B, outputs, C, T), or T / 2 where it pools."""
        y = F.relu(self.norm(self.pointwise(self.depthwise(x))))
        return cast(Tensor, self.pool(y) + self.pool(self.shortcut(x)))


class TinierHAR(nn.Module):
    """The whole network; convolutions are shared by the sensor channels until the GRU joins them."""

    def __init__(
        self, channels: int, window: int, classes: int, *, filters: int = 4, blocks: int = 4, units: int = 16
    ) -> None:
        super().__init__()
        width = 2 * filters
        self.blocks = nn.Sequential(
            SeparableBlock(1, filters, pool=True),
            SeparableBlock(filters, width, pool=True),
            *(SeparableBlock(width, width, pool=False) for _ in range(blocks)),
        )
        self.dropout = nn.Dropout(0.3)
        self.gru = nn.GRU(width * channels, units, bidirectional=True, batch_first=True)
        self.attention = nn.Linear(2 * units, 1)
        self.classifier = nn.Linear(2 * units, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (B, K) of normalised windows (B, C, 1, T)."""
        x = self.blocks(x.transpose(1, 2))  # (B, 1, C, T) to (B, 2 F, C, T / 4)
        sequence = x.permute(0, 3, 1, 2).flatten(2)  # (B, T / 4, 2 F C)
        outputs, _ = self.gru(self.dropout(sequence))  # (B, T / 4, 2 U)
        weights = torch.softmax(self.attention(outputs).squeeze(2), dim=1)  # (B, T / 4)
        return cast(Tensor, self.classifier((weights.unsqueeze(1) @ outputs).squeeze(1)))
