"""What both trainings take from windows and split."""

from dataclasses import dataclass

import numpy as np
import torch

from factory.contracts.dataset import Floats, Ints, WindowSet
from factory.contracts.errors import DataError
from factory.contracts.network import NetworkSpec
from factory.contracts.recipe import BackboneRecipe, HeadKind, Recipe
from factory.contracts.window import Normalisation, WindowSpec
from factory.training.augment import Augmenter, triads

_LEAST_STD = 1e-3


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingData:
    """Windows in memory with the constants fitted on them.

    Attributes:
        x: (N, C, T) float32, SI units.
        y: (N,) class indices.
        normalisation: Fitted on x.
        augment: For batches of x.
    """

    x: Floats
    y: Ints
    normalisation: Normalisation
    augment: Augmenter


def training_data(recipe: Recipe, windows: WindowSet, indices: Ints) -> TrainingData:
    """Gather the windows of `indices` and fit mean and deviation a channel on them alone.

    Raises:
        DataError: A class has no window among them, or a value is not finite.
    """
    y = windows.y[indices]
    missing = [label for index, label in enumerate(windows.spec.labels) if not (y == index).any()]
    if missing:
        raise DataError(f"no training window of {', '.join(missing)}: drop the class (data.labels) or add subjects")
    x = np.ascontiguousarray(windows.x[indices])
    broken = [
        c.name
        for c, values in zip(windows.spec.channels, x.swapaxes(0, 1), strict=True)
        if not np.isfinite(values).all()
    ]
    if broken:
        raise DataError(f"training windows of {', '.join(broken)} are not finite: see 'factory data check'")
    normalisation = _normalisation(x, recipe, windows.spec)
    augment = Augmenter(recipe.train.augment, windows.spec.channels, torch.tensor(normalisation.std))
    return TrainingData(x=x, y=y, normalisation=normalisation, augment=augment)


def _normalisation(x: Floats, recipe: Recipe, spec: WindowSpec) -> Normalisation:
    """Mean and deviation of each channel over windows (N, C, T), half turns of the augmentation included.

    A half turn leaves one axis and negates two, so of a mean only 1 - 4/3 of their chance is left; squares stay.
    """
    mean, std = x.mean(axis=(0, 2), dtype=np.float64), x.std(axis=(0, 2), dtype=np.float64)
    for triad in triads(spec.channels) if recipe.train.augment.turns else ():
        axes = list(triad.indices)
        squares = std[axes] ** 2 + mean[axes] ** 2
        mean[axes] *= 1 - 4 / 3 * recipe.train.augment.turns
        std[axes] = np.sqrt(squares - mean[axes] ** 2)
    return Normalisation(
        mean=tuple(float(np.float32(value)) for value in mean),
        std=tuple(float(np.float32(value)) for value in np.maximum(std, _LEAST_STD)),
        clip=recipe.model.clip_sd,
    )


def network_spec(
    recipe: Recipe, backbone: BackboneRecipe, head: HeadKind, windows: WindowSet, normalisation: Normalisation
) -> NetworkSpec:
    """Architecture of a network for these windows."""
    return NetworkSpec(
        backbone=backbone,
        head=head,
        channels=len(windows.spec.channels),
        window=windows.spec.length,
        classes=len(windows.spec.labels),
        patterns=recipe.distill.patterns,
        normalisation=normalisation,
    )
