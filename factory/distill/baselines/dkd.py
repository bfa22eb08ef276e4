"""DKD: decoupled knowledge distillation (Zhao et al., arXiv:2203.08679).

Shape legend: B batch, K classes.
"""

from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from factory.contracts.dataset import UNLABELLED
from factory.distill.method import Batch, Term, View

_ALPHA, _BETA = 1.0, 8.0
_WARMUP = 20 / 240
_ABSENT = -1e4
"""Added to the target's logit to take it out of a softmax."""


def decoupled_loss(
    student: Tensor, teacher: Tensor, target: Tensor, temperature: float, alpha: float = _ALPHA, beta: float = _BETA
) -> Tensor:
    """tau^2 (alpha TCKD + beta NCKD), one loss (B,) a window.

    TCKD is the KL of (p_target, 1 - p_target), NCKD the KL of the distributions over the other classes, all at tau.

    Args:
        student: Logits (B, K).
        teacher: Logits (B, K).
        target: (B,) class indices.
        temperature: tau > 0.
        alpha: 1 [paper].
        beta: 8 [code]; the paper tunes it for each pair of networks.
    """
    chosen = F.one_hot(target, student.shape[1]).bool()
    halves, others = [], []
    for logits in (student / temperature, teacher / temperature):
        log_p = F.log_softmax(logits, dim=1)
        of_target = log_p[chosen]
        of_rest = torch.logsumexp(log_p.masked_fill(chosen, -torch.inf), dim=1)
        halves.append(torch.stack([of_target, of_rest], dim=1))
        others.append(F.log_softmax(logits + _ABSENT * chosen, dim=1))
    tckd, nckd = (
        F.kl_div(ours, theirs, reduction="none", log_target=True).sum(dim=1) for ours, theirs in (halves, others)
    )
    return temperature**2 * (alpha * tckd + beta * nckd)


class DKD(Term):
    """The target class is the label; where none holds, mixed windows among them, the teacher's answer [ours].

    alpha = 1 [paper], beta = 8 [code]; the weight rises over the first 20 of 240 epochs [code], here the same share.
    tau is `distill.temperature`, by default 4 [paper].
    """

    coefficient: ClassVar[float] = 1.0
    on_features: ClassVar[bool] = False

    def forward(self, student: View, teacher: View, batch: Batch) -> Tensor:
        """Scalar."""
        target = torch.where(batch.labels == UNLABELLED, teacher.logits.argmax(dim=1), batch.labels)
        loss = decoupled_loss(student.logits, teacher.logits, target, self.temperature).mean()
        return min(batch.done / _WARMUP, 1.0) * loss
