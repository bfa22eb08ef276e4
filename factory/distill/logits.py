"""Logits distillation by a smoothed conditional rule [paper rule; scaling ours].

Shape legend: B batch, K classes.
"""

import torch
from torch import Tensor
from torch.nn import functional as F


def conditional_target(teacher: Tensor, labels: Tensor, temperature: float, smoothing: float) -> Tensor:
    """The teacher's softened distribution where it is right, the smoothed label where it is wrong.

    Args:
        teacher: Logits (B, K).
        labels: (B,) class indices.
        temperature: tau > 0.
        smoothing: s in [0, 1]; mass spread over all classes where the teacher is wrong.

    Returns:
        (B, K), rows sum to one.
    """
    classes = teacher.shape[1]
    smoothed = F.one_hot(labels, classes) * (1 - smoothing) + smoothing / classes
    right = (teacher.argmax(dim=1) == labels)[:, None]
    return torch.where(right, F.softmax(teacher / temperature, dim=1), smoothed)


def logits_loss(student: Tensor, labels: Tensor, target: Tensor, temperature: float, weight: float) -> Tensor:
    """(1 - lambda) CE(y, z_S) + lambda tau^2 KL(t || softmax(z_S / tau)); docs/method.md#logits.

    Args:
        student: Logits (B, K).
        labels: (B,) class indices.
        target: (B, K) from `conditional_target`.
        temperature: tau > 0.
        weight: lambda in [0, 1].

    Returns:
        Scalar, mean over the batch.
    """
    soft = F.kl_div(F.log_softmax(student / temperature, dim=1), target, reduction="batchmean")
    return (1 - weight) * F.cross_entropy(student, labels) + weight * temperature**2 * soft
