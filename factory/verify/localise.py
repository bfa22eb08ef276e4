"""Where two graphs part: the first layer of the reference that the artifact no longer reproduces.

The graphs differ in names, layout and fusion (a converter folds the ReLU into its convolution, adds pads and
transposes), so layers are matched by content: as many elements, best correlation, in execution order. A reference
layer without a counterpart proves nothing (it may be fused away); what proves divergence is that from some layer on
*nothing* matches again. That layer is reported, beside the last one that agreed.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from factory.contracts.dataset import Floats


@dataclass(frozen=True, kw_only=True, slots=True)
class _Match:
    """The artifact's closest tensor to one of the reference's; position is its place in execution order."""

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
        bound: Relative error, ||artifact - reference|| / ||reference||, up to which two tensors are the same.

    Returns:
        One line with the names on both sides and the error, or that no layer diverges.
    """
    matches = {
        name: match
        for name, tensor in reference_layers.items()
        if _informative(tensor) and (match := _best_match(tensor, artifact_layers)) is not None
    }
    if not matches:
        return "no layer of the reference has a counterpart of its size in the artifact: other input or architecture"
    names = list(matches)
    agreeing = [i for i, name in enumerate(names) if matches[name].error <= bound]
    last = agreeing[-1] if agreeing else -1
    if last == len(names) - 1:
        return f"no layer diverges by more than {bound:g}: compare the outputs' order and scale"
    name = names[last + 1]
    rest = artifact_layers if last < 0 else _after(artifact_layers, matches[names[last]].position)
    # What follows the last agreement is the counterpart, even if an earlier tensor happens to correlate better.
    match = _best_match(reference_layers[name], rest) or matches[name]
    before = "the input" if last < 0 else f"{names[last]} = {matches[names[last]].name}"
    return (
        f"first diverging layer {name}, in the artifact {match.name}: relative error {match.error:.3g}, "
        f"bound {bound:g}; agreement up to {before}"
    )


def _after(layers: Mapping[str, Floats], position: int) -> dict[str, Floats]:
    return {name: tensor for i, (name, tensor) in enumerate(layers.items()) if i > position}


def _best_match(tensor: Floats, layers: Mapping[str, Floats]) -> _Match | None:
    """The layer with as many elements that correlates best; None if no layer has."""
    found: _Match | None = None
    for position, (name, other) in enumerate(layers.items()):
        if other.size != tensor.size:
            continue
        for view in _views(other, tensor):
            candidate = _Match(
                name=name,
                position=position,
                error=_relative_error(tensor, view),
                correlation=_correlation(tensor, view),
            )
            if found is None or (candidate.correlation, -candidate.error) > (found.correlation, -found.error):
                found = candidate
    return found


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
    return float(np.linalg.norm(other.astype(np.float64) - expected) / np.linalg.norm(expected))


def _correlation(tensor: Floats, other: Floats) -> float:
    a, b = _centred(tensor), _centred(other)
    norm = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / norm if norm > 0 and np.isfinite(norm) else -2.0


def _centred(tensor: Floats) -> NDArray[np.float64]:
    flat = tensor.ravel().astype(np.float64)
    return np.asarray(flat - flat.mean())
