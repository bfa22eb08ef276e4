"""Logits distillation: the conditional rule and the loss, against numbers worked by hand."""

import math

import pytest
import torch
from torch.nn import functional as F

from factory.distill.logits import conditional_target, logits_loss


def test_a_right_teacher_gives_its_own_softened_distribution() -> None:
    # At tau = 2, logits (2 ln 6, 2 ln 3, 0) soften to 6 : 3 : 1.
    teacher = torch.tensor([[2 * math.log(6), 2 * math.log(3), 0.0]])
    target = conditional_target(teacher, torch.tensor([0]), 2.0, 0.1)
    torch.testing.assert_close(target, torch.tensor([[0.6, 0.3, 0.1]]))


def test_a_wrong_teacher_is_replaced_by_the_smoothed_label() -> None:
    teacher = torch.tensor([[5.0, 1.0, 0.0]])
    target = conditional_target(teacher, torch.tensor([2]), 2.0, 0.3)
    torch.testing.assert_close(target, torch.tensor([[0.1, 0.1, 0.8]]))


def test_each_window_of_a_batch_follows_its_own_condition() -> None:
    teacher = torch.tensor([[4.0, 0.0], [4.0, 0.0]])
    target = conditional_target(teacher, torch.tensor([0, 1]), 4.0, 0.2)
    torch.testing.assert_close(
        target, torch.stack([torch.softmax(torch.tensor([1.0, 0.0]), 0), torch.tensor([0.1, 0.9])])
    )


def test_targets_sum_to_one() -> None:
    torch.manual_seed(0)
    target = conditional_target(torch.randn(64, 5), torch.randint(5, (64,)), 4.0, 0.1)
    torch.testing.assert_close(target.sum(dim=1), torch.ones(64))


def test_a_higher_temperature_flattens_the_target() -> None:
    teacher, labels = torch.tensor([[4.0, 1.0, 0.0]]), torch.tensor([0])
    cold, warm = (conditional_target(teacher, labels, tau, 0.1)[0, 0].item() for tau in (1.0, 8.0))
    assert cold > warm > 1 / 3


def test_a_confident_teacher_is_not_capped_near_uniform() -> None:
    # The early code's softmax of softmax of L2-normalised logits cannot exceed e / (e + K - 1) = 0.35 for K = 6.
    teacher = torch.tensor([[30.0, 0.0, 0.0, 0.0, 0.0, 0.0]])
    early = F.softmax(F.softmax(F.normalize(teacher, dim=1), dim=1), dim=1)
    assert early.max().item() < math.e / (math.e + 5)
    assert conditional_target(teacher, torch.tensor([0]), 4.0, 0.1).max().item() > 0.99


def test_loss_by_hand() -> None:
    student = torch.tensor([[2 * math.log(3), 0.0]])  # 9 : 1 plain, 3 : 1 at tau = 2
    target, labels = torch.tensor([[0.5, 0.5]]), torch.tensor([0])
    hard = -math.log(0.9)
    soft = 0.5 * math.log(0.5 / 0.75) + 0.5 * math.log(0.5 / 0.25)
    assert logits_loss(student, labels, target, 2.0, 0.25).item() == pytest.approx(
        0.75 * hard + 0.25 * 4 * soft, rel=1e-5
    )


def test_weight_zero_is_cross_entropy_alone() -> None:
    torch.manual_seed(1)
    student, labels = torch.randn(8, 4), torch.randint(4, (8,))
    target = torch.softmax(torch.randn(8, 4), dim=1)
    torch.testing.assert_close(logits_loss(student, labels, target, 4.0, 0.0), F.cross_entropy(student, labels))


def test_weight_one_is_zero_for_a_student_that_equals_its_teacher() -> None:
    teacher, labels = torch.tensor([[3.0, 1.0, -2.0]]), torch.tensor([0])
    target = conditional_target(teacher, labels, 4.0, 0.1)
    assert logits_loss(teacher, labels, target, 4.0, 1.0).item() == pytest.approx(0.0, abs=1e-6)


def test_gradients_keep_their_size_when_the_temperature_rises() -> None:
    # tau^2 is there for this: between tau = 20 and 40 the gradient hardly changes.
    norms = []
    for temperature in (20.0, 40.0):
        student = torch.tensor([[1.0, 0.0, -1.0]], requires_grad=True)
        target = conditional_target(torch.tensor([[2.0, 0.0, 1.0]]), torch.tensor([0]), temperature, 0.1)
        logits_loss(student, torch.tensor([0]), target, temperature, 1.0).backward()  # type: ignore[no-untyped-call]
        assert student.grad is not None
        norms.append(student.grad.norm().item())
    assert norms[0] == pytest.approx(norms[1], rel=0.05)
