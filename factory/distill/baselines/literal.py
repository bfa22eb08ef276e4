"""Control: SMLDist's logits loss by the literal rule of the authors' early code.

docs/method.md says why its target carries almost nothing.

Shape legend: B batch, K classes.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from factory.contracts.dataset import UNLABELLED
from factory.distill.method import Batch, Method, Parts, Setup, View


def literal_distribution(logits: Tensor) -> Tensor:
    """Softmax of the softmax of L2-normalised logits (B, K): at most e / (e + K - 1) whatever is known [code]."""
    return F.softmax(F.softmax(F.normalize(logits, dim=1), dim=1), dim=1)


def literal_loss(student: Tensor, teacher: Tensor) -> Tensor:
    """KL of the literal distributions of logits (B, K), one loss (B,) a window; no temperature."""
    ours, theirs = literal_distribution(student), literal_distribution(teacher)
    return F.kl_div(ours.log(), theirs, reduction="none").sum(dim=1)


class LiteralSMLDist(Method):
    """(1 - lambda) CE + lambda l, where l is the literal KL if the teacher is right, else the smoothed label's CE.

    lambda, s and the share of mixed windows are those of SMLDist, so that the rule alone differs [ours]. Stage and
    memory losses are left out.
    """

    def __init__(self, setup: Setup) -> None:
        super().__init__()
        self.recipe = setup.distill
        self.mixed = setup.distill.mixed
        self._smoothing = setup.train.label_smoothing

    def forward(self, student: View, teacher: View, batch: Batch) -> tuple[Tensor, Parts]:
        """Scalar; its one part is 'logits'."""
        recipe, labels = self.recipe, batch.labels
        known = labels.clamp_min(0)
        smoothed, hard = (
            F.cross_entropy(student.logits, known, label_smoothing=smoothing, reduction="none")
            for smoothing in (recipe.smoothing, self._smoothing)
        )
        soft = literal_loss(student.logits, teacher.logits)
        conditional = torch.where(teacher.logits.argmax(dim=1) == known, soft, smoothed)
        labelled = (1 - recipe.logits) * hard + recipe.factor * recipe.logits * conditional
        loss = torch.where(labels == UNLABELLED, recipe.factor * soft, labelled).mean()
        return loss, {"logits": loss.detach()}
