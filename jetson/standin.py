"""ONNX Runtime in TensorRT's place, for machines without it. Says so in its name; judges no TensorRT gate."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import numpy as np

from bundle import Plan, Refusal

if TYPE_CHECKING:
    from types import TracebackType


def runtime_name() -> str:
    """Version, and that it is a stand-in."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    try:
        import onnxruntime
    except ImportError as error:
        raise Refusal(f"the stand-in needs onnxruntime ({error}): pip install onnxruntime") from None
    return f"ONNX Runtime {onnxruntime.__version__} (stand-in; no TensorRT on this machine)"


def can_run(plan: Plan) -> bool:
    """Whether the graph itself computes what the engine would; fp16 and calibrated scales are the builder's work."""
    return plan.precision != "fp16" and plan.calibration is None


class StandInRunner:
    """Runs the plan's graph on one thread of the CPU."""

    def __init__(self, plan: Plan) -> None:
        self.name = runtime_name()
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 4
        # Q/DQ as written: fused int8 kernels of old x86 processors saturate, and are not what a board computes.
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        self._batch = plan.batch
        try:
            self._session = onnxruntime.InferenceSession(
                plan.graph.read_bytes(), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime derives its failures from Exception itself
            raise Refusal(f"{plan.graph.name} does not load ({str(error)[:200]}): pack the bundle again") from None

    def __enter__(self) -> StandInRunner:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        del self._session

    def run(self, windows: np.ndarray) -> np.ndarray:
        """Logits (N, K) of windows (N, C, T); the last batch is padded with its last window."""
        parts = []
        for start in range(0, len(windows), self._batch):
            part = windows[start : start + self._batch]
            padded = np.concatenate([part, np.repeat(part[-1:], self._batch - len(part), axis=0)])
            parts.append(self._infer(padded)[: len(part)])
        return np.concatenate(parts)

    def time_us(self, windows: np.ndarray, runs: int) -> np.ndarray:
        """Microseconds of each of `runs` calls with one batch."""
        batch = np.repeat(windows[:1], self._batch, axis=0)
        self._infer(batch)
        durations = np.empty(runs)
        for index in range(runs):
            start = time.perf_counter()
            self._infer(batch)
            durations[index] = (time.perf_counter() - start) * 1e6
        return durations

    def _infer(self, windows: np.ndarray) -> np.ndarray:
        feed = {"imu": np.ascontiguousarray(windows[:, :, None, :], np.float32)}
        logits: np.ndarray = self._session.run(["logits"], feed)[0]
        return logits
