"""VID: a variational bound on the information that stages share (Ahn et al., arXiv:1904.05835).

Shape legend: B batch, C channels of the teacher's stage, L its time steps.
"""

import math
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from factory.distill.baselines.lengths import over_time
from factory.distill.method import Batch, Setup, Term, View

_FIRST_VARIANCE = 5.0
_LEAST_VARIANCE = 1e-5


def negative_log_likelihood(mean: Tensor, variance: Tensor, hint: Tensor) -> Tensor:
    """1/2 [(mu - F_T)^2 / sigma^2 + log sigma^2], a scalar, mean over elements; constants left out.

    Args:
        mean: (B, C, L).
        variance: (C,), one a channel [paper].
        hint: (B, C, L).
    """
    spread = variance[None, :, None]
    return 0.5 * ((mean - hint).square() / spread + spread.log()).mean()


class StageDensity(nn.Module):
    """A Gaussian of the teacher's stage given the student's: three 1x1 convolutions [code] and a variance a channel."""

    def __init__(self, inputs: int, outputs: int, length: int) -> None:
        super().__init__()
        self.length = length
        self.mean = nn.Sequential(
            nn.Conv1d(inputs, outputs, 1),
            nn.ReLU(),
            nn.Conv1d(outputs, outputs, 1),
            nn.ReLU(),
            nn.Conv1d(outputs, outputs, 1),
        )
        start = math.log(math.expm1(_FIRST_VARIANCE - _LEAST_VARIANCE))
        self.spread = nn.Parameter(torch.full((outputs,), start))

    def forward(self, ours: Tensor, hint: Tensor) -> Tensor:
        """Scalar loss of a student's stage (B, C_s, L_s) against the teacher's (B, C, L)."""
        if ours.shape[2] != self.length:
            ours = F.adaptive_avg_pool1d(ours, self.length)
        return negative_log_likelihood(self.mean(ours), F.softplus(self.spread) + _LEAST_VARIANCE, hint)


class VID(Term):
    """Sum over stages; weight 1, first variance 5 [code]."""

    coefficient: ClassVar[float] = 1.0
    on_features: ClassVar[bool] = True

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        pairs = zip(setup.student.stages, setup.teacher.stages, strict=True)
        self.densities = nn.ModuleList(StageDensity(ours[0], *theirs) for ours, theirs in pairs)

    def forward(self, student: View, teacher: View, batch: Batch) -> Tensor:
        """Scalar."""
        triples = zip(self.densities, student.stages, teacher.stages, strict=True)
        return torch.stack([density(over_time(ours), over_time(theirs)) for density, ours, theirs in triples]).sum()
