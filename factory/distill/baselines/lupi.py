"""LUPI: generalised distillation from a teacher with privileged information (Lopez-Paz et al., arXiv:1511.03643).

Shape legend: B batch, K classes.
"""

from typing import ClassVar

from torch import Tensor
from torch.nn import functional as F

from factory.distill.method import Batch, Term, View


def imitation_loss(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """CE(softmax(z_T / tau), softmax(z_S)), one loss (B,) a window: the student itself is not softened [paper].

    Args:
        student: Logits (B, K).
        teacher: Logits (B, K).
        temperature: tau > 0.
    """
    return -(F.softmax(teacher / temperature, dim=1) * F.log_softmax(student, dim=1)).sum(dim=1)


class LUPI(Term):
    """(1 - lambda) CE(y, z_S) + lambda CE(softmax(z_T / tau), z_S), and the latter alone without a label [paper].

    The paper searches lambda and tau: lambda = .5, so that the weight is 1, and tau = `distill.temperature` are [ours].
    """

    coefficient: ClassVar[float] = 1.0
    on_features: ClassVar[bool] = False

    def forward(self, student: View, teacher: View, batch: Batch) -> Tensor:
        """Scalar."""
        return imitation_loss(student.logits, teacher.logits, self.temperature).mean()
