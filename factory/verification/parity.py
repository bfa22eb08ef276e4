"""Parity: an artifact's logits against the reference network's, on the same windows.

Shape legend: N windows, K classes.
"""

import math

import numpy as np
from numpy.typing import NDArray

from factory.contracts.dataset import Floats
from factory.contracts.errors import ArtifactError
from factory.contracts.manifest import Parity

_EDGES = np.arange(-8.0, 2.5, 0.5)
_Z95 = 1.959963984540054


def compare(logits: Floats, reference: Floats) -> Parity:
    """Every parity figure of (N, K) logits against (N, K) reference logits.

    SQNR is 10 log10(sum reference^2 / sum error^2) in dB, None where the error is exactly zero. Cosine is the mean
    over windows. A flip is another largest logit. The histogram counts log10 of the absolute error of each logit;
    both end bins are open.

    Raises:
        ArtifactError: Shapes differ, or a value is not finite; names the first such window.
    """
    check_logits(logits, reference.shape)
    check_logits(reference, reference.shape, "reference logits")
    got, expected = logits.astype(np.float64), reference.astype(np.float64)
    error = np.abs(got - expected)
    flips = int((got.argmax(1) != expected.argmax(1)).sum())
    low, high = wilson(len(got) - flips, len(got))
    return Parity(
        windows=len(got),
        max_abs=float(error.max()),
        mean_abs=float(error.mean()),
        sqnr_db=_sqnr_db(expected, error),
        cosine=_cosine(got, expected),
        top1_agreement=1 - flips / len(got),
        flips=flips,
        agreement_low=low,
        agreement_high=high,
        histogram_edges=tuple(_EDGES.tolist()),
        histogram_counts=_histogram(error),
    )


def check_logits(logits: Floats, shape: tuple[int, ...], what: str = "logits") -> None:
    """Refuse logits that no figure can be computed of.

    Raises:
        ArtifactError: Another shape than `shape`, no window at all, or a value that is not finite.
    """
    if logits.shape != shape or logits.ndim != 2 or len(logits) == 0:
        raise ArtifactError(
            f"{what} have shape {logits.shape}, expected {shape} (windows, classes): "
            "the artifact belongs to another contract, or its runner changes the layout"
        )
    broken = np.flatnonzero(~np.isfinite(logits).all(axis=1))
    if len(broken):
        raise ArtifactError(
            f"{what} of window {broken[0]} are not finite ({len(broken)} of {len(logits)} windows): "
            "the artifact overflows; export it again, or leave out this precision"
        )


def wilson(successes: int, trials: int) -> tuple[float, float]:
    """95 % Wilson score interval of a proportion; unlike the normal one it is right at 100 %."""
    share = successes / trials
    centre = share + _Z95**2 / (2 * trials)
    half = _Z95 * math.sqrt(share * (1 - share) / trials + _Z95**2 / (4 * trials**2))
    scale = 1 + _Z95**2 / trials
    return max(0.0, (centre - half) / scale), min(1.0, (centre + half) / scale)


def describe(parity: Parity) -> str:
    """One line: maximum and mean error, SQNR, top-1 agreement with its interval."""
    sqnr = "exact" if parity.sqnr_db is None else f"{parity.sqnr_db:.1f} dB"
    return (
        f"max {parity.max_abs:.3g}, mean {parity.mean_abs:.3g}, SQNR {sqnr}, top-1 {parity.top1_agreement:.2%} "
        f"[{parity.agreement_low:.2%}, {parity.agreement_high:.2%}] ({parity.flips} flips of {parity.windows})"
    )


def assert_parity(logits: Floats, reference: Floats, max_abs: float, min_top1: float = 1.0) -> Parity:
    """For tests: print the figures and assert that they hold.

    Raises:
        AssertionError: The largest error is above `max_abs`, or top-1 agreement below `min_top1`.
        ArtifactError: As `compare`.
    """
    parity = compare(logits, reference)
    line = describe(parity)
    print(line)  # noqa: T201 - pytest shows it with a failure
    if parity.max_abs > max_abs or parity.top1_agreement < min_top1:
        raise AssertionError(f"{line}; expected max <= {max_abs:g}, top-1 >= {min_top1:.2%}")
    return parity


def _sqnr_db(expected: NDArray[np.float64], error: NDArray[np.float64]) -> float | None:
    noise, signal = float((error**2).sum()), float((expected**2).sum())
    if noise == 0:
        return None
    return 10 * math.log10(max(signal, 1e-30) / noise)


def _cosine(got: NDArray[np.float64], expected: NDArray[np.float64]) -> float:
    norms = np.linalg.norm(got, axis=1) * np.linalg.norm(expected, axis=1)
    cosine = np.where(norms > 0, (got * expected).sum(1) / np.maximum(norms, 1e-30), (got == expected).all(1))
    return float(np.clip(cosine.mean(), -1, 1))


def _histogram(error: NDArray[np.float64]) -> tuple[int, ...]:
    exponents = np.log10(np.maximum(error, 10 ** _EDGES[0]))
    counts, _ = np.histogram(np.clip(exponents, _EDGES[0], _EDGES[-1]), bins=_EDGES)
    return tuple(counts.tolist())
