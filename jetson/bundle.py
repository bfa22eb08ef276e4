"""The unpacked bundle on the board: bundle.json, graphs, golden pack and test split.

Shape legend: N windows, C channels, T time steps, K classes.
"""

from __future__ import annotations

import json
import math
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import argparse

FORMAT, VERSION = "smldist-jetson", 1
PRECISIONS, DEVICES = ("fp32", "fp16", "int8_static"), ("gpu", "dla")
_NAME = re.compile(r"[a-z0-9][a-z0-9_]{0,63}")
_GRAPH = re.compile(r"graphs/[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}")
_GATE = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)*")
_SHOWN = 60


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
class UnpackedBundle:
    """bundle.json, and the plans that a command line asked for."""

    root: Path
    meta: dict[str, Any]
    plans: list[Plan]

    def golden(self) -> Split:
        """The golden pack."""
        x, y, logits = _arrays(self.root / "golden.npz", ("x", "y", "logits"))
        return Split(x, y, logits)

    def test(self) -> Split | None:
        """The whole test split; None where the bundle was packed without recordings."""
        path = self.root / "test.npz"
        if not path.exists():
            return None
        x, y = _arrays(path, ("x", "y"))
        return Split(x, y, None)


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
        "--builder",
        choices=("auto", "trtexec", "python"),
        default="auto",
        help="how TensorRT is driven (default: auto)",
    )


def open_bundle(args: argparse.Namespace) -> UnpackedBundle:
    """Read bundle.json and select its engines by --precision and --device.

    Raises:
        Refusal: Not a bundle, of another version, with a value that no bundle has, or nothing is selected.
    """
    path = args.bundle / "bundle.json"
    try:
        meta = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise Refusal(f"{path} is not readable ({error}): unpack the bundle again, or name it with --bundle") from None
    found = (meta.get("format"), meta.get("version")) if isinstance(meta, dict) else (type(meta).__name__, None)
    if found != (FORMAT, VERSION):
        raise Refusal(f"{path} has format {found}, these scripts read {(FORMAT, VERSION)}: use the bundle's own")
    try:
        plans = [_plan(args.bundle, row) for row in meta["engines"]]
        _require_limits(meta, plans)
    except KeyError as error:
        raise Refusal(f"{path} lacks {error}: unpack the bundle again") from None
    except (ValueError, TypeError, AttributeError) as error:
        raise Refusal(f"{path} cannot be used ({error}): unpack the bundle again") from None
    wanted = [plan for plan in plans if _selected(plan, args)]
    if not wanted:
        names = ", ".join(plan.name for plan in plans)
        raise Refusal(f"no engine is left by --precision and --device: the bundle has {names}")
    return UnpackedBundle(args.bundle, meta, wanted)


def work_folder(args: argparse.Namespace) -> Path:
    """The folder of engines, made if need be; beside the bundle, whose own files stay as they were packed."""
    folder: Path = args.work or args.bundle.resolve().parent / "engines"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _plan(root: Path, row: dict[str, Any]) -> Plan:
    """An engine of bundle.json; its name and paths become files and arguments, so that each is held to a pattern."""
    batch, calibration = row["batch"], row["calibration"]
    _require(type(batch) is int and 1 <= batch <= 4096, "batch", batch, "a whole number from 1 to 4096")
    _require(row["precision"] in PRECISIONS, "precision", row["precision"], " or ".join(PRECISIONS))
    _require(row["device"] in DEVICES, "device", row["device"], " or ".join(DEVICES))
    return Plan(
        name=_matching(_NAME, "name", row["name"]),
        graph=_inside(root, "graph", row["graph"]),
        batch=batch,
        precision=row["precision"],
        device=row["device"],
        calibration=None if calibration is None else _inside(root, "calibration", calibration),
    )


def _inside(root: Path, field: str, value: Any) -> Path:
    """A file of the bundle's folder graphs, which a link must not leave either."""
    path = root / _matching(_GRAPH, field, value)
    graphs = (root / "graphs").resolve()
    _require(graphs in path.resolve().parents and root.resolve() in graphs.parents, field, value, "no link out")
    return path


def _require_limits(meta: dict[str, Any], plans: list[Plan]) -> None:
    """Refuse limits that no value could be judged by."""
    names = [plan.name for plan in plans]
    _require(len(set(names)) == len(names), "engines", names, "each name once")
    _require(_positive(meta["hop_us"]), "hop_us", meta["hop_us"], "microseconds above 0")
    for precision in {plan.precision for plan in plans}:
        _require(_positive(meta["steps"][precision]), "steps", meta["steps"], "a number above 0 a precision")
        for gate in meta["gates"][precision]:
            _matching(_GATE, "gate", gate["gate"])
            _require(gate["relation"] in ("<=", ">="), "relation", gate["relation"], "<= or >=")
            _require(_finite(gate["limit"]), "limit", gate["limit"], "a number")
            _require(isinstance(gate["unit"], str), "unit", gate["unit"], "a text")
    reference = meta["reference"]
    if reference is not None:
        known = _finite(reference["accuracy"]) and _finite(reference["macro_f1"])
        _require(known, "reference", reference, "numbers")


def _matching(pattern: re.Pattern[str], field: str, value: Any) -> str:
    _require(isinstance(value, str) and pattern.fullmatch(value) is not None, field, value, pattern.pattern)
    return str(value)


def _require(holds: bool, field: str, value: Any, expected: str) -> None:
    if not holds:
        raise ValueError(f"{field} is {repr(value)[:_SHOWN]}, expected {expected}")


def _finite(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _positive(value: Any) -> bool:
    return _finite(value) and value > 0


def _arrays(path: Path, names: tuple[str, ...]) -> list[np.ndarray]:
    try:
        with np.load(str(path), allow_pickle=False) as pack:
            return [pack[name] for name in names]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise Refusal(f"{path} is not readable ({error}): unpack the bundle again") from None


def _selected(plan: Plan, args: argparse.Namespace) -> bool:
    precision = plan.precision.replace("_static", "")
    return (not args.precision or precision in args.precision) and (not args.device or plan.device in args.device)
