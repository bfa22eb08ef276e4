"""SelfHAR's self-training: pseudo-labels of which the teacher is sure (Tang et al., arXiv:2102.06073).

In: a new student learns from the windows that a teacher of labelled data is sure of (its most probable class, with
probability .5 or more [code]) beside the labelled ones. Not in: the second task, to tell which of eight transformations
a window went through; the fine-tuning on labelled windows alone with frozen early layers, since labels teach throughout
here; the bound of 10000 windows a class [code], more than a class of these data sets has.

Shape legend: B batch, K classes.
"""

from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from factory.contracts.dataset import UNLABELLED
from factory.distill.method import Batch, Term, View

CONFIDENCE = 0.5


def confident_loss(student: Tensor, teacher: Tensor, asked: Tensor) -> Tensor:
    """CE(argmax z_T, z_S) of the windows that are asked for and that the teacher is sure of, 0 for others: (B,).

    Args:
        student: Logits (B, K).
        teacher: Logits (B, K).
        asked: (B,) bool.
    """
    probability, answer = F.softmax(teacher, dim=1).max(dim=1)
    rows = F.cross_entropy(student, answer, reduction="none")
    return torch.where(asked & (probability >= CONFIDENCE), rows, torch.zeros_like(rows))


class SelfHAR(Term):
    """Where no label holds, mixed windows among them: the teacher's class, if it is sure; weight 1 [code]."""

    coefficient: ClassVar[float] = 1.0
    on_features: ClassVar[bool] = False

    def forward(self, student: View, teacher: View, batch: Batch) -> Tensor:
        """Scalar, mean over the batch, windows that are left out counted as 0."""
        return confident_loss(student.logits, teacher.logits, batch.labels == UNLABELLED).mean()
