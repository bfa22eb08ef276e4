"""SP: which windows of a batch activate alike (Tung and Mori, arXiv:1907.09682).

Shape legend: B batch, M elements of a stage.
"""

from typing import ClassVar

from torch import Tensor
from torch.nn import functional as F

from factory.distill.method import Batch, Term, View


def similarity_loss(ours: Tensor, theirs: Tensor) -> Tensor:
    """||G_S - G_T||_F^2 / B^2, G = F F^T with rows of unit length; activations (B, M), M of each its own."""
    left, right = (F.normalize(values @ values.T, dim=1) for values in (ours, theirs))
    return F.mse_loss(left, right)


class SP(Term):
    """At the last stage, activations flattened [code]; weight 3000 [paper]."""

    coefficient: ClassVar[float] = 3000.0
    on_features: ClassVar[bool] = True

    def forward(self, student: View, teacher: View, batch: Batch) -> Tensor:
        """Scalar."""
        return similarity_loss(student.stages[-1].flatten(1), teacher.stages[-1].flatten(1))
