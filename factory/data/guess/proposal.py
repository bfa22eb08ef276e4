"""Window, hop and purity for recordings, proposed from how long their labelled stretches last.

2.56 s, rounded to a power of two of samples, is the window that most published data sets use and suits whatever goes
on for a while: walking, sitting. Where a class's stretches are shorter (a jump, a tap), a shorter one is proposed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import floor, log2
from statistics import median

from factory.contracts.recipe import Anchor

WINDOW_S = 2.56
LEAST, MOST = 16, 4096
"""Samples; below `LEAST` the default networks' strides leave a single time step, which a recipe refuses."""
_ROOM = 1.25
"""Windows that a class's typical stretch must hold, so that stretches shorter than the median give windows, too."""
_SURE = 1.5
"""Windows (one and a hop) that a stretch must hold to give a pure window wherever a fixed grid falls."""
_LEAST_PURITY = 0.51


@dataclass(frozen=True, kw_only=True, slots=True)
class WindowProposal:
    """Values of a recipe's [data], and why.

    Attributes:
        window: Samples, a power of two.
        hop: Samples, half a window.
        purity: Share of a window that must carry its label, above a half.
        anchor: Where windows begin: on a grid over the recording, or with each labelled stretch.
        reason: One line that names the class that decided; fit for a comment in the recipe.
    """

    window: int
    hop: int
    purity: float
    anchor: Anchor
    reason: str


def propose_window(stretches_s: Mapping[str, Sequence[float]], rate_hz: float) -> WindowProposal:
    """Propose a window of 2.56 s, or a shorter one where a class's typical stretch does not hold 1.25 of them.

    Typical is the median. Between 1.25 and 1.5 windows a fixed grid would miss stretches, so windows begin with the
    labels; below that the window is halved until it fits. A window is never shorter than 16 samples; where even that
    is too long for a class, purity falls, down to 0.51.

    Args:
        stretches_s: Class to the lengths of its labelled, gap-free stretches in seconds; null and unlabelled stretches
            left out. Classes without a stretch do not count.
        rate_hz: The recipe's rate, above 0.

    Returns:
        Values that a recipe accepts, whatever is given. The reason says so where a class cannot get windows.
    """
    base = _power_of_two(WINDOW_S * rate_hz)
    typical = {label: median(lengths) for label, lengths in stretches_s.items() if lengths}
    if not typical:
        return _proposal(base, rate_hz, 1.0, "grid", "no labelled stretch was found to judge by")
    label = min(typical, key=lambda name: typical[name])
    samples = typical[label] * rate_hz
    window = _fitting(base, samples)
    lasts = f"'{label}' lasts {typical[label]:.2g} s in the median"
    if window == base and samples >= _SURE * window:
        return _proposal(base, rate_hz, 1.0, "grid", f"{lasts}, the shortest class")
    purity = _purity(samples, window)
    return _proposal(window, rate_hz, purity, "label", f"{lasts}{_consequence(samples, window, base, purity)}")


def _fitting(base: int, samples: float) -> int:
    """The longest power of two, at most `base`, of which `_ROOM` fit into `samples`."""
    window = base
    while window > LEAST and _ROOM * window > samples + 1e-9:
        window //= 2
    return window


def _purity(samples: float, window: int) -> float:
    """1 where a typical stretch holds `_ROOM` windows; else what stretches of 1 / `_ROOM` of it still reach."""
    share = samples / _ROOM / window + 1e-9
    return 1.0 if share >= 1 else max(_LEAST_PURITY, floor(100 * share) / 100)


def _consequence(samples: float, window: int, base: int, purity: float) -> str:
    if samples < _LEAST_PURITY * window:
        return f", less than half of the shortest window ({LEAST} samples): leave it out, or record at a higher rate"
    shorter = f", so the window is shorter than the usual {WINDOW_S} s" if window < base else ""
    lower = f", and {purity:g} of a window is enough to carry its label" if purity < 1 else ""
    begins = ", and windows begin where labels begin"
    return shorter + lower + begins


def _proposal(window: int, rate_hz: float, purity: float, anchor: Anchor, why: str) -> WindowProposal:
    return WindowProposal(
        window=window,
        hop=window // 2,
        purity=purity,
        anchor=anchor,
        reason=f"{window} samples ({window / rate_hz:.3g} s): {why}",
    )


def _power_of_two(samples: float) -> int:
    return int(min(max(2 ** round(log2(samples)), LEAST), MOST))
