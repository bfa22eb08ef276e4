"""Random changes of training windows in SI units: what another wearer, phone or minute would change.

Shape legend: B batch, C channels, T time steps.
"""

from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from factory.contracts.recipe import AugmentRecipe, Edge
from factory.contracts.window import Channel


@dataclass(frozen=True, kw_only=True, slots=True)
class Triad:
    """The x, y and z channel of one sensor, by index."""

    placement: str
    indices: tuple[int, int, int]


def triads(channels: tuple[Channel, ...]) -> tuple[Triad, ...]:
    """Every complete three-axis sensor among the channels; incomplete ones are not rotated."""
    found: dict[tuple[str, str], dict[str, int]] = {}
    for index, channel in enumerate(channels):
        found.setdefault((channel.placement, channel.quantity), {})[channel.axis] = index
    return tuple(
        Triad(placement=placement, indices=(axes["x"], axes["y"], axes["z"]))
        for (placement, _), axes in found.items()
        if set(axes) == {"x", "y", "z"}
    )


def random_rotations(count: int, deviation_rad: float, generator: Generator) -> Tensor:
    """Rotation matrices (count, 3, 3) about N(0, deviation^2 I) axis-angle vectors (Rodrigues' formula)."""
    vector = torch.randn(count, 3, generator=generator) * deviation_rad
    zero = torch.zeros(count)
    x, y, z = vector.unbind(1)
    cross = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], dim=1).view(count, 3, 3)
    return torch.matrix_exp(cross)


def half_turns(count: int, chance: float, generator: Generator) -> Tensor:
    """Matrices (count, 3, 3): with this chance half a turn about x, y or z, each as likely; else none."""
    signs = torch.tensor([[1.0, -1.0, -1.0], [-1.0, 1.0, -1.0], [-1.0, -1.0, 1.0]])
    about = torch.randint(3, (count,), generator=generator)
    turned = torch.rand(count, 1, generator=generator) < chance
    return torch.diag_embed(torch.where(turned, signs[about], torch.ones(3)))


def shifted(x: Tensor, offset: Tensor, edge: Edge) -> Tensor:
    """Windows (B, C, T) later by `offset` (B, 1) samples.

    What lies beyond the end is the window's beginning ("wrap"), or its end mirrored ("reflect"). Wrapping puts a step
    where both ends meet: between two postures, or in a transition, gravity jumps there.
    """
    steps = x.shape[2]
    index = torch.arange(steps) + offset
    if edge == "wrap":
        index = index % steps
    else:
        period = 2 * (steps - 1)
        index = index % period
        index = torch.where(index < steps, index, period - index)
    return x.gather(2, index[:, None, :].expand_as(x))


class Augmenter:
    """Applies a recipe to batches; draws only from the generator it is given."""

    def __init__(self, recipe: AugmentRecipe, channels: tuple[Channel, ...], std: Tensor) -> None:
        self._recipe = recipe
        self._triads = triads(channels)
        self._std = std.view(1, -1, 1)

    def __call__(self, x: Tensor, generator: Generator) -> Tensor:
        """A changed copy of windows (B, C, T)."""
        recipe, count = self._recipe, x.shape[0]
        if recipe.shift:
            offset = torch.randint(-recipe.shift, recipe.shift + 1, (count, 1), generator=generator)
            x = shifted(x, offset, recipe.edge)
        x = self._mixing(count, generator) @ x
        if recipe.jitter:
            x = x + recipe.jitter * self._std * torch.randn(x.shape, generator=generator)
        return x * self._audible(count, generator) if recipe.sensor_dropout else x

    def _mixing(self, count: int, generator: Generator) -> Tensor:
        """(B, C, C): one rotation of all triads of a placement, after half a turn or none, times one scale a window."""
        recipe, channels = self._recipe, self._std.shape[1]
        mixing = torch.eye(channels).repeat(count, 1, 1)
        turns: dict[str, Tensor] = {}
        for triad in self._triads if recipe.rotation_rad or recipe.turns else ():
            if triad.placement not in turns:
                turns[triad.placement] = self._turns(count, generator)
            indices = torch.tensor(triad.indices)
            mixing[:, indices[:, None], indices] = turns[triad.placement]
        scale = 1 + recipe.scale * (2 * torch.rand(count, 1, 1, generator=generator) - 1)
        return mixing * scale

    def _turns(self, count: int, generator: Generator) -> Tensor:
        recipe = self._recipe
        turns = random_rotations(count, recipe.rotation_rad, generator)
        return turns @ half_turns(count, recipe.turns, generator) if recipe.turns else turns

    def _audible(self, count: int, generator: Generator) -> Tensor:
        """(B, C, 1): 0 for the channels of a sensor that fell silent, else 1."""
        audible = torch.ones(count, self._std.shape[1], 1)
        for triad in self._triads:
            silent = torch.rand(count, 1, 1, generator=generator) < self._recipe.sensor_dropout
            audible[:, list(triad.indices)] *= 1 - silent.float()
        return audible
