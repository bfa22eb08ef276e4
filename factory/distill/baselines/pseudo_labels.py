"""Hard pseudo-labels: the teacher's most probable class, as if it were the label (Lee, ICML workshop 2013)."""

from typing import ClassVar

from torch import Tensor
from torch.nn import functional as F

from factory.distill.method import Batch, Term, View


class PseudoLabels(Term):
    """CE(argmax z_T, z_S) of every window, labelled ones too; weight 1 [ours].

    Lee's network labels for itself, with a weight that rises during training. Here a trained teacher does: its answers
    are as good at the start as at the end, and nothing rises [ours].
    """

    coefficient: ClassVar[float] = 1.0
    on_features: ClassVar[bool] = False

    def forward(self, student: View, teacher: View, batch: Batch) -> Tensor:
        """Scalar."""
        return F.cross_entropy(student.logits, teacher.logits.argmax(dim=1))
