"""Logits distillation: the conditional rule and the loss, against numbers worked by hand."""

import math

import pytest
import torch
from torch.nn import functional as F

from factory.distill.logits import conditional_loss, distribution_loss, logits_loss, mix, mix_pairs


def test_a_right_teacher_is_followed_at_the_temperature() -> None:
    # At tau = 2, logits (2 ln 3, 0) soften to 3 : 1, the student's zeros to 1 : 1.
    teacher, student = torch.tensor([[2 * math.log(3), 0.0]]), torch.zeros(1, 2)
    expected = 4 * (0.75 * math.log(0.75 / 0.5) + 0.25 * math.log(0.25 / 0.5))
    assert conditional_loss(student, teacher, torch.tensor([0]), 2.0, 0.1).item() == pytest.approx(expected, rel=1e-5)


def test_a_wrong_teacher_is_replaced_by_the_smoothed_label_at_temperature_one() -> None:
    teacher, student = torch.tensor([[5.0, 1.0]]), torch.tensor([[0.0, math.log(4)]])  # 1 : 4
    expected = -(0.9 * math.log(0.8) + 0.1 * math.log(0.2))
    assert conditional_loss(student, teacher, torch.tensor([1]), 4.0, 0.2).item() == pytest.approx(expected, rel=1e-5)


def test_each_window_of_a_batch_follows_its_own_condition() -> None:
    teacher, student = torch.tensor([[4.0, 0.0], [4.0, 0.0]]), torch.tensor([[1.0, 0.5], [1.0, 0.5]])
    both = conditional_loss(student, teacher, torch.tensor([0, 1]), 4.0, 0.2)
    right = conditional_loss(student[:1], teacher[:1], torch.tensor([0]), 4.0, 0.2)
    wrong = conditional_loss(student[1:], teacher[1:], torch.tensor([1]), 4.0, 0.2)
    torch.testing.assert_close(both, torch.cat([right, wrong]))


def test_a_window_that_the_teacher_gets_wrong_does_not_outweigh_the_others() -> None:
    # One formula at tau for both cases would make it 12 for a student that is only as sure as its teacher.
    teacher = torch.tensor([[4.7, 0.0, 0.0, 0.0, 0.0, 0.0]])
    student = teacher.roll(1, dims=1)
    wrong = conditional_loss(student, teacher, torch.tensor([1]), 4.0, 0.1)
    smoothed = torch.full((1, 6), 0.1 / 6).index_fill_(1, torch.tensor([1]), 0.9 + 0.1 / 6)
    literal = 16 * F.kl_div(F.log_softmax(student / 4, dim=1), smoothed, reduction="batchmean")
    assert wrong.item() < 0.6
    assert literal.item() > 6


def test_a_confident_teacher_is_not_capped_near_uniform() -> None:
    # The early code's softmax of softmax of L2-normalised logits cannot exceed e / (e + K - 1) = 0.35 for K = 6.
    teacher = torch.tensor([[30.0, 0.0, 0.0, 0.0, 0.0, 0.0]])
    early = F.softmax(F.softmax(F.normalize(teacher, dim=1), dim=1), dim=1)
    assert early.max().item() < math.e / (math.e + 5)
    unsure = torch.tensor([[4 * math.log(5), 0.0, 0.0, 0.0, 0.0, 0.0]])  # 0.5 at tau = 4
    assert conditional_loss(unsure, teacher, torch.tensor([0]), 4.0, 0.1).item() > 1


def test_loss_by_hand() -> None:
    student, labels = torch.tensor([[2 * math.log(3), 0.0]]), torch.tensor([0])  # 9 : 1
    loss = logits_loss(student, labels, torch.tensor([2.0]), 0.25)
    assert loss.item() == pytest.approx(0.75 * -math.log(0.9) + 0.25 * 2.0, rel=1e-5)


def test_the_cross_entropy_term_is_smoothed_as_every_other_methods() -> None:
    student, labels = torch.tensor([[2.0, 0.0]]), torch.tensor([0])
    loss = logits_loss(student, labels, torch.zeros(1), 0.0, label_smoothing=0.1)
    torch.testing.assert_close(loss.mean(), F.cross_entropy(student, labels, label_smoothing=0.1))


def test_weight_zero_is_cross_entropy_alone() -> None:
    torch.manual_seed(1)
    student, labels = torch.randn(8, 4), torch.randint(4, (8,))
    loss = logits_loss(student, labels, torch.randn(8), 0.0)
    torch.testing.assert_close(loss.mean(), F.cross_entropy(student, labels))


def test_weight_one_is_zero_for_a_student_that_equals_its_teacher() -> None:
    teacher, labels = torch.tensor([[3.0, 1.0, -2.0]]), torch.tensor([0])
    conditional = conditional_loss(teacher, teacher, labels, 4.0, 0.1)
    assert logits_loss(teacher, labels, conditional, 1.0).item() == pytest.approx(0.0, abs=1e-6)


def test_gradients_keep_their_size_when_the_temperature_rises() -> None:
    # tau^2 is there for this: between tau = 20 and 40 the gradient hardly changes.
    norms = []
    for temperature in (20.0, 40.0):
        student = torch.tensor([[1.0, 0.0, -1.0]], requires_grad=True)
        teacher = torch.tensor([[2.0, 0.0, 1.0]])
        conditional_loss(student, teacher, torch.tensor([0]), temperature, 0.1).sum().backward()  # type: ignore[no-untyped-call]
        assert student.grad is not None
        norms.append(student.grad.norm().item())
    assert norms[0] == pytest.approx(norms[1], rel=0.05)


def test_the_distribution_loss_needs_no_label_and_is_zero_for_equal_logits() -> None:
    teacher = torch.tensor([[3.0, 1.0, -2.0], [0.0, 0.0, 5.0]])
    torch.testing.assert_close(distribution_loss(teacher + 7, teacher, 4.0), torch.zeros(2), atol=1e-5, rtol=0)


def test_mixed_windows_lie_between_two_of_the_batch_and_keep_its_mean() -> None:
    torch.manual_seed(3)
    x = torch.zeros(400, 1, 1, 2)
    x[:200] = 1.0
    mixed = mix(x, len(x))
    assert mixed.shape == x.shape
    assert mixed.min().item() >= 0
    assert mixed.max().item() <= 1
    assert 0.3 < ((mixed > 0.01) & (mixed < 0.99)).float().mean().item() < 0.6  # half the pairs differ
    assert mixed.mean().item() == pytest.approx(0.5, abs=0.06)
    assert torch.equal(mixed[..., 0], mixed[..., 1])  # one share for a whole window


def test_pairs_are_mixed_in_the_shares_that_are_told() -> None:
    torch.manual_seed(0)
    x = torch.eye(6).view(6, 6, 1, 1)
    mixed, share, other = mix_pairs(x, 4)
    assert torch.equal(mixed[:2], x[:2])
    assert torch.equal(share[:2], torch.ones(2))
    assert sorted(other[2:].tolist()) == [2, 3, 4, 5]
    for row in range(6):
        torch.testing.assert_close(mixed[row], share[row] * x[row] + (1 - share[row]) * x[other[row]])
    assert share[2:].max() < 1
