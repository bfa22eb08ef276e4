"""SMLDist whole: the three losses on one student, stage weight fading to zero over training.

The authors' code runs phases one after the other [code]; ours are merged, the stage weight fading to zero
[ours]. The two orders have not been compared. Where the teacher answered beforehand, its logits alone teach [ours].
"""

import torch
from torch import Tensor, nn

from factory.distill.logits import taught_loss
from factory.distill.memory import memory_loss
from factory.distill.method import Batch, Memories, Method, Parts, Setup, View
from factory.distill.stage import StageDistiller


class SMLDist(Method):
    """Stage, memory and logits distillation (arXiv:2107.07331); docs/method.md.

    A mixed window follows the teacher alone; the cross-entropy of the others has the label smoothing of every method.
    """

    def __init__(self, setup: Setup) -> None:
        super().__init__()
        self.recipe = setup.distill
        self.mixed = setup.distill.mixed
        self._smoothing = setup.train.label_smoothing
        self.adapter: nn.Module | None = None
        self.stages: StageDistiller | None = None
        # The memories stand outside the module tree: the teacher's is frozen, the student's own head is the student's.
        self._memories: tuple[Memories, ...] = ()
        if setup.memories is None:
            return
        memories = setup.memories()
        self._memories = (memories,)
        if memories.adapter:
            self.adapter = memories.student
        widths = [width for width, _ in setup.student.stages]
        self.stages = StageDistiller(widths, setup.teacher.stages, setup.distill.emphasis)

    def forward(self, student: View, teacher: View, batch: Batch) -> tuple[Tensor, Parts]:
        """Scalar; its parts are 'logits' and, where their weight is not 0, 'stage' and 'memory'."""
        recipe = self.recipe
        logits = taught_loss(student.logits, teacher.logits, batch.labels, recipe, self._smoothing).mean()
        total, parts = logits, {"logits": logits.detach()}
        if recipe.stage > 0:
            assert self.stages is not None, "the recipe refuses a stage loss where the teacher answered beforehand"
            stage = self.stages(student.stages, teacher.stages)
            total = total + recipe.factor * recipe.stage * (1 - batch.done) * stage
            parts["stage"] = stage.detach()
        if recipe.memory > 0:
            memory = self._memory(student, teacher)
            total = total + recipe.factor * recipe.memory * memory
            parts["memory"] = memory.detach()
        return total, parts

    def _memory(self, student: View, teacher: View) -> Tensor:
        (memories,) = self._memories
        with torch.no_grad():
            theirs = memories.teacher.associate(teacher.features)  # type: ignore[operator]
        return memory_loss(memories.student.associate(student.features), theirs, self.recipe.retrieval)  # type: ignore[operator]
