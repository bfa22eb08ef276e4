"""Microseconds of single operators, fp32 and int8_static: python tests/benchmarks/int8_operators.py.

Each row is a chain of eight equal operators behind a stem, converted by the target's own worker; the stem alone is
timed beside it and subtracted. LiteRT with XNNPACK, one thread, rounds of all files in turn, median.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from exporters.onnx import export_onnx
from exporters.tflite.runner import LiteRTRunner
from factory.contracts.artifact import Precision

_CHAIN, _CHANNELS, _LENGTH = 8, 6, 64
_PRECISIONS = (Precision.FP32, Precision.INT8_STATIC)


class _Gate(nn.Module):
    """Squeeze and excitation with one layer: mean over time, 1x1, relu6(x + 3) / 6, multiplication."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layer = nn.Conv2d(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Features (B, C, 1, T) times a factor a channel."""
        return x * nn.functional.relu6(self.layer(x.mean((2, 3), keepdim=True)) + 3) * (1 / 6)


class _Chain(nn.Module):
    def __init__(self, width: int, links: list[nn.Module]) -> None:
        super().__init__()
        self.stem = nn.Conv2d(_CHANNELS, width, 1)
        self.links = nn.Sequential(*links)
        self.classify = nn.Linear(width, 4)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (B, 4)."""
        pooled: Tensor = self.links(self.stem(x)).mean((2, 3))
        return torch.as_tensor(self.classify(pooled))


def _convolution(width: int, kernel: int, groups: int) -> nn.Module:
    return nn.Sequential(nn.Conv2d(width, width, (1, kernel), padding=(0, kernel // 2), groups=groups), nn.ReLU())


def operators() -> dict[str, tuple[int, list[nn.Module]]]:
    """Row -> width and the chain's links."""
    rows: dict[str, tuple[int, list[nn.Module]]] = {}
    for kernel in (3, 5, 9):
        rows[f"depthwise k={kernel}, 48"] = 48, [_convolution(48, kernel, 48) for _ in range(_CHAIN)]
    for width in (16, 48, 96):
        rows[f"1x1, {width} to {width}"] = width, [_convolution(width, 1, 1) for _ in range(_CHAIN)]
    rows["gate, 48"] = 48, [_Gate(48) for _ in range(_CHAIN)]
    rows["full convolution k=5, 16 to 16"] = 16, [_convolution(16, 5, 1) for _ in range(_CHAIN)]
    return rows


def convert(network: nn.Module, folder: Path) -> list[Path]:
    """The float and the int8 file of a network, calibrated on noise."""
    folder.mkdir()
    export_onnx(network.eval(), _CHANNELS, _LENGTH, folder / "model.onnx")
    noise = np.random.default_rng(0).normal(size=(64, 1, 1, _LENGTH, _CHANNELS))
    np.save(folder / "calibration.npy", noise.astype(np.float32))
    command = [sys.executable, "-m", "exporters.tflite.worker", str(folder), *_PRECISIONS]
    subprocess.run(command, check=True, capture_output=True)
    return [folder / f"{precision}.tflite" for precision in _PRECISIONS]


def latencies_us(files: list[Path], rounds: int) -> dict[Path, float]:
    """Median of `rounds` x 20 inferences of each file, the files in turn."""
    times: dict[Path, list[float]] = {path: [] for path in files}
    window = np.zeros((_CHANNELS, _LENGTH), np.float32)
    with ExitStack() as stack:
        runners = {path: stack.enter_context(LiteRTRunner(path)) for path in files}
        for _ in range(rounds):
            for path, runner in runners.items():
                times[path] += [float(us) for us in runner.latency_us(window, 20)]
    return {path: statistics.median(values) for path, values in times.items()}


def main() -> None:
    """Print one line an operator."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=100, help="turns of 20 inferences a file")
    options = parser.parse_args()
    torch.manual_seed(0)
    rows = operators()
    with tempfile.TemporaryDirectory() as scratch:
        widths = {width for width, _ in rows.values()}
        stems = {width: convert(_Chain(width, []), Path(scratch) / f"stem{width}") for width in widths}
        chains = {
            name: convert(_Chain(width, links), Path(scratch) / f"chain{index}")
            for index, (name, (width, links)) in enumerate(rows.items())
        }
        median = latencies_us([path for pair in (*stems.values(), *chains.values()) for path in pair], options.rounds)
    print("| operator, length 64 | fp32 us | int8 us | int8 / fp32 |\n|---|---|---|---|")  # noqa: T201
    for name, pair in chains.items():
        stem = stems[rows[name][0]]
        single, static = ((median[path] - median[alone]) / _CHAIN for path, alone in zip(pair, stem, strict=True))
        print(f"| {name} | {single:.2f} | {static:.2f} | {static / single:.2f} |")  # noqa: T201


if __name__ == "__main__":
    main()
