"""A real small network run layer by layer, and the same after a converter's fusions, with one weight corrupted."""

import numpy as np
import pytest

from factory.contracts.dataset import Floats
from factory.verification.localise import first_divergence

LAYERS = ("stem", "depthwise", "project", "features")


@pytest.fixture
def weights() -> dict[str, Floats]:
    rng = np.random.default_rng(5)
    shapes = {"stem": (8, 6, 5), "depthwise": (8, 8, 3), "project": (12, 8, 1), "features": (16, 12, 3)}
    drawn = {name: rng.normal(0, 0.4, shape).astype(np.float32) for name, shape in shapes.items()}
    return drawn | {"head": rng.normal(0, 0.4, (4, 16)).astype(np.float32)}


@pytest.fixture
def window() -> Floats:
    return np.random.default_rng(6).normal(0, 1, (6, 32)).astype(np.float32)


def convolve(x: Floats, weight: Floats) -> Floats:
    """(C, T) to (D, T), 'same' padding, weight (D, C, k)."""
    half = weight.shape[2] // 2
    padded = np.pad(x, ((0, 0), (half, half)))
    columns = np.lib.stride_tricks.sliding_window_view(padded, weight.shape[2], axis=1)
    return np.asarray(np.einsum("ctk,dck->dt", columns, weight), dtype=np.float32)


def reference(x: Floats, weights: dict[str, Floats]) -> dict[str, Floats]:
    """As ONNX shows it: every convolution, and every activation after it, (1, C, 1, T)."""
    layers = {}
    for name in LAYERS:
        x = convolve(x, weights[name])
        layers[f"/{name}/Conv"] = x[None, :, None]
        x = np.maximum(x, 0)
        layers[f"/{name}/Relu"] = x[None, :, None]
    pooled = x.mean(1)
    return layers | {"/pool": pooled[None], "logits": (weights["head"] @ pooled)[None]}


def converted(x: Floats, weights: dict[str, Floats]) -> dict[str, Floats]:
    """As a converter leaves it: activations fused, pads made explicit, other names."""
    layers = {}
    for i, name in enumerate(LAYERS):
        layers[f"pad_{i}"] = np.pad(x, ((0, 0), (1, 1)))[None, :, None]
        x = np.maximum(convolve(x, weights[name]), 0)
        layers[f"conv2d_{i}"] = x[None, :, None]
    pooled = x.mean(1)
    return layers | {"mean": pooled, "StatefulPartitionedCall:0": weights["head"] @ pooled}


def test_fused_layers_are_no_divergence(window: Floats, weights: dict[str, Floats]) -> None:
    line = first_divergence(reference(window, weights), converted(window, weights), 1e-3)
    assert line.startswith("no layer diverges")


@pytest.mark.parametrize("broken", range(4))
def test_a_corrupted_weight_is_found_in_its_layer(window: Floats, weights: dict[str, Floats], broken: int) -> None:
    name = LAYERS[broken]
    corrupt = weights | {name: weights[name].copy()}
    corrupt[name].flat[3] += 5
    line = first_divergence(reference(window, weights), converted(window, corrupt), 1e-3)
    assert f"first diverging layer /{name}/" in line
    assert f"in the artifact conv2d_{broken}:" in line
    before = "the input" if broken == 0 else f"/{LAYERS[broken - 1]}/Relu = conv2d_{broken - 1}"
    assert f"agreement up to {before}" in line


def test_a_corrupted_head_is_found(window: Floats, weights: dict[str, Floats]) -> None:
    corrupt = weights | {"head": -weights["head"]}
    line = first_divergence(reference(window, weights), converted(window, corrupt), 1e-3)
    assert "first diverging layer logits, in the artifact StatefulPartitionedCall:0" in line


def test_quantisation_noise_below_the_bound_is_no_divergence(window: Floats, weights: dict[str, Floats]) -> None:
    rng = np.random.default_rng(0)
    noisy = {
        name: (tensor + rng.normal(0, 0.02 * tensor.std(), tensor.shape)).astype(np.float32)
        for name, tensor in converted(window, weights).items()
    }
    assert first_divergence(reference(window, weights), noisy, 0.2).startswith("no layer diverges")
    assert first_divergence(reference(window, weights), noisy, 1e-3).startswith("first diverging layer /stem/")


def test_channels_fed_in_another_order_diverge_at_the_input(window: Floats, weights: dict[str, Floats]) -> None:
    line = first_divergence(reference(window, weights), converted(window[[3, 4, 5, 0, 1, 2]], weights), 1e-3)
    assert "first diverging layer /stem/" in line
    assert "agreement up to the input" in line


def test_constant_tensors_prove_nothing(window: Floats, weights: dict[str, Floats]) -> None:
    expected = reference(window, weights) | {"gate": np.ones((1, 8), np.float32)}
    corrupt = weights | {"stem": -weights["stem"]}
    found = converted(window, corrupt) | {"gate": np.ones(8, np.float32)}
    assert "first diverging layer /stem/" in first_divergence(expected, found, 1e-3)


def test_a_transposed_tensor_still_matches(window: Floats, weights: dict[str, Floats]) -> None:
    turned = {name: tensor.squeeze().T for name, tensor in converted(window, weights).items()}
    assert first_divergence(reference(window, weights), turned, 1e-3).startswith("no layer diverges")


def test_graphs_that_share_no_layer_are_told_apart(window: Floats, weights: dict[str, Floats]) -> None:
    line = first_divergence(reference(window, weights), {"other": np.ones(7, np.float32)}, 1e-3)
    assert line.startswith("no layer of the reference has a counterpart")
