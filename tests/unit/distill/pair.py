"""A tiny student and teacher, a batch of windows, and what a method is built from."""

from collections.abc import Callable

import torch
from torch import Tensor

from factory.contracts.network import NetworkSpec
from factory.contracts.recipe import BlockKind, DistillRecipe, HeadKind, TrainRecipe
from factory.contracts.window import Normalisation
from factory.distill.method import Memories, Setup
from factory.models import Network, build_network
from factory.training.student import _shapes
from tests.fakes import tiny_recipe

X = torch.randn(12, 6, 1, 64, generator=torch.Generator().manual_seed(5))
Y = torch.arange(12) % 3
ROWS = torch.arange(12)


def network(role: str, head: HeadKind = "linear", block: BlockKind = "inverted_residual") -> Network:
    """Of six channels, 64 samples and three classes, as `tiny_recipe` lays it out."""
    model = tiny_recipe(block=block).model
    return build_network(
        NetworkSpec(
            backbone=model.student if role == "student" else model.teacher,
            head=head,
            channels=6,
            window=64,
            classes=3,
            patterns=2,
            normalisation=Normalisation(mean=(0.0,) * 6, std=(1.0,) * 6, clip=6.0),
        )
    )


def setup(
    student: Network,
    teacher: Network,
    labels: Tensor,
    distill: DistillRecipe,
    train: TrainRecipe,
    memories: Callable[[], Memories] | None = None,
) -> Setup:
    """Of two networks."""
    return Setup(
        student=_shapes(student),
        teacher=_shapes(teacher),
        labels=labels,
        distill=distill,
        train=train,
        memories=memories,
    )
