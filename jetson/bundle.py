"""The unpacked bundle on the board: bundle.json, graphs, golden pack and test split.

Shape legend: N windows, C channels, T time steps, K classes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import argparse

FORMAT, VERSION = "smldist-jetson", 1


@dataclass(frozen=True)
class Plan:
    """One engine to build: which graph, in what precision, on what unit.

    Attributes:
        name: Such as fp16_gpu; names files and checks.
        graph: Path of the ONNX file.
        batch: Windows a call.
        precision: fp32, fp16 or int8_static.
        device: gpu or dla.
        calibration: Scales for an engine that takes no Q/DQ; None where the graph carries its own.
    """

    name: str
    graph: Path
    batch: int
    precision: str
    device: str
    calibration: Path | None


@dataclass(frozen=True)
class Split:
    """Windows with what they must give.

    Attributes:
        x: (N, C, T) float32, SI units.
        y: (N,) class index.
        logits: (N, K) of the reference network; None for the test split.
    """

    x: np.ndarray
    y: np.ndarray
    logits: np.ndarray | None


@dataclass(frozen=True)
class Bundle:
    """bundle.json, and the plans that a command line asked for."""

    root: Path
    meta: dict[str, Any]
    plans: list[Plan]

    def golden(self) -> Split:
        """The golden pack."""
        with np.load(str(self.root / "golden.npz"), allow_pickle=False) as pack:
            return Split(pack["x"], pack["y"], pack["logits"])

    def test(self) -> Split | None:
        """The whole test split; None where the bundle was packed without recordings."""
        path = self.root / "test.npz"
        if not path.exists():
            return None
        with np.load(str(path), allow_pickle=False) as pack:
            return Split(pack["x"], pack["y"], None)


class Refusal(Exception):
    """Something on this board cannot be used; one line with its remedy. Exit code 2."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What every script that uses engines takes."""
    here = Path(__file__).resolve().parent.parent
    parser.add_argument("--bundle", type=Path, default=here, help="unpacked bundle (default: where this script is)")
    parser.add_argument("--work", type=Path, help="folder of engines and timing caches (default: BUNDLE/../engines)")
    parser.add_argument("--report", type=Path, required=True, help="JSON file to write")
    parser.add_argument("--precision", nargs="+", choices=("fp32", "fp16", "int8"), help="only these")
    parser.add_argument("--device", nargs="+", choices=("gpu", "dla"), help="only these")
    parser.add_argument(
        "--runtime",
        choices=("tensorrt", "onnxruntime"),
        default="tensorrt",
        help="onnxruntime is a stand-in for machines without TensorRT: it runs the graphs, and says so",
    )
    parser.add_argument(
        "--road", choices=("auto", "trtexec", "python"), default="auto", help="how TensorRT is driven (default: auto)"
    )


def open_bundle(args: argparse.Namespace) -> Bundle:
    """Read bundle.json and select its engines by --precision and --device.

    Raises:
        Refusal: Not a bundle, of another version, or nothing is selected.
    """
    path = args.bundle / "bundle.json"
    try:
        meta = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise Refusal(f"{path} is not readable ({error}): unpack the bundle again, or name it with --bundle") from None
    found = (meta.get("format"), meta.get("version"))
    if found != (FORMAT, VERSION):
        raise Refusal(f"{path} has format {found}, these scripts read {(FORMAT, VERSION)}: use the bundle's own")
    plans = [_plan(args.bundle, row) for row in meta["engines"]]
    wanted = [plan for plan in plans if _selected(plan, args)]
    if not wanted:
        names = ", ".join(plan.name for plan in plans)
        raise Refusal(f"no engine is left by --precision and --device: the bundle has {names}")
    return Bundle(args.bundle, meta, wanted)


def work_folder(args: argparse.Namespace) -> Path:
    """The folder of engines, made if need be; beside the bundle, whose own files stay as they were packed."""
    folder: Path = args.work or args.bundle.resolve().parent / "engines"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _plan(root: Path, row: dict[str, Any]) -> Plan:
    calibration = row["calibration"]
    return Plan(
        name=row["name"],
        graph=root / row["graph"],
        batch=row["batch"],
        precision=row["precision"],
        device=row["device"],
        calibration=None if calibration is None else root / calibration,
    )


def _selected(plan: Plan, args: argparse.Namespace) -> bool:
    precision = plan.precision.replace("_static", "")
    return (not args.precision or precision in args.precision) and (not args.device or plan.device in args.device)
