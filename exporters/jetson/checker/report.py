"""What the static checker says of a graph."""

from enum import StrEnum

from pydantic import Field

from factory.contracts.artifact import Precision
from factory.contracts.base import Contract


class Device(StrEnum):
    """What an engine is built for."""

    GPU = "gpu"
    DLA = "dla"


class Level(StrEnum):
    """An error stops the builder or changes what is computed; a warning costs time, accuracy or a cast."""

    ERROR = "error"
    WARNING = "warning"


class Diagnostic(Contract):
    """One rule broken by one node."""

    rule: str = Field(
        pattern=r"^[a-z0-9]+\.[a-z0-9_]+$", description="stable name, see docs/targets/tensorrt-checker.md"
    )
    level: Level
    node: str = Field(description="the node's name, or 'graph'")
    message: str = Field(description="what was found, and what is expected")
    remedy: str

    def __str__(self) -> str:
        return f"{self.level} {self.rule} at {self.node}: {self.message}: {self.remedy}"


class Coverage(Contract):
    """How much of a graph's arithmetic the DLA takes; a softmax or an activation has no MACs."""

    macs: int = Field(description="multiply-accumulates of one run of the graph")
    on_dla: int = Field(description="of these, those of nodes that the DLA takes")
    parts: int = Field(description="uninterrupted segments of nodes on the DLA, in the graph's order")
    on_gpu: tuple[str, ...] = Field(description="nodes that fall back to the GPU, in the graph's order")

    @property
    def per_cent(self) -> float:
        """Share of the MACs on the DLA; 0 for a graph without any."""
        return 100 * self.on_dla / self.macs if self.macs else 0.0


class GraphReport(Contract):
    """Every diagnostic of one graph, for one device and precision."""

    file: str
    device: Device
    precision: Precision
    diagnostics: tuple[Diagnostic, ...]
    coverage: Coverage | None = Field(default=None, description="for the DLA")

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """The diagnostics with which no right engine can be built."""
        return tuple(diagnostic for diagnostic in self.diagnostics if diagnostic.level is Level.ERROR)
