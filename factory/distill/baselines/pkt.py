"""PKT: how probable each other window of the batch is as a neighbour (Passalis and Tefas, arXiv:1803.10837).

Shape legend: B batch, D feature width.
"""

from typing import ClassVar

from torch import Tensor
from torch.nn import functional as F

from factory.distill.method import Batch, Term, View

_LEAST = 1e-7


def neighbourhood(features: Tensor) -> Tensor:
    """(B, B) rows that sum to one: (cosine + 1) / 2 of features (B, D), a window with itself included [code]."""
    units = F.normalize(features, dim=1, eps=_LEAST)
    kernel = (units @ units.T + 1) / 2
    return kernel / kernel.sum(dim=1, keepdim=True)


def neighbourhood_loss(ours: Tensor, theirs: Tensor) -> Tensor:
    """KL(P_T || P_S), a scalar, mean over windows; features (B, D), D of each its own."""
    log_ours, log_theirs = ((neighbourhood(values) + _LEAST).log() for values in (ours, theirs))
    return F.kl_div(log_ours, log_theirs, reduction="batchmean", log_target=True)


class PKT(Term):
    """Of pooled features; weight 30000 / 64: 30000 before a mean over B^2 at B = 64 [code]."""

    coefficient: ClassVar[float] = 30000 / 64
    on_features: ClassVar[bool] = True

    def forward(self, student: View, teacher: View, batch: Batch) -> Tensor:
        """Scalar."""
        return neighbourhood_loss(student.features, teacher.features)
