"""Fit the cost model of students, factory/models/costs.json.

python -m tests.benchmarks.fit_costs COUNTS.json [--layouts 80] [--fit]

Draws random students of random windows, with random weights, exports each to int8_static and counts its instructions
on the emulated cores (factory devices setup arm64). What is counted is kept in COUNTS.json and not counted again.
`--fit` writes the coefficients into the package and prints the error on files that were held out in turn.
"""

import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, get_args

import numpy as np
import torch
import typer
from numpy.typing import NDArray
from pydantic import ValidationError
from scipy.optimize import nnls

from factory.contracts.costs import CostModel, Fitted
from factory.contracts.files import atomic_write
from factory.contracts.network import NetworkSpec
from factory.contracts.progress import Silent
from factory.contracts.recipe import Core, ModelRecipe, StageRecipe
from factory.contracts.window import Normalisation, WindowSpec
from factory.devices.arm64 import SCHEME
from factory.devices.catalogue import open_devices
from factory.models import Network, build_network
from factory.models.cost import network_cost
from factory.models.instructions import COSTS
from factory.models.operators import SIZE, SPEED, quantities
from factory.pipeline.layouts.count import count, export_int8
from factory.pipeline.layouts.space import backbone_of, choices
from factory.pipeline.measure import open_runner
from factory.pipeline.provenance import versions
from factory.pipeline.request import cache_folder
from tests.unit.exporters.students import sensor_spec

CORES: tuple[Core, ...] = get_args(Core)
_STEPS = (64, 96, 125, 128, 128, 128, 200, 256)
_CHANNELS = (3, 6, 6, 6, 9)
_HEADS = ("linear", "hopfield", "cosine", "mlp")
_STAGES = (1, 2, 3, 3, 3, 4)
_MACS = (60_000, 1_200_000)
"""Between these, evenly in the logarithm, lies what a layout may cost at most, so that small ones are drawn too."""
_CALIBRATION = 16
_FOLDS = 10
Floats = NDArray[np.float64]


def main(
    counts: Path,
    layouts: Annotated[int, typer.Option(min=_FOLDS)] = 80,
    fit: Annotated[bool, typer.Option("--fit", help="write the package's coefficients")] = False,
) -> None:
    """Count what is not counted yet; with --fit, fit and say how far off files that were held out are."""
    torch.set_num_threads(1)
    rows: list[dict[str, Any]] = json.loads(counts.read_text()) if counts.exists() else []
    for seed in range(len(rows), layouts):
        rows.append(_counted(seed))
        with atomic_write(counts) as temporary:
            temporary.write_text(json.dumps(rows))
        typer.echo(f"{seed} {rows[-1]['instructions']} {rows[-1]['size_bytes']}")
    if fit:
        model = fit_all(rows[:layouts])
        for name, fitted in (*model.instructions.items(), ("bytes", model.size_bytes)):
            typer.echo(f"{name}: mean {fitted.held_out_error:.1%}, 95 % within {fitted.held_out_p95:.1%}")
        with atomic_write(COSTS) as temporary:
            temporary.write_text(model.model_dump_json(indent=1) + "\n", "utf-8")


def fit_all(rows: Sequence[dict[str, Any]]) -> CostModel:
    """Coefficients of each core and of the file's size."""
    specs = [NetworkSpec.model_validate(row["spec"]) for row in rows]
    found = [quantities(build_network(spec).eval()) for spec in specs]
    return CostModel(
        command=f"python -m tests.benchmarks.fit_costs COUNTS.json --layouts {len(rows)} --fit",
        layouts=len(rows),
        versions={"runtime": rows[0]["runtime"], **versions("tensorflow", "onnx2tf")},
        instructions={core: fit_one(found, SPEED, [row["instructions"][core] for row in rows]) for core in CORES},
        size_bytes=fit_one(found, SIZE, [row["size_bytes"] for row in rows]),
    )


def fit_one(found: Sequence[Mapping[str, float]], names: Sequence[str], counted: Sequence[int]) -> Fitted:
    """Coefficients that are not negative and make the relative error least; each file is held out once.

    Args:
        found: Quantities of each file.
        names: Those that decide this figure.
        counted: This figure of each file.
    """
    table, figures = np.array([[each[name] for name in names] for each in found]), np.array(counted, np.float64)
    errors = np.empty(len(figures))
    for fold in range(_FOLDS):
        held = np.arange(len(figures)) % _FOLDS == fold
        errors[held] = np.abs(table[held] @ _solve(table[~held], figures[~held]) / figures[held] - 1)
    solved = _solve(table, figures)
    return Fitted(
        coefficients={name: float(f"{value:.6g}") for name, value in zip(names, solved, strict=True) if value > 0},
        held_out_error=round(float(errors.mean()), 4),
        held_out_p95=round(float(np.quantile(errors, 0.95)), 4),
    )


def _solve(table: Floats, figures: Floats) -> Floats:
    relative = table / figures[:, None]
    scale = np.maximum(relative.max(axis=0), 1e-12)
    return np.asarray(nnls(relative / scale, np.ones(len(figures)))[0] / scale)


def _counted(seed: int) -> dict[str, Any]:
    network, spec = random_student(seed)
    rng = np.random.default_rng(seed)
    windows = rng.normal(size=(_CALIBRATION, network.spec.channels, network.spec.window)).astype(np.float32)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        artifact = export_int8(network, "layout", spec, windows, folder, Silent())
        found = count(artifact, folder, windows[:1], open_devices(SCHEME, cache_folder(None), open_runner))
    return {"seed": seed, "spec": network.spec.model_dump(mode="json"), **found.model_dump(mode="json")}


def random_student(seed: int) -> tuple[Network, WindowSpec]:
    """A student of random layout, window, channels, classes and head, with random weights."""
    rng = np.random.default_rng(seed)
    base, most = ModelRecipe().student, np.exp(rng.uniform(*np.log(_MACS)))
    while True:
        stages = int(rng.choice(_STAGES))
        drawn = {name: options[int(rng.integers(len(options)))] for name, options in choices(stages).items()}
        student = base.model_copy(
            update={"stages": tuple(StageRecipe(width=8, blocks=1, kernel=3, stride=1) for _ in range(stages))}
        )
        channels, classes = int(rng.choice(_CHANNELS)), int(rng.integers(4, 20))
        try:
            backbone = backbone_of(drawn, student)
            window = int(rng.choice(_STEPS))
            if window < 2 * backbone.strides:
                continue
            spec = NetworkSpec(
                backbone=backbone,
                head=str(rng.choice(_HEADS)),
                channels=channels,
                window=window,
                classes=classes,
                patterns=8,
                normalisation=Normalisation(mean=(0.5,) * channels, std=(2.0,) * channels, clip=6.0),
            )
        except ValidationError:
            continue
        torch.manual_seed(seed)
        network = build_network(spec).eval()
        if network_cost(network).macs <= most:
            return network, _window_spec(channels, window, classes)


def _window_spec(channels: int, window: int, classes: int) -> WindowSpec:
    spec = sensor_spec(6)
    more = tuple(
        channel.model_copy(update={"name": f"{channel.name}_2", "placement": "wrist"}) for channel in spec.channels
    )
    labels = tuple(f"activity_{index}" for index in range(classes))
    return spec.model_copy(update={"channels": (spec.channels + more)[:channels], "length": window, "labels": labels})


if __name__ == "__main__":
    typer.run(main)
