"""Logits distillation by a smoothed conditional rule [paper rule; scaling ours].

Shape legend: B batch, K classes.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from factory.contracts.dataset import UNLABELLED
from factory.contracts.recipe import DistillRecipe


def distribution_loss(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """tau^2 KL(softmax(z_T / tau) || softmax(z_S / tau)), one loss (B,) a window; needs no labels.

    Args:
        student: Logits (B, K).
        teacher: Logits (B, K), detached.
        temperature: tau > 0.
    """
    target = F.softmax(teacher / temperature, dim=1)
    rows = F.kl_div(F.log_softmax(student / temperature, dim=1), target, reduction="none").sum(dim=1)
    return temperature**2 * rows


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
    soft = distribution_loss(student, teacher, temperature)
    hard = F.cross_entropy(student, labels, label_smoothing=smoothing, reduction="none")
    return torch.where(teacher.argmax(dim=1) == labels, soft, hard)


def logits_loss(
    student: Tensor, labels: Tensor, conditional: Tensor, weight: float, label_smoothing: float = 0.0
) -> Tensor:
    """(1 - lambda) CE(y, z_S) + lambda times the conditional loss; docs/method.md#logits.

    Args:
        student: Logits (B, K).
        labels: (B,) class indices.
        conditional: (B,) from `conditional_loss`.
        weight: lambda in [0, 1].
        label_smoothing: Of the cross-entropy term, the same as every other method's [ours].

    Returns:
        (B,), one loss a window.
    """
    hard = F.cross_entropy(student, labels, label_smoothing=label_smoothing, reduction="none")
    return (1 - weight) * hard + weight * conditional


def mixed_cross_entropy(logits: Tensor, labels: Tensor, share: Tensor, other: Tensor, smoothing: float) -> Tensor:
    """Cross-entropy (B,) to both labels of mixed windows in the shares of their windows (mixup, arXiv:1710.09412).

    Args:
        logits: (B, K).
        labels: (B,) class indices of the windows before they were mixed.
        share: (B,) as of `mix_pairs`.
        other: (B,) as of `mix_pairs`.
        smoothing: Label smoothing in [0, 1).
    """
    own, others = (
        F.cross_entropy(logits, target, label_smoothing=smoothing, reduction="none")
        for target in (labels, labels[other])
    )
    return share * own + (1 - share) * others


def taught_loss(
    student: Tensor, teacher: Tensor, labels: Tensor, recipe: DistillRecipe, label_smoothing: float = 0.0
) -> Tensor:
    """What a window teaches: label and teacher where it has a label, the teacher alone where it has none.

    Args:
        student: Logits (B, K).
        teacher: Logits (B, K), detached.
        labels: (B,) class indices, -1 without a label.
        recipe: lambda, tau and s; its weight multiplies what the teacher says.
        label_smoothing: Of the cross-entropy term.

    Returns:
        (B,), one loss a window.
    """
    known = labels.clamp_min(0)
    conditional = recipe.factor * conditional_loss(student, teacher, known, recipe.tau, recipe.smoothing)
    labelled = logits_loss(student, known, conditional, recipe.logits, label_smoothing)
    alone = recipe.factor * distribution_loss(student, teacher, recipe.tau)
    return torch.where(labels == UNLABELLED, alone, labelled)


def mix(x: Tensor, count: int) -> Tensor:
    """The last `count` of a batch's windows (B, C, 1, T) mixed with one another, shares uniform in [0, 1].

    Between two windows no label holds, but the teacher has an answer: most of what it knows of a boundary between
    classes is said there [ours, after arXiv:2106.05237].
    """
    return mix_pairs(x, count)[0]


def mix_pairs(x: Tensor, count: int) -> tuple[Tensor, Tensor, Tensor]:
    """The last `count` windows of a batch mixed with one another, and what each is made of.

    Args:
        x: (B, C, 1, T).
        count: Of windows to mix, at most B.

    Returns:
        (B, C, 1, T) windows, the share (B,) that each keeps of itself, 1 where it is not mixed, and the index (B,) of
        the window that it is mixed with.
    """
    plain = len(x) - count
    share = torch.cat([torch.ones(plain), torch.rand(count)]).to(x.device)
    other = torch.cat([torch.arange(plain), plain + torch.randperm(count)]).to(x.device)
    rows = share.view(-1, 1, 1, 1)
    return rows * x + (1 - rows) * x[other], share, other
