"""How much of a student's front must stay in float for int8 to answer as float does.

python tests/benchmarks/int8_front.py DATA [--recipe uci_har] [--epochs 40] [--group 0]

Trains a student by cross-entropy on two thirds of the recipe's training subjects, rounds it to int8 from one module on
(min-max scales of 512 training windows), and compares with float on the other third. Test subjects are never read.
The last line is the same after `train_for_int8`.
"""

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer

from factory.contracts.dataset import Floats, WindowSet
from factory.contracts.front import first_in_int8
from factory.contracts.progress import Silent
from factory.contracts.recipe import Recipe
from factory.contracts.scores import confusion, macro_f1
from factory.data import make_split, prepare
from factory.devices.host import machine
from factory.models import Network, build_network, fold
from factory.models.int8 import imitate_int8, release_weights
from factory.quantize.calibration import choose_calibration
from factory.recipes import find_recipe
from factory.training import predict
from factory.training.data import TrainingData, network_spec, training_data
from factory.training.int8 import train_for_int8
from factory.training.loop import Fit, fit
from factory.training.seed import seed_epoch
from factory.training.teacher import cross_entropy

_BEGINS = ("stem", "stages.0", "stages.0.0.body.1", "stages.1", "stages.1.0.body.1", "stages.2")


def main(
    data: Path,
    recipe: Annotated[str, typer.Option()] = "uci_har",
    epochs: Annotated[int, typer.Option()] = 40,
    group: Annotated[int, typer.Option(min=0, max=2)] = 0,
) -> None:
    """Train, round, compare."""
    chosen = find_recipe(recipe, 0)
    with tempfile.TemporaryDirectory() as cache:
        windows = prepare(chosen.data, data, Path(cache), Silent())
        train, held = _groups(chosen, windows, group)
        fitted = training_data(chosen, windows, train)
        student, plan = _trained(chosen, windows, fitted, epochs, Path(cache))
        x, y = np.ascontiguousarray(windows.x[held]), windows.y[held]
        calibration = choose_calibration(windows, train, 512, 0)
        typer.echo(f"{recipe}, group {group}: {len(held)} held-out windows of training subjects; {machine()}")
        typer.echo(
            "| int8 begins at | top-1 agreement | int8 - fp32 (pp) | error, steps of the output |\n|---|---|---|---|"
        )
        names = [name for name, _ in student.named_modules()]
        for begins in (begins for begins in _BEGINS if begins in names):
            _row(begins, student, begins, x, y, calibration)
        train_for_int8(student, plan, fitted, chosen, Silent())
        shipped = first_in_int8(names) or ""
        _row(f"{shipped}, trained for int8", student, shipped, x, y, calibration)


def _groups(recipe: Recipe, windows: WindowSet, group: int) -> tuple[np.ndarray, np.ndarray]:
    """Indices to train on and held out, by subject, both of the recipe's training subjects."""
    split = make_split(windows, recipe.split, recipe.seed)
    known = np.sort(np.concatenate([split.train, split.validation]))
    subjects = np.random.default_rng(5).permutation(np.unique(windows.subject[known]))
    away = np.isin(windows.subject[known], subjects[group::3])
    return known[~away], known[away]


def _trained(
    recipe: Recipe, windows: WindowSet, fitted: TrainingData, epochs: int, folder: Path
) -> tuple[Network, Fit]:
    seed_epoch(recipe.seed, "student", -1)
    student = build_network(network_spec(recipe, recipe.model.student, "linear", windows, fitted.normalisation))
    plan = Fit(
        phase="student",
        key="benchmark",
        epochs=epochs,
        seed=recipe.seed,
        device="cpu",
        folder=folder,
        recipe=recipe.train,
        augment=fitted.augment,
    )
    fit(plan, student, cross_entropy(student, recipe.train), fitted.x, fitted.y, Silent())
    return student.eval(), replace(plan, key="int8")


def _row(name: str, student: Network, begins: str, x: Floats, y: np.ndarray, calibration: Floats) -> None:
    expected, folded = predict(student, x), fold(student)
    rounded = imitate_int8(folded, begins).train()
    with torch.inference_mode():
        rounded(torch.from_numpy(calibration).unsqueeze(2))
        rounded.eval()
        got = np.concatenate([rounded(torch.from_numpy(part).unsqueeze(2)).numpy() for part in np.array_split(x, 8)])
    release_weights(folded)
    agreement = float((got.argmax(1) == expected.argmax(1)).mean())
    drop = _score(got, y) - _score(expected, y)
    steps = float(np.abs(got - expected).mean() / (expected.max() - expected.min()) * 255)
    typer.echo(f"| {name} | {agreement:.4f} | {100 * drop:+.2f} | {steps:.2f} |")


def _score(logits: Floats, y: np.ndarray) -> float:
    return macro_f1(confusion(y, logits.argmax(1), logits.shape[1]))


if __name__ == "__main__":
    typer.run(main)
