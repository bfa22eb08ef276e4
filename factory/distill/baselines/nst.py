"""NST: the distribution of channels' activation over time (Huang and Wang, arXiv:1707.01219).

Shape legend: B batch, C channels, L time steps.
"""

from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from factory.distill.baselines.lengths import over_time, same_length
from factory.distill.method import Batch, Term, View


def selectivity_loss(ours: Tensor, theirs: Tensor) -> Tensor:
    """Squared maximum mean discrepancy of channels under (x y)^2 [paper], a scalar, mean over the batch.

    A channel is one sample: its activation over time, of unit length. Stages (B, C, L) of one length, any channels.
    """
    left, right = (F.normalize(stage, dim=2) for stage in (ours, theirs))
    return _kernel(left, left) + _kernel(right, right) - 2 * _kernel(left, right)


def _kernel(left: Tensor, right: Tensor) -> Tensor:
    return (left @ right.transpose(1, 2)).square().mean()


class NST(Term):
    """Sum over stages; weight 50 [paper: lambda; code]."""

    coefficient: ClassVar[float] = 50.0
    on_features: ClassVar[bool] = True

    def forward(self, student: View, teacher: View, batch: Batch) -> Tensor:
        """Scalar."""
        pairs = zip(student.stages, teacher.stages, strict=True)
        losses = [selectivity_loss(*same_length(over_time(ours), over_time(theirs))) for ours, theirs in pairs]
        return torch.stack(losses).sum()
