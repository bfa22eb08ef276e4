"""RKD: distances and angles between windows (Park et al., arXiv:1904.05068).

Shape legend: B batch, D feature width.
"""

from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from factory.distill.method import Batch, Term, View

_DISTANCE, _ANGLE = 25.0, 50.0
_LEAST = 1e-12


def distances(features: Tensor) -> Tensor:
    """(B, B) Euclidean distances of features (B, D), divided by their mean over pairs of different windows."""
    squares = (features[:, None] - features[None]).square().sum(dim=2)
    apart = ~torch.eye(len(features), dtype=torch.bool, device=features.device)
    found = squares.clamp_min(_LEAST).sqrt() * apart
    return found / found[apart].mean()


def angles(features: Tensor) -> Tensor:
    """(B, B, B) cosine at window i between the directions to j and k, of features (B, D)."""
    directions = F.normalize(features[None] - features[:, None], dim=2)
    return directions @ directions.transpose(1, 2)


def relational_loss(ours: Tensor, theirs: Tensor) -> Tensor:
    """25 Huber of distances + 50 Huber of angles [paper]; features (B, D), D of each its own.

    Zeros on diagonals count in the means [code].
    """
    distance = F.smooth_l1_loss(distances(ours), distances(theirs))
    angle = F.smooth_l1_loss(angles(ours), angles(theirs))
    return _DISTANCE * distance + _ANGLE * angle


class RKD(Term):
    """Of pooled features; distance and angle weigh 25 and 50 [paper], both together 1 [code]."""

    coefficient: ClassVar[float] = 1.0
    on_features: ClassVar[bool] = True

    def forward(self, student: View, teacher: View, batch: Batch) -> Tensor:
        """Scalar."""
        return relational_loss(student.features, teacher.features)
