"""Stages of networks that stride differently, brought to one length.

Shape legend: B batch, C channels, L time steps.
"""

from torch import Tensor
from torch.nn import functional as F


def over_time(stage: Tensor) -> Tensor:
    """(B, C, L) of a stage (B, C, 1, L)."""
    return stage.squeeze(2)


def same_length(ours: Tensor, theirs: Tensor) -> tuple[Tensor, Tensor]:
    """Both (B, C, L), the longer one averaged over time to the length of the shorter [code]."""
    length = min(ours.shape[2], theirs.shape[2])
    return _shortened(ours, length), _shortened(theirs, length)


def _shortened(stage: Tensor, length: int) -> Tensor:
    return stage if stage.shape[2] == length else F.adaptive_avg_pool1d(stage, length)
