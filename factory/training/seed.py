"""Seeding by place in the run, so that a resumed epoch draws what the uninterrupted one drew."""

import hashlib

import torch


def seed_epoch(seed: int, phase: str, epoch: int) -> torch.Generator:
    """Seed the global generator (dropout, initialisation) and return one for shuffling and augmentation.

    Args:
        seed: The recipe's.
        phase: 'search', 'teacher' or 'student'.
        epoch: From 0; -1 for initialisation.
    """
    digest = hashlib.sha256(f"{seed}/{phase}/{epoch}".encode()).digest()
    number = int.from_bytes(digest[:7], "little")
    torch.manual_seed(number)
    return torch.Generator().manual_seed(number + 1)
