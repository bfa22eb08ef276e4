"""ReviewKD: a student's deep stages help to follow the teacher's shallow ones (Chen et al., arXiv:2104.09044).

Shape legend: B batch, C channels, L time steps, M width in between.
"""

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from factory.distill.baselines.lengths import over_time
from factory.distill.method import Batch, Setup, Term, View

_MOST = 512
_WARMUP = 20 / 240
_LEVELS = (4, 2, 1)


def hierarchical_loss(ours: Tensor, theirs: Tensor) -> Tensor:
    """Squared error at full length, and of averages over 4, 2 and 1 parts of it [paper], each half the one before.

    Args:
        ours: (B, C, L).
        theirs: (B, C, L).

    Returns:
        Scalar; the weights 1, 1/2, 1/4, 1/8 of the levels that are shorter than L are divided by their sum [code].
    """
    losses, weights = [F.mse_loss(ours, theirs)], [1.0]
    for length in _LEVELS:
        if length < ours.shape[2]:
            left, right = (F.adaptive_avg_pool1d(stage, length) for stage in (ours, theirs))
            losses.append(F.mse_loss(left, right))
            weights.append(weights[-1] / 2)
    return torch.stack([weight * loss for weight, loss in zip(weights, losses, strict=True)]).sum() / sum(weights)


class Fusion(nn.Module):
    """A stage of the student, fused by attention with what came of the deeper ones, in the teacher's shape."""

    def __init__(self, inputs: int, middle: int, outputs: int, length: int, deepest: bool) -> None:
        super().__init__()
        self.length = length
        self.enter = nn.Sequential(nn.Conv1d(inputs, middle, 1, bias=False), nn.BatchNorm1d(middle))
        self.leave = nn.Sequential(nn.Conv1d(middle, outputs, 3, padding=1, bias=False), nn.BatchNorm1d(outputs))
        self.attend = None if deepest else nn.Sequential(nn.Conv1d(2 * middle, 2, 1), nn.Sigmoid())

    def forward(self, stage: Tensor, deeper: Tensor | None) -> tuple[Tensor, Tensor]:
        """(B, outputs, length), and (B, M, L_s) for the next shallower stage, of a stage (B, inputs, L_s)."""
        fused = self.enter(stage)
        if self.attend is not None:
            assert deeper is not None
            deeper = F.interpolate(deeper, size=fused.shape[2], mode="nearest")
            share = self.attend(torch.cat([fused, deeper], dim=1))
            fused = share[:, :1] * fused + share[:, 1:] * deeper
        shaped = fused if fused.shape[2] == self.length else F.interpolate(fused, size=self.length, mode="nearest")
        return self.leave(shaped), fused


class ReviewKD(Term):
    """Sum over stages and pooled features, from deep to shallow; weight 1 [code].

    M is the widest of the student's, at most 512 [code]. The weight rises over the first 20 of 240 epochs [code],
    here over the same share.
    """

    coefficient: ClassVar[float] = 1.0
    on_features: ClassVar[bool] = True

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        ours, theirs = ([*shapes.stages, (shapes.features, 1)] for shapes in (setup.student, setup.teacher))
        middle = min(_MOST, max(width for width, _ in ours))
        self.fusions = nn.ModuleList(
            Fusion(width, middle, *shape, deepest=index == len(ours) - 1)
            for index, ((width, _), shape) in enumerate(zip(ours, theirs, strict=True))
        )

    def forward(self, student: View, teacher: View, batch: Batch) -> Tensor:
        """Scalar."""
        total, deeper = student.features.new_zeros(()), None
        triples = list(zip(self.fusions, _levels(student), _levels(teacher), strict=True))
        for fusion, ours, theirs in reversed(triples):
            shaped, deeper = fusion(ours, deeper)
            total = total + hierarchical_loss(shaped, theirs)
        return min(batch.done / _WARMUP, 1.0) * total


def _levels(view: View) -> list[Tensor]:
    return [*(over_time(stage) for stage in view.stages), view.features[:, :, None]]
