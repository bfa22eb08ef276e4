"""DIST: correlations of the answers instead of their exact values (Huang et al., arXiv:2205.10536).

Shape legend: B batch, K classes.
"""

from typing import ClassVar

from torch import Tensor
from torch.nn import functional as F

from factory.distill.method import Batch, Term, View

_BETA, _GAMMA = 1.0, 1.0


def pearson_distance(ours: Tensor, theirs: Tensor) -> Tensor:
    """1 - Pearson's correlation of the rows of (M, N): a scalar, mean over rows, in [0, 2]."""
    ours, theirs = (values - values.mean(dim=1, keepdim=True) for values in (ours, theirs))
    return 1 - F.cosine_similarity(ours, theirs, dim=1).mean()


def relation_loss(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """tau^2 (beta d(rows) + gamma d(columns)) of the probabilities at tau: within a window, and within a class.

    Args:
        student: Logits (B, K).
        teacher: Logits (B, K).
        temperature: tau > 0.
    """
    ours, theirs = (F.softmax(logits / temperature, dim=1) for logits in (student, teacher))
    inter, intra = pearson_distance(ours, theirs), pearson_distance(ours.T, theirs.T)
    return temperature**2 * (_BETA * inter + _GAMMA * intra)


class DIST(Term):
    """beta = gamma = 1 [code]; tau is `distill.temperature`, by default 4, tau^2 before it [code]."""

    coefficient: ClassVar[float] = 1.0
    on_features: ClassVar[bool] = False

    def forward(self, student: View, teacher: View, batch: Batch) -> Tensor:
        """Scalar."""
        return relation_loss(student.logits, teacher.logits, self.temperature)
