"""Where int8 begins: the modules of a student that `int8_static` keeps in float (docs/adr/0003).

Said once, for training with rounding in the loop, for the hand-off graph and for targets that export from torch.
"""

from collections.abc import Iterable

FLOAT_FRONT = ("normalise", "stem", "stages.0")
"""Normalisation, stem and first stage, by their names in the network."""
_BEHIND = ("stages.1", "last")


def first_in_int8(modules: Iterable[str]) -> str | None:
    """The module that follows the float front: the second stage, or the last convolution where there is one stage.

    Args:
        modules: Names of a network's modules.

    Returns:
        None for a network of another layout.
    """
    present = set(modules)
    return next((name for name in _BEHIND if name in present), None)
