"""What an attached board measured: the reports of jetson/*.py, copied back.

A board is another machine: what it reports becomes file names, shell words and lines on a screen, so that every text is
held to the characters it needs.
"""

from typing import Annotated, Literal

from pydantic import Field

from factory.contracts.artifact import Precision
from factory.contracts.base import Contract
from factory.contracts.manifest import Check, Outcome

EngineName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_]{0,63}$")]
"""Precision, unit and batch, for example fp16_dla; part of file names on the board and here."""
EngineFile = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}\.engine$")]
"""A file's name without a folder."""
GateName = Annotated[str, Field(pattern=r"^[a-z0-9_]+(\.[a-z0-9_]+)*$", max_length=100)]
Word = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.+-]{0,100}$")]
"""A version, a script's name: no space, no separator of paths."""
Line = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*$", max_length=4000)]
"""Words for people: one line without control characters."""


class BoardFacts(Contract):
    """The board, as far as a figure depends on it; None where it could not be told."""

    model: Line
    l4t: Word | None
    tensorrt: Word | None
    python: Word
    numpy: Word
    power_mode: Line | None
    clocks_khz_or_hz: dict[Word, tuple[int, ...]] = Field(description="by unit; CPU in kHz, others in Hz")


class BoardCheck(Contract):
    """A gate as the board's scripts write it."""

    gate: GateName
    precision: Precision | None
    engine: EngineName
    outcome: Outcome
    value: float | None
    relation: Literal["<=", ">=", "=="] | None
    limit: float | None
    unit: Line
    note: Line


class BuiltEngine(Contract):
    """An engine that lies on the board; it runs nowhere else."""

    name: EngineName
    precision: Precision
    file: EngineFile
    size_bytes: int
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    builder: Literal["trtexec", "python"]
    kept: bool = Field(description="was there already for this graph, L4T, TensorRT and power mode")
    seconds: float


class EngineLatency(Contract):
    """One engine under load: a call is copy in, compute, copy out of one batch."""

    name: EngineName
    precision: Precision
    batch: int
    builder: Literal["trtexec", "python", "onnxruntime"]
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

    name: EngineName
    precision: Precision
    inferences: int
    seconds: float
    idle_mw: float
    load_mw: float
    energy_mj: float
    rails_idle_mw: dict[Word, float]
    rails_load_mw: dict[Word, float]
    clocks_under_load: dict[Word, tuple[int, ...]] = Field(description="by unit; CPU in kHz, others in Hz")


class ScriptReport(Contract):
    """What every script of the board writes."""

    script: Word
    ok: bool
    runtime: Line
    board: BoardFacts
    checks: tuple[BoardCheck, ...]


class BuildReport(ScriptReport):
    """Of build_engine.py."""

    engines: tuple[BuiltEngine, ...]


class VerifyReport(ScriptReport):
    """Of verify.py."""


class BenchmarkReport(ScriptReport):
    """Of benchmark.py."""

    engines: tuple[EngineLatency, ...]


class PowerReport(ScriptReport):
    """Of power.py."""

    engines: tuple[EnginePower, ...]


class DeviceReport(Contract):
    """report.json: one run of a bundle on one board."""

    schema_version: Literal[1] = 1
    where: Line = Field(description="board, L4T and runtime, for example 'Jetson-AGX, L4T 35.4.1, TensorRT 8.5.2.2'")
    bundle_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    remote_folder: str = Field(
        pattern=r"^\.cache/smldist-factory/[0-9a-f]{16}$",
        description="where bundle and engines stay on the board, relative to the login's home",
    )
    build: BuildReport
    verify: VerifyReport
    benchmark: BenchmarkReport
    power: PowerReport

    @property
    def checks(self) -> tuple[Check, ...]:
        """Every gate of all scripts, in the manifest's form: `variant` is the engine, `where` board and runtime."""
        scripts = (self.build, self.verify, self.benchmark, self.power)
        return tuple(self._check(check) for script in scripts for check in script.checks)

    def _check(self, check: BoardCheck) -> Check:
        fields = check.model_dump(exclude={"engine"})
        return Check(target="jetson", variant=check.engine, where=self.where, **fields)
