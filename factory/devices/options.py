"""How a bundle is run on a board."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceOptions:
    """Defaults are those of a Jetson.

    Attributes:
        python: The interpreter there: JetPack's own.
        runtime: 'onnxruntime' is the stand-in for machines without TensorRT; its report says so.
        bench_builds: Builds of each graph whose latency is compared.
        bench_runs: Timed calls an engine.
        power_s: Seconds of load, and of idling before it, an engine.
    """

    python: str = "python3"
    runtime: Literal["tensorrt", "onnxruntime"] = "tensorrt"
    bench_builds: int = 3
    bench_runs: int = 1000
    power_s: float = 10
