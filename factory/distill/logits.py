"""Logits distillation by a smoothed conditional rule [paper rule; scaling ours].

Shape legend: B batch, K classes.
"""

import torch
from torch import Tensor
from torch.nn import functional as F


def conditional_loss(student: Tensor, teacher: Tensor, labels: Tensor, temperature: float, smoothing: float) -> Tensor:
    """Towards the teacher's distribution where it is right, towards the smoothed label where it is wrong.

        teacher right:  tau^2 KL(softmax(z_T / tau) || softmax(z_S / tau))
        teacher wrong:  CE((1 - s) e_y + s / K, softmax(z_S))

    The smoothed label is compared at temperature 1. Compared at tau, as one formula for both cases would have it, it
    asks for logits tau times as far apart, at tau^2 times the weight: the few windows that the teacher gets wrong then
    outweigh all others [ours].

    Args:
        student: Logits (B, K).
        teacher: Logits (B, K), detached.
        labels: (B,) class indices.
        temperature: tau > 0.
        smoothing: s in [0, 1].

    Returns:
        (B,), one loss a window.
    """
    target = F.softmax(teacher / temperature, dim=1)
    soft = F.kl_div(F.log_softmax(student / temperature, dim=1), target, reduction="none").sum(dim=1)
    hard = F.cross_entropy(student, labels, label_smoothing=smoothing, reduction="none")
    return torch.where(teacher.argmax(dim=1) == labels, temperature**2 * soft, hard)


def logits_loss(
    student: Tensor, labels: Tensor, conditional: Tensor, weight: float, label_smoothing: float = 0.0
) -> Tensor:
    """(1 - lambda) CE(y, z_S) + lambda times the mean conditional loss; docs/method.md#logits.

    Args:
        student: Logits (B, K).
        labels: (B,) class indices.
        conditional: (B,) from `conditional_loss`.
        weight: lambda in [0, 1].
        label_smoothing: Of the cross-entropy term, the same as every other method's [ours].

    Returns:
        Scalar, mean over the batch.
    """
    return (1 - weight) * F.cross_entropy(
        student, labels, label_smoothing=label_smoothing
    ) + weight * conditional.mean()
