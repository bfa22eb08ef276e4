"""CC: correlation between windows under a Gaussian kernel (Peng et al., arXiv:1904.01802).

Shape legend: B batch, D feature width.
"""

import math
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from factory.distill.method import Batch, Term, View

_GAMMA = 0.4
_ORDER = 2


def correlation(features: Tensor) -> Tensor:
    """(B, B) Gaussian kernel of features (B, D) of unit length, by its Taylor series to the second order [paper].

    exp(-gamma ||x - y||^2) = exp(-2 gamma) sum_p (2 gamma)^p / p! (x y)^p, gamma = .4 [paper].
    """
    cosine = F.normalize(features, dim=1)
    cosine = cosine @ cosine.T
    series = [(2 * _GAMMA) ** power / math.factorial(power) * cosine**power for power in range(_ORDER + 1)]
    return math.exp(-2 * _GAMMA) * torch.stack(series).sum(dim=0)


def congruence_loss(ours: Tensor, theirs: Tensor) -> Tensor:
    """||C_S - C_T||_F^2 / B^2 of features (B, D), D of each its own."""
    return F.mse_loss(correlation(ours), correlation(theirs))


class CC(Term):
    """Of pooled features, without the paper's KD beside it; weight 1 [ours].

    The benchmark's weight .02 [code] belongs to another form of the loss, products of neighbouring windows' errors.
    """

    coefficient: ClassVar[float] = 1.0
    on_features: ClassVar[bool] = True

    def forward(self, student: View, teacher: View, batch: Batch) -> Tensor:
        """Scalar."""
        return congruence_loss(student.features, teacher.features)
