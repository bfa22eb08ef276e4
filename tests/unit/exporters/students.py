"""A small real student, its hand-off graph and a build folder around it."""

from pathlib import Path

import numpy as np
import torch

from exporters.onnx import export_onnx
from factory.contracts.artifact import Precision
from factory.contracts.dataset import Floats
from factory.contracts.exporter import ExportRequest
from factory.contracts.network import NetworkSpec
from factory.contracts.progress import Silent
from factory.contracts.recipe import BackboneRecipe, BlockKind, HeadKind, StageRecipe
from factory.contracts.window import Channel, Normalisation, Quantity, SensorContract, WindowSpec
from factory.models import Network, build_network, fold, save_network

CHANNELS, WINDOW, LABELS = 6, 64, ("walk", "sit", "lie", "run")
FEATURES = 64
"""Of an exported student: the least for which TensorFlow's int8_dynamic quantises a convolution, 16 x 64 weights."""
_MEAN, _STD = (0.5, 9.0, -1.0, 0.01, 0.0, -0.02), (4.0, 3.0, 2.0, 0.5, 0.6, 0.4)


def normalisation(channels: int = CHANNELS) -> Normalisation:
    """Constants of very different size a channel, as raw accelerometer and gyroscope have."""
    return Normalisation(mean=_MEAN[:channels], std=_STD[:channels], clip=6.0)


def sensor_spec(count: int = CHANNELS) -> WindowSpec:
    """Raw accelerometer and gyroscope at the waist; of three channels the accelerometer alone."""
    sensors = ((Quantity.ACCELEROMETER, "acc", "m/s^2", True), (Quantity.GYROSCOPE, "gyro", "rad/s", False))
    channels = tuple(
        Channel.model_validate(
            {"name": f"{name}_{axis}", "quantity": quantity, "axis": axis, "unit": unit, "gravity": gravity}
            | {"placement": "waist"}
        )
        for quantity, name, unit, gravity in sensors
        for axis in "xyz"
    )
    return WindowSpec(
        channels=channels[:count], rate_hz=50, length=WINDOW, hop=32, labels=LABELS, axes="Android's device frame"
    )


def student(head: HeadKind = "linear", seed: int = 0) -> Network:
    """A freshly initialised, folded student whose batch norms have seen data."""
    return fold(unfolded_student(head, seed))


def unfolded_student(
    head: HeadKind = "linear",
    seed: int = 0,
    *,
    channels: int = CHANNELS,
    features: int = 32,
    blocks: int = 2,
    block: BlockKind = "inverted_residual",
) -> Network:
    """The same as it is trained and stored; one of plain convolutions strides in its stem by 4."""
    torch.manual_seed(seed)
    expansion = 2 if block == "inverted_residual" else None
    backbone = BackboneRecipe(
        block=block,
        stem=8,
        stem_kernel=5 if expansion else 9,
        stem_stride=2 if expansion else 4,
        stages=(
            StageRecipe(width=8, blocks=1, expansion=expansion, kernel=5, stride=1),
            StageRecipe(width=16, blocks=blocks, expansion=expansion, kernel=5, stride=2),
        ),
        features=features,
        activation="relu",
    )
    spec = NetworkSpec(
        backbone=backbone,
        head=head,
        channels=channels,
        window=WINDOW,
        classes=len(LABELS),
        patterns=4,
        normalisation=normalisation(channels),
    )
    network = build_network(spec)
    network.train()
    with torch.no_grad():
        for _ in range(20):
            network(torch.from_numpy(some_windows(32, seed, channels))[:, :, None, :])
    return network.eval()


def some_windows(count: int, seed: int = 0, channels: int = CHANNELS) -> Floats:
    """(N, C, T) oscillations in SI units with a few violent samples beyond the clip."""
    rng = np.random.default_rng(seed)
    phase = rng.uniform(0, 6, (count, CHANNELS, 1)) + np.arange(WINDOW) * rng.uniform(0.05, 0.9, (count, 1, 1))
    x = np.sin(phase) * rng.uniform(0.1, 2, (count, CHANNELS, 1)) + rng.normal(0, 0.2, (count, CHANNELS, WINDOW))
    x[:, :, :1] *= 20
    return np.asarray(x * np.array(_STD)[:, None] + np.array(_MEAN)[:, None], np.float32)[:, :channels]


def export_request(
    build: Path,
    precisions: tuple[Precision, ...] = tuple(Precision),
    head: HeadKind = "linear",
    *,
    channels: int = CHANNELS,
    features: int = FEATURES,
    blocks: int = 2,
    block: BlockKind = "inverted_residual",
) -> ExportRequest:
    """A build folder with hand-off graph and contract, ready for a target."""
    spec = sensor_spec(channels)
    network = unfolded_student(head, channels=channels, features=features, blocks=blocks, block=block)
    save_network(network, build / "student")
    export_onnx(fold(network), channels, WINDOW, build / "onnx" / "model.onnx")
    contract = SensorContract(name="tiny", window=spec, normalisation=normalisation(channels), phone_obstacles=())
    (build / "contract.json").write_text(contract.model_dump_json())
    return ExportRequest(
        onnx=build / "onnx" / "model.onnx",
        student=build / "student",
        spec=spec,
        calibration=some_windows(64, seed=1, channels=channels),
        build=build,
        precisions=precisions,
        progress=Silent(),
    )
