"""Distillation from answers that the teacher gave beforehand [ours].

The teacher need not see what the student sees: it may have more channels, and its answer to a window is the mean over
several crops, without augmentation (factory/training/answers.py).
"""

from torch import Tensor, nn

from factory.contracts.recipe import DistillRecipe
from factory.distill.logits import taught_loss


class AnswerDistillation(nn.Module):
    """The student's objective over windows whose answers are known.

    Args:
        student: Trained in place.
        labels: (N,) class index of each training window, -1 without a label.
        answers: (N, K) the teacher's logits for the same windows in the same order.
        recipe: Weights.
        label_smoothing: Of the cross-entropy term.
    """

    def __init__(
        self, student: nn.Module, labels: Tensor, answers: Tensor, recipe: DistillRecipe, label_smoothing: float
    ) -> None:
        super().__init__()
        self.student = student
        self.recipe = recipe
        self.label_smoothing = label_smoothing
        # Held outside the module tree: no part of the student's checkpoint.
        self._known = (labels, answers)

    def loss(self, x: Tensor, rows: Tensor, done: float) -> tuple[Tensor, dict[str, Tensor]]:
        """Loss of a batch.

        Args:
            x: (B, C, 1, T) augmented windows, SI units.
            rows: (B,) which training windows they are.
            done: Share of training that is over; not used.

        Returns:
            Scalar to minimise, and its part, detached, for the log.
        """
        labels, answers = (known[rows] for known in self._known)
        loss = taught_loss(self.student(x), answers, labels, self.recipe, self.label_smoothing).mean()
        return loss, {"logits": loss.detach()}
