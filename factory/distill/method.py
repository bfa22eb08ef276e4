"""What every distillation method is built from, and what it is asked for at each batch.

A method is a `Method`; most add one term to cross-entropy, and those are a `Term`, one file each in baselines/.
factory/distill/registry.py names them.

Shape legend: B batch, C channels of a stage, L time steps of a stage, D feature width, K classes, N training windows.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from factory.contracts.dataset import UNLABELLED
from factory.contracts.recipe import DistillRecipe, TrainRecipe
from factory.distill.logits import mixed_cross_entropy

Parts = dict[str, Tensor]


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """What one network makes of a batch.

    Attributes:
        logits: (B, K); an ensemble's are of all its members.
        features: Pooled, (B, D), of the first member; (B, 0) where a teacher answered beforehand.
        stages: (B, C, 1, L) each, of the first member; none where a teacher answered beforehand.
    """

    logits: Tensor
    features: Tensor
    stages: Sequence[Tensor]


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """What is known of a batch's windows.

    Attributes:
        rows: (B,) which training windows they are.
        own: (B,) class index of each window, -1 (`UNLABELLED`) without a label.
        share: (B,) of itself that a window keeps; below 1 where another is mixed into it.
        other: (B,) place in the batch of the window that is mixed into it.
        done: Share of training that is over, in [0, 1).
    """

    rows: Tensor
    own: Tensor
    share: Tensor
    other: Tensor
    done: float

    @property
    def labels(self) -> Tensor:
        """(B,) class index, -1 where no single label holds: nobody gave one, or the window is mixed."""
        return torch.where(self.share < 1, torch.full_like(self.own, UNLABELLED), self.own)


@dataclass(frozen=True, kw_only=True, slots=True)
class Shapes:
    """Of a network's pooled features (D) and of each of its stages (C, L)."""

    features: int
    stages: tuple[tuple[int, int], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Memories:
    """The student's memory, which has the teacher's patterns, and the teacher's.

    Attributes:
        student: Trained.
        teacher: In eval mode, never updated.
        adapter: Whether the student's stands beside its head, for training alone; else it is that head.
    """

    student: nn.Module
    teacher: nn.Module
    adapter: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Setup:
    """What a method is built from.

    Attributes:
        student: Shapes of what it will be shown.
        teacher: The same.
        labels: (N,) class index of each training window, -1 without a label, on the device of training.
        distill: Weights and temperature.
        train: Label smoothing and the share of mixed windows of the cross-entropy term.
        memories: Makes both memories; None where the teacher answered beforehand.
    """

    student: Shapes
    teacher: Shapes
    labels: Tensor
    distill: DistillRecipe
    train: TrainRecipe
    memories: Callable[[], Memories] | None = None


class Method(nn.Module, ABC):
    """An objective. Its parameters are adapters: trained with the student, thrown away afterwards.

    Attributes:
        mixed: Share of a batch that is mixed windows, unless the teacher answered beforehand.
    """

    mixed: float

    @abstractmethod
    def forward(self, student: View, teacher: View, batch: Batch) -> tuple[Tensor, Parts]:
        """Scalar to minimise, and its parts, detached, for the log; no gradient reaches `teacher`."""


class Term(nn.Module, ABC):
    """What a method adds to cross-entropy; built from a `Setup` alone.

    Attributes:
        coefficient: The published weight of the term; `distill.weight` multiplies it.
        temperature: `distill.temperature`, of those that soften answers.
        on_features: Whether it needs the teacher's features of the student's batch, not its logits alone.
    """

    coefficient: ClassVar[float]
    on_features: ClassVar[bool]

    def __init__(self, setup: Setup) -> None:
        super().__init__()
        self.temperature = setup.distill.tau

    @abstractmethod
    def forward(self, student: View, teacher: View, batch: Batch) -> Tensor:
        """Scalar, mean over the batch."""


class Added(Method):
    """Cross-entropy as of every control, plus a weighted term.

        L = mean_b [y_b known] CE(y_b, z_S) + w L_term

    A mixed window has both labels in the shares of its windows (mixup, arXiv:1710.09412), so that with w = 0 this is
    the control by cross-entropy [ours].
    """

    def __init__(self, term: Term, setup: Setup) -> None:
        super().__init__()
        self.term = term
        self.mixed = setup.train.mixed
        self._smoothing = setup.train.label_smoothing
        self._weight = term.coefficient * setup.distill.factor

    def forward(self, student: View, teacher: View, batch: Batch) -> tuple[Tensor, Parts]:
        """Scalar; its parts are 'labels' and 'term', the latter unweighted."""
        hard = labels_loss(student.logits, batch, self._smoothing)
        term = self.term(student, teacher, batch)
        return hard + self._weight * term, {"labels": hard.detach(), "term": term.detach()}


def labels_loss(logits: Tensor, batch: Batch, smoothing: float) -> Tensor:
    """Cross-entropy to labels and mixed labels: a scalar, mean over the batch, 0 for windows without a label.

    Args:
        logits: (B, K).
        batch: Unlabelled windows are not mixed with labelled ones.
        smoothing: Label smoothing in [0, 1).
    """
    known = batch.own.clamp_min(0)
    rows = mixed_cross_entropy(logits, known, batch.share, batch.other, smoothing)
    return torch.where(batch.own == UNLABELLED, torch.zeros_like(rows), rows).mean()
