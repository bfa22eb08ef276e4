"""TensorRT through its Python package: build an engine, run an engine. API v3, as 8.5 and all later ones have it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bundle import Plan, Refusal
from cuda import Cuda

if TYPE_CHECKING:
    from types import TracebackType

WORKSPACE_MIB = 256


def load_tensorrt() -> Any:
    """The package.

    Raises:
        Refusal: It is not installed.
    """
    try:
        import tensorrt
    except ImportError as error:
        raise Refusal(
            f"TensorRT's Python package is missing ({error}): sudo apt install python3-libnvinfer, or --builder trtexec"
        ) from None
    return tensorrt


def build(plan: Plan, engine: Path, timing: Path | None, layers: Path) -> None:
    """Write a serialised engine and the list of its layers; read and renew the timing cache.

    Raises:
        Refusal: The parser or the builder refused; says why.
    """
    trt = load_tensorrt()
    logger = trt.Logger(trt.Logger.WARNING)
    builder = trt.Builder(logger)
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.EXPLICIT_BATCH))
    parser = trt.OnnxParser(network, logger)
    if not parser.parse(plan.graph.read_bytes()):
        why = "; ".join(str(parser.get_error(index)) for index in range(parser.num_errors))
        raise Refusal(f"TensorRT's parser refuses {plan.graph.name}: {why}")
    config = _configure(trt, builder, plan)
    # The builder borrows the cache and the calibrator: both must live until it is done.
    cache = config.create_timing_cache(timing.read_bytes() if timing is not None and timing.exists() else b"")
    config.set_timing_cache(cache, ignore_mismatch=False)
    calibrator = _calibrator(trt, plan)
    if calibrator is not None:
        config.int8_calibrator = calibrator
    serialised = builder.build_serialized_network(network, config)
    if serialised is None:
        raise Refusal(f"TensorRT builds no {plan.name} engine of {plan.graph.name}: its messages stand above")
    engine.write_bytes(bytes(serialised))
    if timing is not None:
        timing.write_bytes(bytes(config.get_timing_cache().serialize()))
    built = trt.Runtime(logger).deserialize_cuda_engine(bytes(serialised))
    inspector = built.create_engine_inspector()
    layers.write_text(inspector.get_engine_information(trt.LayerInformationFormat.JSON), "utf-8")


def _configure(trt: Any, builder: Any, plan: Plan) -> Any:
    config = builder.create_builder_config()
    config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, WORKSPACE_MIB << 20)
    config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED
    if plan.precision == "fp16" or plan.device == "dla":
        config.set_flag(trt.BuilderFlag.FP16)
    if plan.precision == "int8_static":
        config.set_flag(trt.BuilderFlag.INT8)
    if plan.device == "dla":
        config.default_device_type = trt.DeviceType.DLA
        config.DLA_core = 0
        config.set_flag(trt.BuilderFlag.GPU_FALLBACK)
    return config


def _calibrator(trt: Any, plan: Plan) -> Any:
    """Hands the cache to the builder, and no data: the scales are the host's."""
    if plan.calibration is None:
        return None
    content = plan.calibration.read_bytes()

    class FromCache(trt.IInt8EntropyCalibrator2):  # type: ignore[misc]
        """Reads, never calibrates."""

        def get_batch_size(self) -> int:
            return 1

        def get_batch(self, names: list[str]) -> None:
            return None

        def read_calibration_cache(self) -> bytes:
            return content

        def write_calibration_cache(self, cache: bytes) -> None:
            return None

    return FromCache()


class TensorRTRunner:
    """Runs one engine on the default GPU, or on the DLA it was built for."""

    def __init__(self, engine: Path, batch: int) -> None:
        trt = load_tensorrt()
        self.name = f"TensorRT {trt.__version__}"
        self._cuda, self._batch = Cuda(), batch
        self._runtime = trt.Runtime(trt.Logger(trt.Logger.WARNING))
        self._engine = self._runtime.deserialize_cuda_engine(engine.read_bytes())
        if self._engine is None:
            raise Refusal(
                f"TensorRT {trt.__version__} refuses {engine.name}: build it again (build_engine.py --rebuild)"
            )
        self._context = self._engine.create_execution_context()
        self._host: dict[str, np.ndarray] = {}
        self._device: dict[str, int] = {}
        for index in range(self._engine.num_io_tensors):
            self._bind(trt, self._engine.get_tensor_name(index))
        self._stream = self._cuda.stream()

    def __enter__(self) -> TensorRTRunner:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for pointer in self._device.values():
            self._cuda.free(pointer)
        self._cuda.destroy(self._stream)
        # TensorRT wants the context gone before its engine.
        self._context = self._engine = None

    def run(self, windows: np.ndarray) -> np.ndarray:
        """Logits (N, K) of windows (N, C, T); the last batch is padded with its last window."""
        parts = []
        for start in range(0, len(windows), self._batch):
            part = windows[start : start + self._batch]
            short = self._batch - len(part)
            padded = np.concatenate([part, np.repeat(part[-1:], short, axis=0)]) if short else part
            self._host["imu"][...] = padded[:, :, None, :]
            self._infer()
            parts.append(self._host["logits"][: len(part)].copy())
        return np.concatenate(parts)

    def time_us(self, windows: np.ndarray, runs: int) -> np.ndarray:
        """Microseconds of each of `runs` calls with one batch: copy in, compute, copy out."""
        self.run(windows[: self._batch])
        durations = np.empty(runs)
        for index in range(runs):
            start = time.perf_counter()
            self._infer()
            durations[index] = (time.perf_counter() - start) * 1e6
        return durations

    def _bind(self, trt: Any, name: str) -> None:
        shape = tuple(self._engine.get_tensor_shape(name))
        # trt.nptype of 8.5 fails on numpy >= 1.24; every input and output of a bundle is float32.
        if self._engine.get_tensor_dtype(name) != trt.float32 or shape[0] != self._batch:
            raise Refusal(f"tensor {name} has shape {shape}: expected float32, batch {self._batch}: another bundle's?")
        self._host[name] = np.zeros(shape, np.float32)
        self._device[name] = self._cuda.malloc(self._host[name].nbytes)
        self._context.set_tensor_address(name, self._device[name])

    def _infer(self) -> None:
        self._cuda.upload(self._device["imu"], self._host["imu"], self._stream)
        if not self._context.execute_async_v3(self._stream):
            raise Refusal("TensorRT could not run the engine: its messages stand above")
        self._cuda.download(self._host["logits"], self._device["logits"], self._stream)
        self._cuda.synchronise(self._stream)
