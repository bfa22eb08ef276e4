"""What an attached board measured: the reports of jetson/*.py, brought home."""

from typing import Literal

from pydantic import Field

from factory.contracts.artifact import Precision
from factory.contracts.base import Contract
from factory.contracts.manifest import Check, Outcome


class BoardFacts(Contract):
    """The board, as far as a figure depends on it; None where it could not be told."""

    model: str
    l4t: str | None
    tensorrt: str | None
    python: str
    numpy: str
    power_mode: str | None
    clocks_khz_or_hz: dict[str, tuple[int, ...]] = Field(description="by unit; CPU in kHz, others in Hz")


class BoardCheck(Contract):
    """A gate as the board's scripts write it."""

    gate: str
    precision: Precision | None
    engine: str = Field(description="which engine: precision, unit and batch, for example fp16_dla")
    outcome: Outcome
    value: float | None
    relation: Literal["<=", ">=", "=="] | None
    limit: float | None
    unit: str
    note: str


class BuiltEngine(Contract):
    """An engine that lies on the board; it runs nowhere else."""

    name: str
    precision: Precision
    file: str
    size_bytes: int
    sha256: str
    road: Literal["trtexec", "python"]
    kept: bool = Field(description="was there already for this graph, L4T, TensorRT and power mode")
    seconds: float


class EngineLatency(Contract):
    """One engine under load: a call is copy in, compute, copy out of one batch."""

    name: str
    precision: Precision
    batch: int
    road: str
    runs: int
    mean_us: float
    p05_us: float
    median_us: float
    p95_us: float
    p99_us: float
    max_us: float
    windows_per_s: float
    builds_median_us: tuple[float, ...] = Field(
        description="of the kept engine and of further builds of the same graph"
    )
    spread: float | None = Field(description="(largest - smallest) / smallest of those; None with one build")


class EnginePower(Contract):
    """Energy of one inference: (load - idle) x time / inferences, all rails summed."""

    name: str
    precision: Precision
    inferences: int
    seconds: float
    idle_mw: float
    load_mw: float
    energy_mj: float
    rails_idle_mw: dict[str, float]
    rails_load_mw: dict[str, float]
    clocks_under_load: dict[str, tuple[int, ...]] = Field(description="by unit; CPU in kHz, others in Hz")


class ScriptReport(Contract):
    """What every script of the board writes."""

    script: str
    ok: bool
    runtime: str
    board: BoardFacts
    checks: tuple[BoardCheck, ...]


class BuildReport(ScriptReport):
    """Of build_engine.py."""

    engines: tuple[BuiltEngine, ...]


class VerifyReport(ScriptReport):
    """Of verify.py."""


class BenchReport(ScriptReport):
    """Of bench.py."""

    engines: tuple[EngineLatency, ...]


class PowerReport(ScriptReport):
    """Of power.py."""

    engines: tuple[EnginePower, ...]


class DeviceReport(Contract):
    """report.json: one run of a bundle on one board."""

    schema_version: Literal[1] = 1
    where: str = Field(description="board, L4T and runtime, for example 'Jetson-AGX, L4T 35.4.1, TensorRT 8.5.2.2'")
    bundle_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    remote_folder: str = Field(description="where bundle and engines stay on the board, relative to the login's home")
    build: BuildReport
    verify: VerifyReport
    bench: BenchReport
    power: PowerReport

    @property
    def checks(self) -> tuple[Check, ...]:
        """Every gate of all scripts, in the manifest's form: `variant` is the engine, `where` board and runtime."""
        scripts = (self.build, self.verify, self.bench, self.power)
        return tuple(self._check(check) for script in scripts for check in script.checks)

    def _check(self, check: BoardCheck) -> Check:
        fields = check.model_dump(exclude={"engine"})
        return Check(target="jetson", variant=check.engine, where=self.where, **fields)
