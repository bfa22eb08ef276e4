"""Stage distillation: the transform, the weights, the error and what it trains."""

import math

import numpy as np
import pytest
import scipy.fft
import torch

from factory.distill.stage import StageDistiller, dct_matrix, frequency_weights, spectral_energy, stage_loss


@pytest.mark.parametrize("length", [1, 2, 7, 16])
def test_dct_is_orthonormal(length: int) -> None:
    matrix = dct_matrix(length)
    torch.testing.assert_close(matrix @ matrix.T, torch.eye(length), atol=1e-6, rtol=0)


def test_dct_equals_scipys_orthonormal_type_two() -> None:
    signal = torch.randn(3, 5, 12, generator=torch.Generator().manual_seed(0))
    expected = scipy.fft.dct(signal.numpy(), norm="ortho", axis=-1)
    np.testing.assert_allclose((signal @ dct_matrix(12).T).numpy(), expected, atol=1e-5)


def test_dct_of_two_samples_by_hand() -> None:
    half = math.sqrt(0.5)
    torch.testing.assert_close(dct_matrix(2), torch.tensor([[half, half], [half, -half]]))


def test_energy_is_the_mean_over_the_batch_of_squared_coefficients() -> None:
    # Constant signals (1, 1) and (3, 3): all energy at frequency 0, 2 * 1^2 and 2 * 3^2, mean 10.
    hint = torch.tensor([[[1.0, 1.0]], [[3.0, 3.0]]])
    torch.testing.assert_close(spectral_energy(hint, dct_matrix(2)), torch.tensor([[10.0, 0.0]]), atol=1e-5, rtol=0)


def test_without_emphasis_the_loss_is_the_plain_mean_squared_error() -> None:
    generator = torch.Generator().manual_seed(1)
    student = [torch.randn(4, 3, 8, generator=generator), torch.randn(4, 5, 4, generator=generator)]
    hints = [torch.randn(4, 3, 8, generator=generator), torch.randn(4, 5, 4, generator=generator)]
    bases = [dct_matrix(8), dct_matrix(4)]
    weights = [frequency_weights(spectral_energy(hint, basis), 0.0) for hint, basis in zip(hints, bases, strict=True)]
    plain = sum(((ours - theirs) ** 2).mean() for ours, theirs in zip(student, hints, strict=True)) / 2
    torch.testing.assert_close(stage_loss(student, hints, weights, bases), plain, rtol=1e-6, atol=0)


@pytest.mark.parametrize("emphasis", [0.0, 0.3, 1.0])
def test_weights_have_mean_one(emphasis: float) -> None:
    energy = torch.rand(5, 8, generator=torch.Generator().manual_seed(2))
    assert frequency_weights(energy, emphasis).mean().item() == pytest.approx(1.0, abs=1e-6)


def test_weights_by_hand() -> None:
    energy = torch.tensor([[3.0, 1.0], [0.0, 4.0]])
    # Share of the energy times C L = 4: 1.5, 0.5, 0, 2.
    torch.testing.assert_close(frequency_weights(energy, 1.0), torch.tensor([[1.5, 0.5], [0.0, 2.0]]))
    torch.testing.assert_close(frequency_weights(energy, 0.5), torch.tensor([[1.25, 0.75], [0.5, 1.5]]))


def test_full_emphasis_counts_an_error_where_the_teacher_is_strong_and_not_where_it_is_silent() -> None:
    basis = dct_matrix(8)
    hint = basis[3].expand(2, 1, 8)
    weights = [frequency_weights(spectral_energy(hint, basis), 1.0)]
    at_strong = stage_loss([hint + 0.1 * basis[3]], [hint], weights, [basis])
    at_silent = stage_loss([hint + 0.1 * basis[6]], [hint], weights, [basis])
    assert at_strong.item() == pytest.approx(0.1**2, rel=1e-4)  # weight C L = 8 on 1 of 8 coefficients
    assert at_silent.item() == pytest.approx(0.0, abs=1e-9)


def test_loss_is_zero_for_identical_features() -> None:
    hint = torch.randn(2, 3, 8)
    assert stage_loss([hint], [hint.clone()], [torch.ones(3, 8)], [dct_matrix(8)]).item() == 0.0


def test_a_stage_of_another_shape_is_named() -> None:
    good, bad = torch.zeros(2, 3, 8), torch.zeros(2, 4, 8)
    weights, bases = [torch.ones(3, 8)] * 2, [dct_matrix(8)] * 2
    with pytest.raises(ValueError, match=r"stage 1: student \(2, 4, 8\), teacher \(2, 3, 8\)"):
        stage_loss([good, bad], [good, good], weights, bases)


def _distiller() -> tuple[StageDistiller, list[torch.Tensor], list[torch.Tensor]]:
    torch.manual_seed(3)
    student = [torch.randn(4, 3, 1, 16, requires_grad=True), torch.randn(4, 5, 1, 8, requires_grad=True)]
    hints = [torch.randn(4, 6, 1, 8, requires_grad=True), torch.randn(4, 10, 1, 4, requires_grad=True)]
    return StageDistiller((3, 5), [(6, 8), (10, 4)], 0.5), student, hints


def test_gradients_reach_student_and_adapters_but_not_the_teacher() -> None:
    distiller, student, hints = _distiller()
    distiller(student, hints).backward()
    assert all(stage.grad is not None and stage.grad.abs().sum() > 0 for stage in student)
    adapters = list(distiller.parameters())
    assert adapters
    assert all(weight.grad is not None for weight in adapters)
    assert all(hint.grad is None for hint in hints)


def test_running_spectra_start_at_the_first_batch_and_then_follow_slowly() -> None:
    distiller, student, hints = _distiller()
    distiller(student, hints)
    first = spectral_energy(hints[0].detach().squeeze(2), dct_matrix(8))
    torch.testing.assert_close(distiller.get_buffer("energy0"), first)
    distiller(student, [2 * hint for hint in hints])
    torch.testing.assert_close(distiller.get_buffer("energy0"), 0.9 * first + 0.1 * 4 * first)


def test_running_spectra_stand_still_in_evaluation() -> None:
    distiller, student, hints = _distiller()
    distiller(student, hints)
    before = {name: value.clone() for name, value in distiller.state_dict().items()}
    distiller.eval()
    distiller(student, [3 * hint for hint in hints])
    assert all(torch.equal(value, before[name]) for name, value in distiller.state_dict().items())


def test_evaluation_before_any_training_uses_the_batch_itself() -> None:
    distiller, student, hints = _distiller()
    distiller.eval()
    assert 0.1 < distiller(student, hints).item() < 100
    assert not distiller.get_buffer("energy0").any()


def test_the_hints_scale_does_not_change_the_loss() -> None:
    distiller, student, hints = _distiller()
    other, _, _ = _distiller()
    other.load_state_dict(distiller.state_dict())
    small, large = distiller(student, hints), other(student, [1000 * hint for hint in hints])
    torch.testing.assert_close(small, large, rtol=1e-4, atol=0)
