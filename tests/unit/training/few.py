"""Tiny windows of which the teacher sees three channels more, and a split in which two people are not labelled."""

from dataclasses import replace

import numpy as np

from factory.contracts.dataset import Split, WindowSet
from factory.contracts.recipe import DataRecipe, Recipe
from factory.contracts.window import Quantity
from factory.data.sources.layout import triad
from tests.fakes import HOP, LENGTH, RATE_HZ, tiny_recipe, tiny_spec, tiny_windows

TELLING = 4.0
"""Deviation between classes of the channels that only the teacher sees, against noise of 1."""


def wide_windows(telling: float = TELLING) -> WindowSet:
    """`tiny_windows` with a magnetometer that says the class, far from the size of the other channels."""
    windows = tiny_windows()
    noise = np.random.default_rng(7).normal(size=(len(windows.y), 3, LENGTH))
    more = (100 + telling * windows.y[:, None, None] + noise).astype(np.float32)
    spec = windows.spec
    channels = (*spec.channels, *triad("mag", Quantity.MAGNETOMETER, "wrist"))
    return replace(
        windows,
        teacher_x=np.concatenate([windows.x, more], axis=1),
        teacher_spec=spec.model_copy(update={"channels": channels}),
    )


def few_split(windows: WindowSet) -> Split:
    """s1 trains, s4 validates, s2 and s3 are without labels, s5 and s6 test."""

    def of(*names: str) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        return np.flatnonzero(np.isin(windows.subject, names))

    return Split(train=of("s1"), validation=of("s4"), test=of("s5", "s6"), unlabelled=of("s2", "s3"))


def few_recipe(epochs: int = 2, **changes: object) -> Recipe:
    """For both; `changes` are those of `distill`."""
    recipe = tiny_recipe(epochs=epochs)
    names = tuple(channel.name for channel in tiny_spec().channels)
    data = DataRecipe(
        source="watch",
        window=LENGTH,
        hop=HOP,
        rate_hz=RATE_HZ,
        channels=names,
        teacher_channels=(*names, "mag_x", "mag_y", "mag_z"),
    )
    distill = recipe.distill.model_copy(update={"stage": 0.0, "memory": 0.0, **changes})
    return Recipe.model_validate(recipe.model_copy(update={"data": data, "distill": distill}).model_dump())
