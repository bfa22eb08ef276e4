"""KD: the teacher's softened distribution (Hinton, Vinyals and Dean, arXiv:1503.02531)."""

from typing import ClassVar

from torch import Tensor

from factory.distill.logits import distribution_loss
from factory.distill.method import Batch, Term, View


class KD(Term):
    """tau^2 KL(softmax(z_T / tau) || softmax(z_S / tau)).

    tau is `distill.temperature`, by default 4 [code]. The weight 9 is that of .9 KL + .1 CE [code]; the paper asks for
    a considerably lower weight of the labels.
    """

    coefficient: ClassVar[float] = 9.0
    on_features: ClassVar[bool] = False

    def forward(self, student: View, teacher: View, batch: Batch) -> Tensor:
        """Scalar."""
        return distribution_loss(student.logits, teacher.logits, self.temperature).mean()
