"""CRD: contrastive representation distillation (Tian, Krishnan and Isola, arXiv:1910.10699).

Shape legend: B batch, D feature width, N training windows, M of them that are contrasted, E embedding width.
"""

import math
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from factory.contracts.dataset import UNLABELLED
from factory.distill.method import Batch, Setup, Term, View

_EMBEDDING = 128
_TEMPERATURE = 0.07
_MOMENTUM = 0.5
_CONTRASTED = 4096


def contrast_loss(positive: Tensor, negative: Tensor, apart: Tensor, windows: int, log_z: Tensor) -> Tensor:
    """Noise-contrastive estimation: whether a pair is of one window, or of two [paper].

        h(s) = e / (e + k / N), e = exp(s / tau) / Z;   -mean_b [log h(s+) + sum_m log(1 - h(s-_m))]

    Args:
        positive: (B,) cosines of pairs of one window.
        negative: (B, M) cosines with other windows.
        apart: (B, M) bool: which of them are of another class; k of a window is their number.
        windows: N.
        log_z: Scalar, log of Z.
    """
    log_noise = (apart.sum(dim=1).clamp_min(1) / windows).log()
    joint = F.softplus(log_noise - (positive / _TEMPERATURE - log_z))
    wrong = F.softplus((negative / _TEMPERATURE - log_z) - log_noise[:, None]) * apart
    return (joint + wrong.sum(dim=1)).mean()


class CRD(Term):
    """Of pooled features, both through a linear map to 128 of unit length, from student to teacher and back.

    Weight .8, 128, tau = .07, momentum .5 of the bank [code], negatives of other classes alone [paper]. Differences
    [ours]: a step contrasts all windows with the same 4096 of the bank, not each with 16384 of its own; a pair of one
    window is taken from the batch, not from the bank, which is random at first, and Z from negatives alone; mixed
    windows are left out, since the bank has no row for them.
    """

    coefficient: ClassVar[float] = 0.8
    on_features: ClassVar[bool] = True

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self.ours = nn.Linear(setup.student.features, _EMBEDDING)
        self.theirs = nn.Linear(setup.teacher.features, _EMBEDDING)
        self._labels = (setup.labels,)
        for name in ("bank_ours", "bank_theirs"):
            self.register_buffer(name, F.normalize(torch.randn(len(setup.labels), _EMBEDDING), dim=1))
            self.register_buffer(f"log_z_{name}", torch.full((), torch.nan))

    def forward(self, student: View, teacher: View, batch: Batch) -> Tensor:
        """Scalar; the banks move in training mode alone."""
        kept = batch.labels != UNLABELLED
        ours = F.normalize(self.ours(student.features[kept]), dim=1)
        theirs = F.normalize(self.theirs(teacher.features[kept]), dim=1)
        if not len(ours):
            return student.features.sum() * 0
        rows, (labels,) = batch.rows[kept], self._labels
        chosen = torch.randperm(len(labels))[:_CONTRASTED].to(labels.device)
        apart = labels[chosen] != labels[rows][:, None]
        loss = self._side("bank_theirs", ours, theirs, chosen, apart)
        loss = loss + self._side("bank_ours", theirs, ours, chosen, apart)
        if self.training:
            self._store("bank_ours", rows, ours.detach())
            self._store("bank_theirs", rows, theirs.detach())
        return loss

    def _side(self, bank: str, anchor: Tensor, partner: Tensor, chosen: Tensor, apart: Tensor) -> Tensor:
        positive, negative = (anchor * partner).sum(dim=1), anchor @ self.get_buffer(bank)[chosen].T
        windows, log_z = len(self.get_buffer(bank)), self.get_buffer(f"log_z_{bank}")
        if log_z.isnan():  # Z makes e a probability over the bank, 1 / N on average, in the first batch and then stays
            every = negative[apart].detach() / _TEMPERATURE
            log_z = torch.logsumexp(every, dim=0) - math.log(len(every) / windows)
            if self.training:
                self.get_buffer(f"log_z_{bank}").copy_(log_z)
        return contrast_loss(positive, negative, apart, windows, log_z)

    def _store(self, bank: str, rows: Tensor, values: Tensor) -> None:
        stored = self.get_buffer(bank)
        stored[rows] = F.normalize(torch.lerp(values, stored[rows], _MOMENTUM), dim=1)
