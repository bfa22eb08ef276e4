"""The three losses together on a tiny student and teacher."""

import pytest
import torch
from torch.nn import functional as F

from factory.contracts.network import NetworkSpec
from factory.contracts.recipe import BlockKind, DistillRecipe, HeadKind
from factory.contracts.window import Normalisation
from factory.distill.smldist import SMLDist
from factory.models import Ensemble, Network, build_network, fold
from factory.models.heads import MemoryHead
from tests.fakes import tiny_recipe

_X = torch.randn(12, 6, 1, 64, generator=torch.Generator().manual_seed(5))
_Y = torch.arange(12) % 3


def _network(role: str, head: HeadKind, block: BlockKind = "inverted_residual") -> Network:
    model = tiny_recipe(block=block).model
    constants = Normalisation(mean=(0.0,) * 6, std=(1.0,) * 6, clip=6.0)
    return build_network(
        NetworkSpec(
            backbone=model.student if role == "student" else model.teacher,
            head=head,
            channels=6,
            window=64,
            classes=3,
            patterns=2,
            normalisation=constants,
        )
    )


def _objective(
    head: HeadKind = "linear", block: BlockKind = "inverted_residual", **weights: float
) -> tuple[SMLDist, Network, Ensemble, MemoryHead]:
    torch.manual_seed(0)
    student, teacher = _network("student", head, block), Ensemble([_network("teacher", "linear")]).folded()
    memory = MemoryHead(teacher.first.spec.backbone.features, 3, 2).eval()
    adapter = None if head == "hopfield" else MemoryHead(student.spec.backbone.features, 3, 2)
    (student.head if adapter is None else adapter).copy_memory(memory)  # type: ignore[operator]
    shapes = [(hint.shape[1], hint.shape[3]) for hint in teacher.teach(_X[:1])[1]]
    recipe = DistillRecipe(patterns=2, stage=1.0, memory=0.1).model_copy(update=weights)
    return SMLDist(student, teacher, adapter, memory, shapes, recipe), student, teacher, memory


@pytest.mark.parametrize("block", ["inverted_residual", "plain", "residual"])
def test_gradients_reach_student_and_adapters_and_never_the_teacher(block: BlockKind) -> None:
    objective, student, teacher, memory = _objective(block=block)
    total, parts = objective.loss(_X, _Y, 0.0)
    total.backward()  # type: ignore[no-untyped-call]
    assert set(parts) == {"logits", "stage", "memory"}
    assert all(not part.requires_grad for part in parts.values())
    assert all(weight.grad is not None for weight in student.parameters())
    assert all(weight.grad is not None for weight in objective.stages.parameters())
    assert all(weight.grad is None for weight in [*teacher.parameters(), *memory.parameters()])


def test_the_total_is_the_weighted_sum_and_the_stage_weight_fades() -> None:
    torch.manual_seed(1)
    objective, student, _, _ = _objective(stage=2.0, memory=0.3)
    student.dropout.p = 0.0
    objective.loss(_X, _Y, 0.0)
    totals = []
    for done in (0.0, 0.75, 1.0):
        total, parts = objective.loss(_X, _Y, done)
        expected = parts["logits"] + 2.0 * (1 - done) * parts["stage"] + 0.3 * parts["memory"]
        torch.testing.assert_close(total.detach(), expected)
        totals.append(total.item())
    assert totals[0] > totals[1] > totals[2]


def test_losses_of_weight_zero_are_left_out() -> None:
    objective, student, _, _ = _objective(stage=0.0, memory=0.0, logits=0.0, mixed=0.0)
    student.dropout.p = 0.0
    total, parts = objective.loss(_X, _Y, 0.0)
    assert set(parts) == {"logits"}
    torch.testing.assert_close(total, F.cross_entropy(student(_X), _Y))


def test_a_student_with_a_memory_head_is_distilled_without_an_adapter() -> None:
    objective, student, _, _ = _objective("hopfield")
    assert objective.adapter is None
    total, _ = objective.loss(_X, _Y, 0.0)
    total.backward()  # type: ignore[no-untyped-call]
    assert isinstance(student.head, MemoryHead)
    assert student.head.stored.grad is not None


@pytest.mark.parametrize("head", ["linear", "hopfield", "cosine", "mlp"])
def test_adapters_are_trained_but_never_part_of_the_student(head: HeadKind) -> None:
    objective, student, teacher, _ = _objective(head)
    trained = {id(weight) for weight in objective.parameters()}
    own = {id(weight) for weight in student.parameters()}
    assert own < trained
    assert not trained & {id(weight) for weight in teacher.parameters()}
    plain = set(_network("student", head).state_dict())
    assert set(student.state_dict()) == plain
    assert set(fold(student).state_dict()).isdisjoint(name for name in objective.state_dict() if "adapter" in name)


def test_training_mode_leaves_the_teacher_in_evaluation() -> None:
    objective, student, teacher, memory = _objective()
    objective.train()
    objective.loss(_X, _Y, 0.0)
    assert student.training
    assert not teacher.training
    assert not memory.training
