"""AT: where in time a stage is active (Zagoruyko and Komodakis, arXiv:1612.03928).

Shape legend: B batch, C channels, L time steps.
"""

from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from factory.distill.baselines.lengths import over_time, same_length
from factory.distill.method import Batch, Term, View


def attention(stage: Tensor) -> Tensor:
    """(B, L) of unit length: the mean square over channels of (B, C, L)."""
    return F.normalize(stage.square().mean(dim=1), dim=1)


def attention_loss(ours: Tensor, theirs: Tensor) -> Tensor:
    """Mean squared error of attention over time, a scalar; stages (B, C, L) of one length, any channels."""
    return F.mse_loss(attention(ours), attention(theirs))


class AT(Term):
    """Sum over stages; weight 1000 [paper: beta; code]."""

    coefficient: ClassVar[float] = 1000.0
    on_features: ClassVar[bool] = True

    def forward(self, student: View, teacher: View, batch: Batch) -> Tensor:
        """Scalar."""
        pairs = zip(student.stages, teacher.stages, strict=True)
        losses = [attention_loss(*same_length(over_time(ours), over_time(theirs))) for ours, theirs in pairs]
        return torch.stack(losses).sum()
