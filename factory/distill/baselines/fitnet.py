"""FitNet: one hint in the middle of the network (Romero et al., arXiv:1412.6550).

Shape legend: B batch, C channels of the teacher's stage, L its time steps.
"""

from typing import ClassVar

from torch import Tensor
from torch.nn import functional as F

from factory.distill.baselines.lengths import over_time
from factory.distill.method import Batch, Setup, Term, View
from factory.distill.stage import StageAdapter


class FitNet(Term):
    """||r(F_S) - F_T||^2, mean over its elements, at the middle stage [paper]; r is a 1x1 convolution and batch norm.

    The paper trains up to the hint first, then the whole student by KD. One loss of both, weight 100, is the
    benchmark's [code].
    """

    coefficient: ClassVar[float] = 100.0
    on_features: ClassVar[bool] = True

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self.stage = len(setup.student.stages) // 2
        self.adapter = StageAdapter(setup.student.stages[self.stage][0], *setup.teacher.stages[self.stage])

    def forward(self, student: View, teacher: View, batch: Batch) -> Tensor:
        """Scalar."""
        return F.mse_loss(self.adapter(student.stages[self.stage]), over_time(teacher.stages[self.stage]))
