"""TensorRT through its own program: build, run one batch, time. Needs no TensorRT package for Python.

File formats: --exportTimes is a list of {"computeMs", "latencyMs", "startH2dMs", "endD2hMs", ...}; --exportOutput one
of {"name", "dimensions", "values"}; --loadInputs takes raw little-endian float32.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, TypeVar

import numpy as np

import board
from bundle import Plan, Refusal

if TYPE_CHECKING:
    from types import TracebackType

_TAIL = 400
_WARM_UP_MS = 500
_TIMES = ("latencyMs", "startH2dMs", "endD2hMs")
Read = TypeVar("Read")


def program() -> str:
    """Path of trtexec.

    Raises:
        Refusal: It is not there.
    """
    path = board.trtexec()
    if path is None:
        raise Refusal("trtexec is not there: sudo apt install libnvinfer-bin, or use --builder python")
    return path


def build(plan: Plan, engine: Path, timing: Path | None, layers: Path) -> None:
    """Write a serialised engine and the list of its layers; read and renew the timing cache.

    Raises:
        Refusal: trtexec refused; holds the end of what it said.
    """
    command = [program(), f"--onnx={plan.graph}", f"--saveEngine={engine}", f"--exportLayerInfo={layers}"]
    command += ["--memPoolSize=workspace:256", "--profilingVerbosity=detailed", _only_build(program())]
    if timing is not None:
        command.append(f"--timingCacheFile={timing}")
    command += _unit(plan)
    if plan.precision == "int8_static":
        command.append("--int8")
    if plan.precision == "fp16" or plan.device == "dla":
        command.append("--fp16")
    if plan.calibration is not None:
        command.append(f"--calib={plan.calibration}")
    _run(command)
    if not engine.is_file() or engine.stat().st_size == 0:
        raise Refusal(f"trtexec wrote no engine for {plan.name}: run it by hand: {' '.join(command)}")


def time_us(plan: Plan, engine: Path, runs: int) -> tuple[np.ndarray, float]:
    """Microseconds of at least `runs` calls (copy in, compute, copy out), and windows a second."""
    with tempfile.TemporaryDirectory() as folder:
        times = Path(folder) / "times.json"
        command = [program(), f"--loadEngine={engine}", f"--exportTimes={times}", f"--iterations={runs}"]
        _run([*command, "--duration=0", f"--warmUp={_WARM_UP_MS}", "--useSpinWait", *_unit(plan)])
        trace = _read(times, lambda rows: [tuple(float(row[name]) for name in _TIMES) for row in rows])
    if not trace:
        raise Refusal(f"trtexec timed no call of {plan.name}: is this TensorRT 8.5?")
    wall_ms = trace[-1][2] - trace[0][1]
    return np.array([row[0] for row in trace]) * 1e3, plan.batch * len(trace) / wall_ms * 1e3


class TrtexecRunner:
    """Runs one engine, one process a batch: seconds each, so for the golden pack alone."""

    def __init__(self, plan: Plan, engine: Path) -> None:
        self.name = f"TensorRT {board.tensorrt_version()} (trtexec)"
        self._plan, self._engine = plan, engine

    def __enter__(self) -> TrtexecRunner:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is held between calls."""

    def run(self, windows: np.ndarray) -> np.ndarray:
        """Logits (N, K) of windows (N, C, T); the last batch is padded with its last window."""
        batch = self._plan.batch
        parts = []
        with tempfile.TemporaryDirectory() as folder:
            for start in range(0, len(windows), batch):
                part = windows[start : start + batch]
                padded = np.concatenate([part, np.repeat(part[-1:], batch - len(part), axis=0)])
                parts.append(self._infer(Path(folder), padded)[: len(part)])
        return np.concatenate(parts)

    def _infer(self, folder: Path, windows: np.ndarray) -> np.ndarray:
        values, answer = folder / "imu.bin", folder / "output.json"
        values.write_bytes(np.ascontiguousarray(windows, "<f4").tobytes())
        command = [program(), f"--loadEngine={self._engine}", f"--loadInputs=imu:{values}", f"--exportOutput={answer}"]
        _run([*command, "--iterations=1", "--duration=0", "--warmUp=0", *_unit(self._plan)])
        logits = _read(answer, lambda rows: [_rows(row, len(windows)) for row in rows if row["name"] == "logits"])
        if not logits:
            raise Refusal(f"trtexec gave no output 'logits' for {self._plan.name}: another bundle's engine?")
        return logits[0]


def _unit(plan: Plan) -> list[str]:
    return ["--useDLACore=0", "--allowGPUFallback"] if plan.device == "dla" else []


@lru_cache(maxsize=1)
def _only_build(path: str) -> str:
    """The option that stops after building; its name changed within 8.5."""
    return "--skipInference" if "--skipInference" in (board.run([path, "--help"]) or "") else "--buildOnly"


def _run(command: list[str]) -> None:
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False
    )
    if done.returncode != 0:
        said = " ".join(line for line in done.stdout.splitlines() if "[E]" in line) or " ".join(done.stdout.split())
        raise Refusal(f"trtexec ended with {done.returncode}: {said[-_TAIL:]} (command: {' '.join(command)})")


def _rows(output: dict[str, Any], count: int) -> np.ndarray:
    return np.asarray(output["values"], np.float32).reshape(count, -1)


def _read(path: Path, values: Callable[[Any], Read]) -> Read:
    """What `values` takes out of a JSON file of trtexec."""
    try:
        return values(json.loads(path.read_text("utf-8")))
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise Refusal(f"trtexec wrote no readable {path.name} ({error}): is this TensorRT 8.5?") from None
