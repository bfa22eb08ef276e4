"""TinyHAR: convolutions a channel, attention between channels, their fusion, an LSTM, attention over time.

Zhou, Zhao, Huang, Hefenbrock, Riedel, Beigl: "TinyHAR: A Lightweight Deep Learning Model Designed for Human Activity
Recognition", ISWC 2022 (doi:10.1145/3544794.3558467), section on the design of TinyHAR. Sizes are those of its
authors' experiments: 4 convolutions of 20 filters and kernel 5, every second one with stride 2, an LSTM of 40 units;
27674 parameters for 6 channels and 12 classes.

Shape legend: B batch, C sensor channels, T time steps, L steps after the convolutions, F filters, K classes.
"""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_KERNEL, _CONVOLUTIONS = 5, 4


class ChannelAttention(nn.Module):
    """Self-attention between the channels of one time step; its share starts at 0 and is learnt."""

    def __init__(self, filters: int) -> None:
        super().__init__()
        self.query = nn.Linear(filters, filters, bias=False)
        self.key = nn.Linear(filters, filters, bias=False)
        self.value = nn.Linear(filters, filters, bias=False)
        self.share = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        """(B, L, C, F) to the same."""
        weights = torch.softmax(self.query(x) @ self.key(x).transpose(2, 3), dim=3)  # (B, L, C, C)
        return cast(Tensor, x + self.share * (weights @ self.value(x)))


class TimeAttention(nn.Module):
    """The last step, and the weighted mean of all steps by a share that starts at 0 and is learnt."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.project = nn.Linear(width, width)
        self.score = nn.Linear(width, 1, bias=False)
        self.share = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        """(B, L, 2 F) to (B, 2 F)."""
        weights = torch.softmax(self.score(torch.tanh(self.project(x))).squeeze(2), dim=1)  # (B, L)
        return cast(Tensor, x[:, -1] + self.share * (weights.unsqueeze(1) @ x).squeeze(1))


class TinyHAR(nn.Module):
    """The whole network; its five parts in the paper's order."""

    def __init__(self, channels: int, window: int, classes: int, *, filters: int = 20) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for index in range(_CONVOLUTIONS):
            stride = 2 if index % 2 else 1
            layers += [nn.Conv2d(filters if index else 1, filters, (1, _KERNEL), (1, stride)), nn.ReLU()]
            layers.append(nn.BatchNorm2d(filters))
        self.subnet = nn.Sequential(*layers)
        self.interaction = ChannelAttention(filters)
        self.dropout = nn.Dropout(0.1)
        self.fusion = nn.Linear(channels * filters, 2 * filters)
        self.lstm = nn.LSTM(2 * filters, 2 * filters, batch_first=True)
        self.enhancement = TimeAttention(2 * filters)
        self.classifier = nn.Linear(2 * filters, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (B, K) of normalised windows (B, C, 1, T)."""
        x = self.subnet(x.transpose(1, 2))  # (B, 1, C, T) to (B, F, C, L)
        x = self.dropout(self.interaction(x.permute(0, 3, 2, 1)))  # (B, L, C, F)
        x = F.relu(self.fusion(x.flatten(2)))  # (B, L, 2 F)
        outputs, _ = self.lstm(x)
        return cast(Tensor, self.classifier(self.enhancement(outputs)))
