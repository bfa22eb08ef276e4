"""Which training windows should set the scales of int8_static: how many of the most violent to leave out.

python tests/benchmarks/int8_calibration.py BUILD... [--data DATA] [--target tflite]

Exports each finished build's int8_static file with other calibration windows, and compares it with the build's ONNX
graph on the recipe's *validation* subjects, who are training subjects. Test subjects are never read.
"""

import shutil
import tempfile
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from exporters.onnx_runner import OnnxRunner
from exporters.registry import load_exporter, load_runner
from factory.contracts.artifact import Precision
from factory.contracts.dataset import Floats
from factory.contracts.exporter import ExportRequest
from factory.contracts.progress import Silent
from factory.data import make_split, prepare
from factory.devices.host import machine
from factory.pipeline.request import cache_folder
from factory.quantize.calibration import choose_calibration
from factory.recipes import find_recipe

_SHARES = (1.0, 0.95, 0.9, 0.8, 0.6)


def main(
    builds: list[Path],
    data: Annotated[Path | None, typer.Option()] = None,
    target: Annotated[str, typer.Option()] = "tflite",
) -> None:
    """Export, run, compare."""
    typer.echo(f"{target} int8_static against ONNX on validation windows; {machine()}")
    typer.echo("| build | share kept | signal to error (dB) | top-1 agreement | largest error |\n|---|---|---|---|---|")
    for build in builds:
        _compare(build, data, target)


def _compare(build: Path, data: Path | None, target: str) -> None:
    recipe = find_recipe(build / "recipe.toml")
    windows = prepare(recipe.data, data, cache_folder(None), Silent())
    split = make_split(windows, recipe.split, recipe.seed)
    x = np.ascontiguousarray(windows.x[split.validation], np.float32)
    with OnnxRunner(build / "onnx" / "model.onnx") as reference:
        expected = reference.run(x)
    for share in _SHARES:
        calibration = choose_calibration(windows, split.train, recipe.export.calibration_windows, recipe.seed, share)
        with tempfile.TemporaryDirectory() as folder:
            shutil.copyfile(build / "contract.json", Path(folder) / "contract.json")
            request = ExportRequest(
                onnx=build / "onnx" / "model.onnx",
                student=build / "student",
                spec=windows.spec,
                calibration=calibration,
                build=Path(folder),
                precisions=(Precision.INT8_STATIC,),
                progress=Silent(),
            )
            (artifact,) = load_exporter(target).export(request)
            with load_runner(target)(Path(folder) / artifact.path) as runner:
                _row(f"{recipe.name}, seed {recipe.seed} | {share}", runner.run(x), expected)


def _row(name: str, got: Floats, expected: Floats) -> None:
    error = got - expected
    ratio = 10 * np.log10(np.square(expected).sum() / np.square(error).sum())
    agreement = (got.argmax(1) == expected.argmax(1)).mean()
    typer.echo(f"| {name} | {ratio:.1f} | {agreement:.4f} | {np.abs(error).max():.2f} |")


if __name__ == "__main__":
    typer.run(main)
