"""Where two graphs part: the first layer of the reference that the artifact no longer reproduces.

The graphs differ in names, layout and fusion (a converter folds the ReLU into its convolution, adds pads and
transposes), so layers are matched by content: as many elements, smallest error, in execution order. A reference layer
without a counterpart proves nothing (it may be fused away); what proves divergence is that from some layer on
*nothing* matches again. That layer is reported, beside the last one that agreed.

Errors are relative to the reference's variation about its mean, so that a gate which is nearly constant does not seem
to agree with any other gate.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from factory.contracts.dataset import Floats


@dataclass(frozen=True, kw_only=True, slots=True)
class _Match:
    """One of the artifact's tensors as counterpart of one of the reference's; position is its place in order."""

    name: str
    position: int
    error: float
    correlation: float


def first_divergence(
    reference_layers: Mapping[str, Floats], artifact_layers: Mapping[str, Floats], bound: float
) -> str:
    """Name the layer at which an artifact leaves the reference, for one and the same window.

    Args:
        reference_layers: Name to tensor in execution order, channels first, any leading axes of length 1.
        artifact_layers: The same of the artifact, dequantised.
        bound: Relative error, ||artifact - reference|| / ||reference - its mean||, up to which two tensors are equal.

    Returns:
        One line with the names on both sides and the error, or that no layer diverges.
    """
    candidates = {
        name: found
        for name, tensor in reference_layers.items()
        if _informative(tensor) and (found := _matches(tensor, artifact_layers))
    }
    if not candidates:
        return "no layer of the reference has a counterpart of its size in the artifact: other input or architecture"
    names = list(candidates)
    closest = [min(candidates[name], key=lambda match: match.error) for name in names]
    last = max((i for i, match in enumerate(closest) if match.error <= bound), default=-1)
    if last == len(names) - 1:
        return f"no layer diverges by more than {bound:g}: rounding adds up, or the outputs' order or scale is wrong"
    after = closest[last].position if last >= 0 else -1
    name, match = _first_pair([(name, _later(candidates[name], after)) for name in names[last + 1 :]])
    before = "the input" if last < 0 else f"{names[last]} = {closest[last].name}"
    return (
        f"first diverging layer {name}, in the artifact {match.name}: relative error {match.error:.3g}, "
        f"bound {bound:g}; agreement up to {before}"
    )


def _first_pair(pairs: Sequence[tuple[str, _Match]]) -> tuple[str, _Match]:
    """The first pair, or the activation after it where the artifact has only that: convolution and ReLU in one."""
    name, match = pairs[0]
    for following, other in pairs[1:]:
        if other.name != match.name or other.error >= match.error:
            break
        name, match = following, other
    return name, match


def _later(found: Sequence[_Match], position: int) -> _Match:
    """The best correlated counterpart after `position`: for broken tensors that says more than the error."""
    later = [match for match in found if match.position > position] or found
    return max(later, key=lambda match: (match.correlation, -match.error))


def _matches(tensor: Floats, layers: Mapping[str, Floats]) -> list[_Match]:
    """Every layer with as many elements."""
    return [
        _Match(
            name=name, position=position, error=_relative_error(tensor, view), correlation=_correlation(tensor, view)
        )
        for position, (name, other) in enumerate(layers.items())
        if other.size == tensor.size
        for view in _views(other, tensor)
    ]


def _views(other: Floats, tensor: Floats) -> list[Floats]:
    """`other` flattened; transposed as well, where only that gives the reference's shape."""
    flat = other.squeeze()
    if flat.ndim == 2 and flat.shape != tensor.squeeze().shape and flat.T.shape == tensor.squeeze().shape:
        return [flat.T.ravel(), flat.ravel()]
    return [flat.ravel()]


def _informative(tensor: Floats) -> bool:
    """A constant, such as a saturated gate, matches anything constant and says nothing."""
    return tensor.size > 1 and bool(np.isfinite(tensor).all()) and float(np.ptp(tensor)) > 0


def _relative_error(tensor: Floats, other: Floats) -> float:
    expected = tensor.ravel().astype(np.float64)
    return float(np.linalg.norm(other.astype(np.float64) - expected) / np.linalg.norm(_centred(tensor)))


def _correlation(tensor: Floats, other: Floats) -> float:
    a, b = _centred(tensor), _centred(other)
    norm = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / norm if norm > 0 and np.isfinite(norm) else -2.0


def _centred(tensor: Floats) -> NDArray[np.float64]:
    flat = tensor.ravel().astype(np.float64)
    return np.asarray(flat - flat.mean())
