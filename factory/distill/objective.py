"""A student under a method: the one loss that training minimises, whichever the method.

Shape legend: B batch, C sensor channels, T time steps, K classes, N training windows.
"""

from collections.abc import Sequence
from typing import Protocol, cast

import torch
from torch import Tensor, nn

from factory.distill.logits import mix_pairs
from factory.distill.method import Batch, Method, Parts, View


class Student(Protocol):
    """A network that is trained; its features and stages are shown to the method."""

    dropout: nn.Module
    head: nn.Module

    def backbone(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Pooled features (B, D) and stages (B, C_s, 1, L_s) of windows (B, C, 1, T)."""


class Teacher(Protocol):
    """A network in eval mode, never updated."""

    def teach(self, x: Tensor) -> tuple[Tensor, list[Tensor], Tensor]:
        """Features, stages and logits (B, K) of windows (B, C, 1, T)."""


class Objective(nn.Module):
    """The student and the method's adapters, trained together; the teacher stands outside.

    Args:
        student: Trained in place; a `Student`.
        method: What is minimised.
        labels: (N,) class index of each training window, -1 without a label, on the device of training.
        teacher: Shown the student's own batches. None for a method without a teacher, and with `answers`.
        answers: (N, K) the teacher's logits for the training windows, computed beforehand. The windows are then not
            mixed, since between two windows there is no answer.
    """

    def __init__(
        self,
        student: nn.Module,
        method: Method,
        labels: Tensor,
        teacher: Teacher | None = None,
        answers: Tensor | None = None,
    ) -> None:
        super().__init__()
        self.student = student
        self.method = method
        # Held outside the module tree: neither trained nor saved with the student's checkpoint.
        self._held = (labels, teacher, answers)

    def loss(self, x: Tensor, rows: Tensor, done: float) -> tuple[Tensor, Parts]:
        """Loss of a batch.

        Args:
            x: (B, C, 1, T) augmented windows, SI units.
            rows: (B,) which training windows they are.
            done: Share of training that is over, in [0, 1).

        Returns:
            Scalar to minimise, and its parts, detached, for the log.
        """
        labels, teacher, answers = self._held
        share, other = torch.ones(len(x), device=x.device), torch.arange(len(x), device=x.device)
        if answers is None and (count := round(self.method.mixed * len(x))):
            x, share, other = mix_pairs(x, count)
        taught = _shown(x, rows, teacher, answers)
        student = cast(Student, self.student)
        features, stages = student.backbone(x)
        seen = View(logits=student.head(student.dropout(features)), features=features, stages=stages)
        batch = Batch(rows=rows, own=labels[rows], share=share, other=other, done=done)
        return cast(tuple[Tensor, Parts], self.method(seen, taught, batch))


@torch.no_grad()
def _shown(x: Tensor, rows: Tensor, teacher: Teacher | None, answers: Tensor | None) -> View:
    nothing = x.new_empty(len(x), 0)
    stages: Sequence[Tensor] = ()
    if answers is not None:
        return View(logits=answers[rows], features=nothing, stages=stages)
    if teacher is None:
        return View(logits=nothing, features=nothing, stages=stages)
    features, stages, logits = teacher.teach(x)
    return View(logits=logits, features=features, stages=stages)
