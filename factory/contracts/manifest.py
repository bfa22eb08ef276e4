"""manifest.json: what was built, from what, and what was verified where. Schema: `factory schema`."""

from enum import StrEnum
from typing import Literal

from pydantic import Field

from factory.contracts.artifact import Artifact, Precision
from factory.contracts.base import Contract
from factory.contracts.recipe import HeadKind, Recipe
from factory.contracts.window import Normalisation, WindowSpec


class Outcome(StrEnum):
    """Of a check. What could not run here is never a pass."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_RUN = "not_run"


class Check(Contract):
    """One gate, with its figure; one of a whole target has no precision."""

    gate: str = Field(description="for example parity.top1_agreement or accuracy.drop_pp")
    target: str
    precision: Precision | None = None
    variant: str = Field(default="", description="of the artifact, where one precision has several files")
    outcome: Outcome
    value: float | None = None
    relation: Literal["<=", ">=", "=="] | None = None
    limit: float | None = None
    unit: str = ""
    where: str = Field(description="machine and runtime, for example 'host x86_64, LiteRT 2.3.0'")
    note: str = Field(default="", description="why it failed or did not run; the first diverging layer")


class Parity(Contract):
    """Logits of an artifact against the reference, on the golden pack."""

    windows: int
    max_abs: float
    mean_abs: float
    sqnr_db: float | None = Field(description="None where the error is exactly zero")
    cosine: float
    top1_agreement: float
    flips: int
    agreement_low: float = Field(description="lower end of the 95 % Wilson interval of top-1 agreement")
    agreement_high: float
    histogram_edges: tuple[float, ...] = Field(description="of log10 of the absolute error")
    histogram_counts: tuple[int, ...]


class Accuracy(Contract):
    """Predictions against labels, over the whole test split."""

    windows: int
    accuracy: float
    macro_f1: float
    per_class_f1: dict[str, float]
    per_subject_f1: dict[str, float]
    worst_subject: str
    ece: float = Field(description="expected calibration error, 15 bins")
    confusion: tuple[tuple[int, ...], ...] = Field(description="rows are truth, columns predictions")


class Latency(Contract):
    """One thread, alternating with the other precisions."""

    runs: int
    median_us: float
    p05_us: float
    p95_us: float


class Verification(Contract):
    """Everything measured of one artifact, or of one rung of the stage ladder."""

    subject: str = Field(description="'eager', 'folded', 'onnx', or an artifact's path")
    precision: Precision | None = None
    runner: str
    parity: Parity
    accuracy: Accuracy | None = None
    latency: Latency | None = None


class NetworkCost(Contract):
    """What a network costs; MACs and memory for one window."""

    parameters: int
    macs: int
    peak_activation_bytes: int = Field(description="largest sum of live float32 tensors, operators in order")


class Training(Contract):
    """How the student came about."""

    head: HeadKind
    head_search: dict[str, float] = Field(description="validation macro-F1 a head")
    teacher: Accuracy
    student_cost: NetworkCost
    teacher_cost: NetworkCost
    device: str
    seconds: float


class DataSummary(Contract):
    """Who trained, who selected, who tested."""

    content_hash: str
    train_subjects: tuple[str, ...]
    validation_subjects: tuple[str, ...]
    test_subjects: tuple[str, ...]
    windows: dict[str, int] = Field(description="per part: train, validation, test")


class Provenance(Contract):
    """The tool that built it."""

    factory: str
    git: str = Field(description="commit, '+dirty' if changed, 'none' outside a checkout")
    python: str
    machine: str
    packages: dict[str, str]
    created: str = Field(description="UTC, ISO 8601")


class BuildFile(Contract):
    """Any other file of the build."""

    path: str
    sha256: str
    size_bytes: int


class Manifest(Contract):
    """The whole build."""

    schema_version: Literal[1] = 1
    name: str
    provenance: Provenance
    recipe: Recipe
    contract: WindowSpec
    normalisation: Normalisation
    phone_obstacles: tuple[str, ...] = Field(description="why a phone cannot feed this model; empty if it can")
    data: DataSummary
    training: Training
    artifacts: tuple[Artifact, ...]
    files: tuple[BuildFile, ...]
    ladder: tuple[Verification, ...]
    verifications: tuple[Verification, ...]
    checks: tuple[Check, ...]

    @property
    def failed(self) -> tuple[Check, ...]:
        """The checks that broke a tolerance."""
        return tuple(check for check in self.checks if check.outcome is Outcome.FAILED)
