"""Controls without a teacher: what the student learns from labels alone."""

from torch import Tensor

from factory.distill.method import Batch, Method, Parts, Setup, View, labels_loss

SMOOTHING = 0.1


class CrossEntropy(Method):
    """Cross-entropy with mixed windows, as of every method; the teacher is not looked at.

    Args:
        setup: Its training recipe.
        smoothing: Label smoothing in [0, 1).
    """

    def __init__(self, setup: Setup, smoothing: float) -> None:
        super().__init__()
        self.mixed = setup.train.mixed
        self._smoothing = smoothing

    def forward(self, student: View, teacher: View, batch: Batch) -> tuple[Tensor, Parts]:
        """Scalar, no parts."""
        return labels_loss(student.logits, batch, self._smoothing), {}


def cross_entropy(setup: Setup) -> CrossEntropy:
    """With the smoothing that every method has, `train.label_smoothing`."""
    return CrossEntropy(setup, setup.train.label_smoothing)


def label_smoothing(setup: Setup) -> CrossEntropy:
    """Smoothing .1 [paper: arXiv:1512.00567] instead; `distill.weight` multiplies it, up to .9 [ours]."""
    return CrossEntropy(setup, min(SMOOTHING * setup.distill.factor, 0.9))
