"""How a bundle is run on a board."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceOptions:
    """Defaults are those of a Jetson.

    Attributes:
        python: The interpreter there: JetPack's own.
        runtime: 'onnxruntime' is the stand-in for machines without TensorRT; its report says so.
        benchmark_builds: Builds of each graph whose latency is compared.
        benchmark_runs: Timed calls an engine.
        power_s: Seconds of load, and of idling before it, an engine.
    """

    python: str = "python3"
    runtime: Literal["tensorrt", "onnxruntime"] = "tensorrt"
    benchmark_builds: int = 3
    benchmark_runs: int = 1000
    power_s: float = 10
