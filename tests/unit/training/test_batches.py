"""Shares of a batch, and how often each window is seen."""

import numpy as np
import torch

from factory.training.batches import Batches


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_one_group_is_every_window_once_in_a_random_order() -> None:
    order = Batches(((np.arange(20), 5),), 4).draw(generator())
    assert sorted(order.flatten().tolist()) == list(range(20))
    assert torch.equal(order.flatten(), torch.randperm(20, generator=generator()))


def test_a_small_group_is_repeated_evenly_and_a_large_one_cut_short() -> None:
    order = Batches(((np.arange(3), 2), (np.arange(10, 110), 6)), 6).draw(generator())
    assert order.shape == (6, 8)
    few, many = order[:, :2].flatten(), order[:, 2:].flatten()
    assert torch.equal(few.bincount(), torch.full((3,), 4))
    assert len(set(many.tolist())) == 36
    assert int(many.min()) >= 10


def test_another_epoch_is_another_order() -> None:
    batches = Batches(((np.arange(20), 5),), 4)
    assert not torch.equal(batches.draw(generator(0)), batches.draw(generator(1)))
