"""The front of a student's files: what `int8_static` keeps in float (docs/adr/0003), how `.tflite` files normalise.

Said once, for training with rounding in the loop, for the hand-off graph, for targets that export from torch and for
the cost model.
"""

from collections.abc import Iterable

_FRONT = ("normalise", "stem")
_GATED = "stages.0.0.body.2.reduce"
"""Only an inverted residual has a squeeze gate; its first stage is rounded badly and stays in float, too."""
_LEAST_WEIGHTS = 2
"""For each value of the normalisation's two constants, if they have the window's shape."""
_ORDER = ("stages.0", "stages.1", "last")


def float_front(modules: Iterable[str]) -> tuple[str, ...]:
    """Modules that stay in float: normalisation and stem, and the first stage where it is of inverted residuals.

    Args:
        modules: Names of a network's modules.
    """
    return (*_FRONT, "stages.0") if _GATED in set(modules) else _FRONT


def first_in_int8(modules: Iterable[str]) -> str | None:
    """The module that follows the float front.

    Args:
        modules: Names of a network's modules.

    Returns:
        None for a network of another layout.
    """
    present = set(modules)
    front = float_front(present)
    return next((name for name in _ORDER if name in present and name not in front), None)


def normalises_by_window(weights: int, channels: int, window: int) -> bool:
    """Whether a `.tflite` file holds mean and scale once a sample instead of once a channel.

    It takes fewer instructions so; a network with hardly more weights than such constants have values would double its
    file.

    Args:
        weights: Of the folded network.
        channels: Of the window.
        window: Its length in samples.
    """
    return weights >= _LEAST_WEIGHTS * 2 * channels * window
