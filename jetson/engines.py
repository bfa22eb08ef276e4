"""Where engines are stored, how they are built and opened, by trtexec or by TensorRT's Python package.

An engine serves one L4T release, TensorRT version, power mode and graph: all four are in its name, so that a foreign
one is never loaded and an old one never mistaken for the present one.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any

import board
from bundle import Plan, Refusal
from standin import StandInRunner, runtime_name
from trtexec import TrtexecRunner
from trtexec import build as build_by_trtexec

if TYPE_CHECKING:
    from pathlib import Path


def runtime(name: str) -> str:
    """What the report calls the runtime: TensorRT with its version, or the stand-in by its own words.

    Raises:
        Refusal: TensorRT is not on this machine.
    """
    if name == "onnxruntime":
        return runtime_name()
    version = board.tensorrt_version()
    if version is None:
        raise Refusal(
            "TensorRT is not on this machine: flash JetPack 5.1 (sudo apt install nvidia-jetpack), "
            "or try the graphs alone with --runtime onnxruntime"
        )
    return f"TensorRT {version}"


def key(facts: dict[str, Any]) -> str:
    """L4T, TensorRT and power mode, fit for a file name."""
    parts = ("L4T", facts["l4t"]), ("TRT", facts["tensorrt"]), ("", facts["power_mode"])
    return "-".join(prefix + re.sub(r"[^A-Za-z0-9_.]", "_", str(value or "unknown")) for prefix, value in parts)


def engine_path(work: Path, plan: Plan, facts: dict[str, Any]) -> Path:
    """Where the engine of a plan lies on this board in its present power mode."""
    digest = hashlib.sha256(plan.graph.read_bytes())
    if plan.calibration is not None:
        digest.update(plan.calibration.read_bytes())
    return work / f"{plan.name}-{key(facts)}-{digest.hexdigest()[:12]}.engine"


def timing_path(work: Path, facts: dict[str, Any]) -> Path:
    """The timing cache that every engine of this board and power mode shares."""
    return work / f"timing-{key(facts)}.cache"


def choose_builder(asked: str, python_first: bool) -> str:
    """Trtexec or python: as asked, else the first that is there.

    Raises:
        Refusal: Neither is.
    """
    there = {"trtexec": board.trtexec() is not None, "python": board.has_python_tensorrt()}
    if asked != "auto":
        return asked
    order = ("python", "trtexec") if python_first else ("trtexec", "python")
    for builder in order:
        if there[builder]:
            return builder
    raise Refusal("neither trtexec nor TensorRT's Python package is there: sudo apt install nvidia-jetpack")


def build(plan: Plan, engine: Path, timing: Path | None, builder: str) -> None:
    """Build into a temporary name first: a killed builder leaves no engine that looks finished.

    Raises:
        Refusal: TensorRT refused the graph.
    """
    part, layers = engine.with_suffix(".part"), engine.with_suffix(".layers.json")
    try:
        if builder == "trtexec":
            build_by_trtexec(plan, part, timing, layers)
        else:
            from trt import build as build_by_python

            build_by_python(plan, part, timing, layers)
        part.replace(engine)
    finally:
        if part.exists():
            part.unlink()


def open_runner(plan: Plan, engine: Path | None, builder: str) -> Any:
    """A runner of a built engine, or without one the stand-in of the graph; enter it before use."""
    if engine is None:
        return StandInRunner(plan)
    require(engine)
    if builder == "trtexec":
        return TrtexecRunner(plan, engine)
    from trt import TensorRTRunner

    return TensorRTRunner(engine, plan.batch)


def require(engine: Path) -> Path:
    """The same path.

    Raises:
        Refusal: build_engine.py has not built it on this board in this power mode.
    """
    if not engine.is_file():
        raise Refusal(f"{engine.name} is not built: run build_engine.py in this power mode first")
    return engine
