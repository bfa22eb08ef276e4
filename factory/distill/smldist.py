"""SMLDist whole: the three losses on one student, stage weight fading to zero over training.

The authors' code runs phases one after the other [code]; ours are merged, the stage weight fading to zero
[ours]. The two orders have not been compared.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from factory.contracts.dataset import UNLABELLED
from factory.contracts.recipe import DistillRecipe
from factory.distill.logits import mix, taught_loss
from factory.distill.memory import memory_loss
from factory.distill.stage import StageDistiller


class SMLDist(nn.Module):
    """The student's objective under a frozen teacher; its adapters are trained and then thrown away.

    Args:
        student: Trained in place.
        teacher: An ensemble in eval mode, never updated.
        adapter: The student's memory, sharing the teacher's patterns; None where the student's head is one itself.
        teacher_memory: The teacher's memory, frozen.
        hint_shapes: (C, L) of each teacher stage.
        recipe: Weights.
        label_smoothing: Of the cross-entropy term.
    """

    def __init__(
        self,
        student: nn.Module,
        teacher: nn.Module,
        adapter: nn.Module | None,
        teacher_memory: nn.Module,
        hint_shapes: Sequence[tuple[int, int]],
        recipe: DistillRecipe,
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__()
        self.student = student
        self.stages = StageDistiller(student.stage_widths, hint_shapes, recipe.emphasis)  # type: ignore[arg-type]
        self.adapter = adapter
        self.recipe = recipe
        self.label_smoothing = label_smoothing
        # Held outside the module tree: neither trained nor saved with the student's checkpoint.
        self._frozen = (teacher, teacher_memory)

    def loss(self, x: Tensor, y: Tensor, done: float) -> tuple[Tensor, dict[str, Tensor]]:
        """Loss of a batch.

        Args:
            x: (B, C, 1, T) augmented windows, SI units.
            y: (B,) class indices.
            done: Share of training that is over, in [0, 1].

        Returns:
            Scalar to minimise, and its parts, detached, for the log.
        """
        recipe = self.recipe
        teacher, teacher_memory = self._frozen
        if mixed := round(recipe.mixed * len(x)):  # no label holds between two windows
            x, y = mix(x, mixed), torch.cat([y[:-mixed], torch.full_like(y[-mixed:], UNLABELLED)])
        with torch.no_grad():
            teacher_features, hints, teacher_logits = teacher.teach(x)  # type: ignore[operator]
            teacher_relation = teacher_memory.associate(teacher_features)  # type: ignore[operator]
        features, outputs = self.student.backbone(x)  # type: ignore[operator]
        logits = self.student.head(self.student.dropout(features))  # type: ignore[operator]
        total = parts_logits = taught_loss(logits, teacher_logits, y, recipe, self.label_smoothing).mean()
        parts = {"logits": parts_logits.detach()}
        if recipe.stage > 0:
            stage = self.stages(outputs, hints)
            total = total + recipe.stage * (1 - done) * stage
            parts["stage"] = stage.detach()
        if recipe.memory > 0:
            associate = (self.student.head if self.adapter is None else self.adapter).associate  # type: ignore[union-attr]
            memory = memory_loss(associate(features), teacher_relation, recipe.retrieval)  # type: ignore[operator]
            total = total + recipe.memory * memory
            parts["memory"] = memory.detach()
        return total, parts
