"""What a student's activation costs on ARM.

python -m tests.benchmarks.activations [--recipe demo]

The recipe's student with random weights, with ReLU and with hardswish (which a recipe refuses), as LiteRT files,
counted on the emulated cores (factory devices setup arm64).
"""

import tempfile
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import torch
import typer

from factory.contracts.network import NetworkSpec
from factory.contracts.recipe import Recipe
from factory.contracts.window import Channel, Normalisation, Quantity, WindowSpec
from factory.models import Network, build_network
from factory.recipes import find_recipe
from tests.benchmarks.peers.exporting import Wanted, count, export
from tests.benchmarks.peers.results import CORES

_LABELS = tuple(f"class_{index}" for index in range(7))


def main(recipe: Annotated[str, typer.Option()] = "demo") -> None:
    """Print one row a file."""
    torch.set_num_threads(1)
    typer.echo(f"| activation | file | {' | '.join(CORES)} |\n|---|---|{'---|' * len(CORES)}")
    activations: tuple[Literal["relu", "hardswish"], ...] = ("relu", "hardswish")
    for activation in activations:
        network = _network(find_recipe(recipe), activation)
        with tempfile.TemporaryDirectory() as name:
            wanted = Wanted(
                spec=_spec(network.spec.window),
                normalisation=network.spec.normalisation,
                calibration=np.random.default_rng(0).normal(0, 1, (64, 6, network.spec.window)).astype(np.float32),
                folder=Path(name),
            )
            artifacts, refused = export(network, wanted, targets=("tflite",))
            for artifact, counts in count(artifacts, wanted.folder, wanted.calibration[:1]):
                cells = " | ".join(f"{counts[core]:,}" for core in CORES)
                typer.echo(f"| {activation} | {artifact.precision} | {cells} |")
            for file, why in refused.items():
                typer.echo(f"| {activation} | {file} | refused: {why} |")


def _network(recipe: Recipe, activation: Literal["relu", "hardswish"]) -> Network:
    torch.manual_seed(0)
    return build_network(
        NetworkSpec(
            backbone=recipe.model.student.model_copy(update={"activation": activation}),
            head="linear",
            channels=6,
            window=recipe.data.window,
            classes=len(_LABELS),
            patterns=recipe.distill.patterns,
            normalisation=Normalisation(mean=(0.0,) * 6, std=(1.0,) * 6, clip=recipe.model.clip_sd),
        )
    ).eval()


def _spec(window: int) -> WindowSpec:
    sensors = ((Quantity.ACCELEROMETER, "acc", "m/s^2"), (Quantity.GYROSCOPE, "gyro", "rad/s"))
    channels = tuple(
        Channel.model_validate(
            {"name": f"{name}_{axis}", "quantity": quantity, "axis": axis, "unit": unit, "placement": "waist"}
            | {"gravity": quantity is Quantity.ACCELEROMETER}
        )
        for quantity, name, unit in sensors
        for axis in "xyz"
    )
    return WindowSpec(channels=channels, rate_hz=50, length=window, hop=window // 2, labels=_LABELS, axes="none")


if __name__ == "__main__":
    typer.run(main)
