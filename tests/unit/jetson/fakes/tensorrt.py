"""The part of TensorRT 8.5's Python API that jetson/trt.py uses, over ONNX Runtime; its engine is the ONNX file.

It lacks what later versions lack (execute_async_v2, num_bindings, max_workspace_size), so that using one fails here.
It shows that our calls fit together, and says nothing of TensorRT.
"""

import ctypes
import json
import os
from enum import IntEnum
from typing import Any

import numpy as np
import onnxruntime

__version__ = "8.5.2.2"


class NetworkDefinitionCreationFlag(IntEnum):
    EXPLICIT_BATCH = 0


class MemoryPoolType(IntEnum):
    WORKSPACE = 0


class ProfilingVerbosity(IntEnum):
    DETAILED = 2


class BuilderFlag(IntEnum):
    FP16 = 0
    INT8 = 1
    GPU_FALLBACK = 3


class DeviceType(IntEnum):
    GPU = 0
    DLA = 1


class DataType(IntEnum):
    FLOAT = 0


class LayerInformationFormat(IntEnum):
    JSON = 1


float32 = DataType.FLOAT


class Logger:
    WARNING = 2

    def __init__(self, least: int) -> None:
        self.least = least


class IInt8EntropyCalibrator2:
    """Asked for its cache by the builder."""


class TimingCache:
    def __init__(self, content: bytes) -> None:
        self.content = content

    def serialize(self) -> bytes:
        return self.content + b"timing"


class Config:
    def __init__(self) -> None:
        self.flags: list[str] = []
        self.default_device_type = DeviceType.GPU
        self.DLA_core = -1
        self.profiling_verbosity: ProfilingVerbosity | None = None
        self.int8_calibrator: Any = None
        self._cache: TimingCache | None = None

    def set_memory_pool_limit(self, pool: MemoryPoolType, size: int) -> None:
        assert size > 0

    def set_flag(self, flag: BuilderFlag) -> None:
        self.flags.append(flag.name)

    def create_timing_cache(self, serialized_timing_cache: bytes) -> TimingCache:
        return TimingCache(serialized_timing_cache)

    def set_timing_cache(self, cache: TimingCache, ignore_mismatch: bool) -> bool:
        self._cache = cache
        return True

    def get_timing_cache(self) -> TimingCache:
        assert self._cache is not None
        return self._cache


class Network:
    onnx = b""


class Builder:
    def __init__(self, logger: Logger) -> None:
        self.logger = logger

    def create_network(self, flags: int) -> Network:
        assert flags == 1 << int(NetworkDefinitionCreationFlag.EXPLICIT_BATCH)
        return Network()

    def create_builder_config(self) -> Config:
        return Config()

    def build_serialized_network(self, network: Network, config: Config) -> memoryview | None:
        if os.environ.get("FAKE_NO_BUILD"):
            return None
        calibration = len(config.int8_calibrator.read_calibration_cache()) if config.int8_calibrator else 0
        asked = {"flags": sorted(config.flags), "dla": config.DLA_core, "calibration": calibration}
        return memoryview(json.dumps(asked).encode() + b"\n" + network.onnx)


class OnnxParser:
    def __init__(self, network: Network, logger: Logger) -> None:
        self._network = network
        self.num_errors = 0

    def parse(self, content: bytes) -> bool:
        self._network.onnx = content
        self.num_errors = int(not content.startswith(b"\x08"))
        return not self.num_errors

    def get_error(self, index: int) -> str:
        return "In node -1 (parse): UNSUPPORTED_NODE"


class Inspector:
    def get_engine_information(self, layer_information_format: LayerInformationFormat) -> str:
        return '{"Layers": []}'


class Context:
    def __init__(self, session: Any) -> None:
        self._session = session
        self._memory: dict[str, int] = {}

    def set_tensor_address(self, name: str, memory: int) -> bool:
        self._memory[name] = memory
        return True

    def execute_async_v3(self, stream_handle: int) -> bool:
        (given,) = self._session.get_inputs()
        count = int(np.prod(given.shape))
        held = (ctypes.c_float * count).from_address(self._memory[given.name])
        values = np.ctypeslib.as_array(held).reshape(given.shape)
        logits = self._session.run(["logits"], {given.name: values})[0]
        ctypes.memmove(self._memory["logits"], logits.ctypes.data, logits.nbytes)
        return True


class Engine:
    def __init__(self, onnx: bytes) -> None:
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        self._session = onnxruntime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])
        self._tensors = [*self._session.get_inputs(), *self._session.get_outputs()]
        self.num_io_tensors = len(self._tensors)

    def get_tensor_name(self, index: int) -> str:
        return str(self._tensors[index].name)

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        return next(tuple(tensor.shape) for tensor in self._tensors if tensor.name == name)

    def get_tensor_dtype(self, name: str) -> DataType:
        return float32

    def create_execution_context(self) -> Context:
        return Context(self._session)

    def create_engine_inspector(self) -> Inspector:
        return Inspector()


class Runtime:
    def __init__(self, logger: Logger) -> None:
        self.logger = logger

    def deserialize_cuda_engine(self, serialized_engine: bytes) -> Engine | None:
        head, _, onnx = serialized_engine.partition(b"\n")
        return Engine(onnx) if head.startswith(b"{") else None
