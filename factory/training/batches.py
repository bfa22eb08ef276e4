"""Which windows each step of an epoch sees, in which shares."""

from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from factory.contracts.dataset import Ints


@dataclass(frozen=True, slots=True)
class Batches:
    """Groups of windows, each with a fixed number in every batch.

    A group that an epoch does not exhaust is cut short; one that is too small is gone through again and again, in a new
    order each time.

    Attributes:
        groups: Windows (n,) of each group, and how many of them a batch holds.
        steps: Batches an epoch.
    """

    groups: tuple[tuple[Ints, int], ...]
    steps: int

    def draw(self, generator: Generator) -> Tensor:
        """(steps, batch) indices of one epoch."""
        drawn = [_draw(torch.from_numpy(rows), self.steps * each, generator) for rows, each in self.groups]
        return torch.cat([rows.view(self.steps, -1) for rows in drawn], dim=1)


def _draw(rows: Tensor, wanted: int, generator: Generator) -> Tensor:
    rounds = -(-wanted // len(rows))
    return torch.cat([rows[torch.randperm(len(rows), generator=generator)] for _ in range(rounds)])[:wanted]
