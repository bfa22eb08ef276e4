"""Augmentation: each change does what it says and nothing else."""

import numpy as np
import pytest
import torch
from torch import Tensor

from factory.contracts.recipe import AugmentRecipe
from factory.contracts.window import Channel, Quantity
from factory.training.augment import Augmenter, random_rotations, shifted, triads
from factory.training.data import training_data
from tests.fakes import tiny_recipe, tiny_spec, tiny_windows

_OFF = AugmentRecipe(rotation_rad=0, scale=0, jitter=0, shift=0, sensor_dropout=0)
_STEPS = 32


def _channel(name: str, quantity: Quantity, axis: str, placement: str) -> Channel:
    return Channel.model_validate(
        {"name": name, "quantity": quantity, "axis": axis, "unit": "m/s^2", "gravity": False, "placement": placement}
    )


def _two_places() -> tuple[Channel, ...]:
    """Accelerometer and gyroscope of the wrist, accelerometer of the waist, one lone axis of the foot."""
    places = (("wrist", Quantity.ACCELEROMETER), ("wrist", Quantity.GYROSCOPE), ("waist", Quantity.ACCELEROMETER))
    channels = [_channel(f"{p}_{q[:3]}_{a}", q, a, p) for p, q in places for a in "xyz"]
    return (*channels, _channel("foot_acc_x", Quantity.ACCELEROMETER, "x", "foot"))


def _windows(channels: int, count: int = 40) -> Tensor:
    return torch.randn(count, channels, _STEPS, generator=torch.Generator().manual_seed(0))


def _apply(recipe: AugmentRecipe, channels: tuple[Channel, ...], x: Tensor, seed: int = 1) -> Tensor:
    return Augmenter(recipe, channels, torch.ones(len(channels)))(x, torch.Generator().manual_seed(seed))


def _rotation_between(before: Tensor, after: Tensor) -> Tensor:
    """(B, 3, 3) matrix R with after = R before, by least squares over time."""
    solution: Tensor = torch.linalg.lstsq(before.mT, after.mT).solution
    return solution.mT


def test_rotations_are_orthonormal_and_proper() -> None:
    matrices = random_rotations(50, 1.5, torch.Generator().manual_seed(0))
    torch.testing.assert_close(matrices @ matrices.mT, torch.eye(3).expand(50, 3, 3), atol=1e-5, rtol=0)
    torch.testing.assert_close(torch.linalg.det(matrices), torch.ones(50), atol=1e-5, rtol=0)


def test_rotation_angles_have_the_recipes_deviation() -> None:
    matrices = random_rotations(4000, 0.2, torch.Generator().manual_seed(0))
    angle = torch.arccos(((matrices.diagonal(dim1=1, dim2=2).sum(dim=1) - 1) / 2).clamp(-1, 1))
    # |N(0, s^2 I_3)| has mean square 3 s^2.
    assert angle.square().mean().sqrt().item() == pytest.approx(0.2 * 3**0.5, rel=0.03)


def test_triads_are_complete_sensors_only() -> None:
    assert [(t.placement, t.indices) for t in triads(_two_places())] == [
        ("wrist", (0, 1, 2)),
        ("wrist", (3, 4, 5)),
        ("waist", (6, 7, 8)),
    ]
    swapped = tuple(_channel(f"acc_{axis}", Quantity.ACCELEROMETER, axis, "wrist") for axis in "zxy")
    assert triads(swapped)[0].indices == (1, 2, 0)


def test_one_rotation_turns_all_sensors_of_a_place_and_another_those_of_another_place() -> None:
    x = _windows(10)
    turned = _apply(_OFF.model_copy(update={"rotation_rad": 0.5}), _two_places(), x)
    wrist, gyro, waist = (_rotation_between(x[:, i : i + 3], turned[:, i : i + 3]) for i in (0, 3, 6))
    torch.testing.assert_close(wrist, gyro, atol=1e-4, rtol=0)
    assert (wrist - waist).abs().amax(dim=(1, 2)).min() > 0.01
    assert (wrist[0] - wrist[1]).abs().max() > 0.01  # each window has its own
    torch.testing.assert_close(torch.linalg.det(wrist), torch.ones(40), atol=1e-3, rtol=0)


def test_half_turns_turn_all_sensors_of_a_place_about_one_axis_at_the_recipes_rate() -> None:
    x = _windows(10, 1000)
    turned = _apply(_OFF.model_copy(update={"turns": 0.6}), _two_places(), x)
    wrist, gyro, waist = (torch.sign(x[:, i : i + 3] * turned[:, i : i + 3])[:, :, 0] for i in (0, 3, 6))
    assert torch.equal(turned.abs(), x.abs())
    assert torch.equal(wrist, gyro)
    assert not torch.equal(wrist, waist)
    assert wrist.prod(dim=1).eq(1).all(), "a turn, not a mirror"
    rates = {tuple(signs): float((wrist == torch.tensor(signs)).all(dim=1).float().mean()) for signs in wrist.tolist()}
    assert rates == {
        (1.0, 1.0, 1.0): pytest.approx(0.4, abs=0.06),
        (1.0, -1.0, -1.0): pytest.approx(0.2, abs=0.05),
        (-1.0, 1.0, -1.0): pytest.approx(0.2, abs=0.05),
        (-1.0, -1.0, 1.0): pytest.approx(0.2, abs=0.05),
    }


def test_constants_of_turned_windows_are_those_that_training_sees() -> None:
    windows = tiny_windows(each=40)
    recipe = tiny_recipe()
    train = recipe.train.model_copy(update={"augment": _OFF.model_copy(update={"turns": 0.5})})
    data = training_data(recipe.model_copy(update={"train": train}), windows, np.arange(len(windows.y)))
    seen = data.augment(torch.tensor(data.x).repeat(50, 1, 1), torch.Generator().manual_seed(0))
    np.testing.assert_allclose(data.normalisation.mean, seen.mean(dim=(0, 2)), atol=0.12)
    np.testing.assert_allclose(data.normalisation.std, seen.std(dim=(0, 2)), rtol=0.02)


def test_rotation_keeps_norms_and_leaves_incomplete_sensors_alone() -> None:
    x = _windows(10)
    turned = _apply(_OFF.model_copy(update={"rotation_rad": 1.0}), _two_places(), x)
    torch.testing.assert_close(turned[:, :3].norm(dim=1), x[:, :3].norm(dim=1), atol=1e-4, rtol=1e-4)
    assert torch.equal(turned[:, 9], x[:, 9])
    assert not torch.allclose(turned[:, :3], x[:, :3], atol=0.01)


def test_scale_multiplies_a_whole_window_by_one_factor_in_range() -> None:
    x = _windows(6)
    factor = _apply(_OFF.model_copy(update={"scale": 0.1}), tiny_spec().channels, x) / x
    each = factor.mean(dim=(1, 2))
    torch.testing.assert_close(factor, each[:, None, None].expand_as(factor), rtol=1e-4, atol=0)
    assert each.min() >= 0.9 - 1e-5
    assert each.max() <= 1.1 + 1e-5
    assert each.std() > 0.03


def test_jitter_adds_noise_in_each_channels_deviation() -> None:
    x = _windows(6, 400)
    deviation = torch.tensor([1.0, 2.0, 3.0, 0.1, 0.2, 0.3])
    jittered = Augmenter(_OFF.model_copy(update={"jitter": 0.05}), tiny_spec().channels, deviation)
    noise = jittered(x, torch.Generator().manual_seed(1)) - x
    torch.testing.assert_close(noise.std(dim=(0, 2)), 0.05 * deviation, rtol=0.05, atol=0)


def test_shift_rolls_all_channels_of_a_window_alike_and_no_further_than_the_recipe() -> None:
    x = _windows(6)
    shifted = _apply(_OFF.model_copy(update={"shift": 3, "edge": "wrap"}), tiny_spec().channels, x)
    found = set()
    for before, after in zip(x, shifted, strict=True):
        matches = [k for k in range(-3, 4) if torch.equal(torch.roll(before, -k, dims=1), after)]
        assert len(matches) == 1
        found.add(matches[0])
    assert len(found) > 4


def test_a_shift_longer_than_the_window_still_rolls() -> None:
    x = _windows(6)
    shifted = _apply(_OFF.model_copy(update={"shift": 500, "edge": "wrap"}), tiny_spec().channels, x)
    torch.testing.assert_close(shifted.sort(dim=2).values, x.sort(dim=2).values)


def test_dropout_silences_whole_sensors_at_the_recipes_rate() -> None:
    x = _windows(10, 1000)
    heard = _apply(_OFF.model_copy(update={"sensor_dropout": 0.3}), _two_places(), x)
    silent = (heard == 0).all(dim=2)
    for start in (0, 3, 6):
        assert torch.equal(silent[:, start], silent[:, start + 1])
        assert torch.equal(silent[:, start], silent[:, start + 2])
        assert silent[:, start].float().mean().item() == pytest.approx(0.3, abs=0.06)
    assert not silent[:, 9].any()
    assert torch.equal(heard[~silent], x[~silent])


def test_the_same_seed_gives_the_same_batch_and_another_seed_another() -> None:
    x, recipe = _windows(6), AugmentRecipe(sensor_dropout=0.2)
    first, again, other = (_apply(recipe, tiny_spec().channels, x, seed) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_the_global_generator_is_not_touched() -> None:
    before = torch.get_rng_state()
    _apply(AugmentRecipe(sensor_dropout=0.2), tiny_spec().channels, _windows(6))
    assert torch.equal(torch.get_rng_state(), before)


def test_a_recipe_of_zeros_is_the_identity_and_the_input_is_never_changed() -> None:
    x = _windows(6)
    kept = x.clone()
    assert torch.equal(_apply(_OFF, tiny_spec().channels, x), x)
    _apply(AugmentRecipe(sensor_dropout=0.5), tiny_spec().channels, x)
    assert torch.equal(x, kept)


def test_a_wrapping_shift_moves_the_beginning_to_the_end_and_a_mirrored_one_does_not() -> None:
    ramp = torch.arange(6.0).expand(2, 1, 6)
    offset = torch.tensor([[2], [-2]])
    assert shifted(ramp, offset, "wrap")[:, 0].tolist() == [[2, 3, 4, 5, 0, 1], [4, 5, 0, 1, 2, 3]]
    assert shifted(ramp, offset, "reflect")[:, 0].tolist() == [[2, 3, 4, 5, 4, 3], [2, 1, 0, 1, 2, 3]]


def test_a_mirrored_shift_leaves_no_step_between_two_postures() -> None:
    channels = tiny_spec().channels
    x = torch.linspace(-9.81, 9.81, _STEPS).expand(40, len(channels), _STEPS)
    step = 2 * 9.81 / (_STEPS - 1) + 1e-4
    kept = _apply(_OFF.model_copy(update={"shift": 12, "edge": "reflect"}), channels, x)
    torn = _apply(_OFF.model_copy(update={"shift": 12, "edge": "wrap"}), channels, x)
    assert kept.diff(dim=2).abs().max() <= step
    assert torn.diff(dim=2).abs().max() > 9.81
