"""Memory distillation: relation to patterns that are shared, and an association that says something."""

import math

import pytest
import torch

from factory.distill.memory import memory_loss
from factory.models.heads import MemoryHead


def test_loss_is_zero_for_equal_relations() -> None:
    log_association = torch.log_softmax(torch.randn(4, 6), dim=1)
    retrieved = torch.randn(4, 8)
    loss = memory_loss((log_association, retrieved), (log_association.clone(), retrieved.clone()), 1.0)
    assert loss.item() == pytest.approx(0.0, abs=1e-7)


def test_loss_by_hand() -> None:
    teacher = (torch.tensor([[0.5, 0.5]]).log(), torch.tensor([[1.0, 0.0]]))
    student = (torch.tensor([[0.25, 0.75]]).log(), torch.tensor([[0.0, 2.0]]))
    relation = 0.5 * math.log(0.5 / 0.25) + 0.5 * math.log(0.5 / 0.75)  # KL(teacher || student)
    retrieval = (1.0**2 + 2.0**2) / 2
    assert memory_loss(student, teacher, 0.0).item() == pytest.approx(relation, rel=1e-5)
    assert memory_loss(student, teacher, 0.3).item() == pytest.approx(relation + 0.3 * retrieval, rel=1e-5)


def test_loss_is_a_mean_over_the_batch() -> None:
    teacher = (torch.tensor([[0.5, 0.5]]).log(), torch.zeros(1, 2))
    student = (torch.tensor([[0.25, 0.75]]).log(), torch.ones(1, 2))
    student2, teacher2 = ((side[0].repeat(2, 1), side[1].repeat(2, 1)) for side in (student, teacher))
    single, doubled = memory_loss(student, teacher, 1.0), memory_loss(student2, teacher2, 1.0)
    assert single.item() == pytest.approx(doubled.item(), rel=1e-6)


def test_gradients_reach_the_students_query_and_copied_patterns() -> None:
    torch.manual_seed(0)
    teacher, student = MemoryHead(16, 3, 2).eval(), MemoryHead(8, 3, 2)
    student.copy_memory(teacher)
    with torch.no_grad():
        relation = teacher.associate(torch.randn(5, 16))
    memory_loss(student.associate(torch.randn(5, 8)), relation, 1.0).backward()  # type: ignore[no-untyped-call]
    assert student.query.weight.grad is not None
    assert student.query.weight.grad.abs().sum() > 0
    assert all(weight.grad is None for weight in teacher.parameters())
