"""Specifications of small and of shipped networks, and batch norms that have seen something."""

import pytest
import torch
from torch import nn

from factory.contracts.network import NetworkSpec
from factory.contracts.recipe import BackboneRecipe, BlockKind, HeadKind, ModelRecipe, StageRecipe
from factory.contracts.window import Normalisation
from factory.recipes import find_recipe


def plain(block: BlockKind = "plain") -> BackboneRecipe:
    """A student of convolutions alone that strides in its stem by 4; its second stage may add its input."""
    return BackboneRecipe(
        block=block,
        stem=16,
        stem_kernel=9,
        stem_stride=4,
        stages=(
            StageRecipe(width=32, blocks=1, kernel=5, stride=2),
            StageRecipe(width=48, blocks=2, kernel=5, stride=2),
            StageRecipe(width=48, blocks=1, kernel=3, stride=1),
        ),
        features=64,
        activation="relu",
    )


MOBILENET = find_recipe("demo_mobilenet").model
LAYOUTS = {
    "mobilenet": MOBILENET.student,
    "shipped": ModelRecipe().student,
    "plain": plain(),
    "residual": plain("residual"),
}
"""Students of every kind."""


def spec_of(backbone: BackboneRecipe, head: HeadKind, channels: int = 9, window: int = 128) -> NetworkSpec:
    """Six classes; a normalisation that is not the identity."""
    return NetworkSpec(
        backbone=backbone,
        head=head,
        channels=channels,
        window=window,
        classes=6,
        patterns=8,
        normalisation=Normalisation(
            mean=tuple(0.5 * index for index in range(channels)),
            std=tuple(1.0 + 0.25 * index for index in range(channels)),
            clip=6.0,
        ),
    )


def move_statistics(network: nn.Module, seed: int = 7) -> None:
    """Give every batch norm statistics and weights far from its initial ones."""
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            assert module.running_mean is not None
            assert module.running_var is not None
            module.running_mean.copy_(torch.randn(module.num_features, generator=generator) * 0.3)
            module.running_var.copy_(torch.rand(module.num_features, generator=generator) + 0.5)
            with torch.no_grad():
                module.weight.copy_(torch.rand(module.num_features, generator=generator) + 0.5)
                module.bias.copy_(torch.randn(module.num_features, generator=generator) * 0.3)


@pytest.fixture
def mobilenet() -> ModelRecipe:
    """Teacher and student of the paper's kind, whose blocks are the richest."""
    return MOBILENET
