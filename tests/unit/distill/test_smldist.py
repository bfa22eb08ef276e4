"""The three losses together on a tiny student and teacher."""

import pytest
import torch
from torch.nn import functional as F

from factory.contracts.recipe import BlockKind, DistillRecipe, HeadKind, TrainRecipe
from factory.distill.method import Memories
from factory.distill.objective import Objective
from factory.distill.smldist import SMLDist
from factory.models import Ensemble, Network, fold
from factory.models.heads import MemoryHead
from tests.unit.distill.pair import ROWS, X, Y, network, setup


def _objective(
    head: HeadKind = "linear", block: BlockKind = "inverted_residual", **weights: float
) -> tuple[Objective, SMLDist, Network, Ensemble, MemoryHead]:
    torch.manual_seed(0)
    student, teacher = network("student", head, block), Ensemble([network("teacher", "linear")]).folded()
    memory = MemoryHead(teacher.first.spec.backbone.features, 3, 2).eval()

    def memories() -> Memories:
        own = student.head if isinstance(student.head, MemoryHead) else None
        ours = own or MemoryHead(student.spec.backbone.features, 3, 2)
        ours.copy_memory(memory)
        return Memories(student=ours, teacher=memory, adapter=own is None)

    recipe = DistillRecipe(patterns=2, stage=1.0, memory=0.1).model_copy(update=weights)
    method = SMLDist(setup(student, teacher.first, Y, recipe, TrainRecipe(label_smoothing=0.0), memories))
    return Objective(student, method, Y, teacher), method, student, teacher, memory


@pytest.mark.parametrize("block", ["inverted_residual", "plain", "residual"])
def test_gradients_reach_student_and_adapters_and_never_the_teacher(block: BlockKind) -> None:
    objective, method, student, teacher, memory = _objective(block=block)
    total, parts = objective.loss(X, ROWS, 0.0)
    total.backward()  # type: ignore[no-untyped-call]
    assert set(parts) == {"logits", "stage", "memory"}
    assert all(not part.requires_grad for part in parts.values())
    assert all(weight.grad is not None for weight in student.parameters())
    assert method.stages is not None
    assert all(weight.grad is not None for weight in method.stages.parameters())
    assert all(weight.grad is None for weight in [*teacher.parameters(), *memory.parameters()])


def test_the_total_is_the_weighted_sum_and_the_stage_weight_fades() -> None:
    torch.manual_seed(1)
    objective, _, student, _, _ = _objective(stage=2.0, memory=0.3)
    student.dropout.p = 0.0
    objective.loss(X, ROWS, 0.0)
    totals = []
    for done in (0.0, 0.75, 1.0):
        total, parts = objective.loss(X, ROWS, done)
        expected = parts["logits"] + 2.0 * (1 - done) * parts["stage"] + 0.3 * parts["memory"]
        torch.testing.assert_close(total.detach(), expected)
        totals.append(total.item())
    assert totals[0] > totals[1] > totals[2]


def test_the_weight_multiplies_all_that_the_teacher_says() -> None:
    def total(weight: float | None) -> tuple[torch.Tensor, torch.Tensor]:
        objective, _, student, _, _ = _objective(weight=weight, mixed=0.0)  # type: ignore[arg-type]
        student.dropout.p = 0.0
        hard = F.cross_entropy(student(X), Y)
        return objective.loss(X, ROWS, 0.25)[0].detach(), hard.detach()

    (plain, hard), (tripled, _) = total(None), total(3.0)
    torch.testing.assert_close(tripled - 0.5 * hard, 3 * (plain - 0.5 * hard), rtol=1e-4, atol=1e-5)


def test_losses_of_weight_zero_are_left_out() -> None:
    objective, _, student, _, _ = _objective(stage=0.0, memory=0.0, logits=0.0, mixed=0.0)
    student.dropout.p = 0.0
    total, parts = objective.loss(X, ROWS, 0.0)
    assert set(parts) == {"logits"}
    torch.testing.assert_close(total, F.cross_entropy(student(X), Y))


def test_a_student_with_a_memory_head_is_distilled_without_an_adapter() -> None:
    objective, method, student, _, _ = _objective("hopfield")
    assert method.adapter is None
    total, _ = objective.loss(X, ROWS, 0.0)
    total.backward()  # type: ignore[no-untyped-call]
    assert isinstance(student.head, MemoryHead)
    assert student.head.stored.grad is not None


@pytest.mark.parametrize("head", ["linear", "hopfield", "cosine", "mlp"])
def test_adapters_are_trained_but_never_part_of_the_student(head: HeadKind) -> None:
    objective, _, student, teacher, _ = _objective(head)
    trained = {id(weight) for weight in objective.parameters()}
    own = {id(weight) for weight in student.parameters()}
    assert own < trained
    assert not trained & {id(weight) for weight in teacher.parameters()}
    plain = set(network("student", head).state_dict())
    assert set(student.state_dict()) == plain
    assert set(fold(student).state_dict()).isdisjoint(name for name in objective.state_dict() if "adapter" in name)


def test_training_mode_leaves_the_teacher_in_evaluation() -> None:
    objective, _, student, teacher, memory = _objective()
    objective.train()
    objective.loss(X, ROWS, 0.0)
    assert student.training
    assert not teacher.training
    assert not memory.training
