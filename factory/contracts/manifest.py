"""manifest.json: what was built, from what, and what was verified where. Schema: `factory schema`."""

from enum import StrEnum
from itertools import combinations
from typing import Literal, Self

from pydantic import Field, model_validator

from factory.contracts.artifact import Artifact, Precision
from factory.contracts.base import Contract
from factory.contracts.network import Lead
from factory.contracts.recipe import HeadKind, Recipe, SplitRecipe
from factory.contracts.window import Normalisation, Rejection, WindowSpec


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


class SplitAgreement(Contract):
    """Predicted classes of an artifact against the reference's, over the whole test split, and what flips cost."""

    windows: int
    agreement: float = Field(description="share of windows with the same class")
    right_to_wrong: int = Field(description="flips of windows that the reference had right")
    wrong_to_right: int = Field(description="flips that put a window right; the others were wrong before and after")
    p_value: float = Field(
        description="exact McNemar test, one-sided: chance of losing so many where flips win as often as they lose; "
        "counts are divided by the windows that share a sample"
    )


class ReliabilityBin(Contract):
    """Predictions whose confidence lies in one interval: is a model that says 80 % right 80 times in 100?"""

    low: float = Field(description="confidences in (low, high]")
    high: float
    windows: int
    confidence: float = Field(description="mean of the largest probability")
    accuracy: float


class Accuracy(Contract):
    """Predictions against labels, over the whole test split."""

    windows: int
    accuracy: float
    macro_f1: float
    macro_f1_low: float | None = Field(
        default=None, description="lower end of the 95 % bootstrap interval over people; None with one person"
    )
    macro_f1_high: float | None = None
    per_class_f1: dict[str, float]
    per_subject_f1: dict[str, float]
    worst_subject: str
    ece: float = Field(description="expected calibration error, 15 bins")
    reliability: tuple[ReliabilityBin, ...] = Field(default=(), description="the bins of it that hold windows")
    confusion: tuple[tuple[int, ...], ...] = Field(description="rows are truth, columns predictions")


class Latency(Contract):
    """One thread, alternating with the other precisions."""

    runs: int
    median_us: float
    p05_us: float
    p95_us: float


class Verification(Contract):
    """Everything measured of one artifact, or of one step of the conversion checks."""

    subject: str = Field(description="'eager', 'folded', 'onnx', or an artifact's path")
    precision: Precision | None = None
    runner: str
    parity: Parity
    split_agreement: SplitAgreement | None = Field(
        default=None, description="None for conversion checks, and without the recordings or the reference's logits"
    )
    accuracy: Accuracy | None = None
    latency: Latency | None = None


class HostDifference(Contract):
    """Logits of an artifact on a device against those of the same file on the host, window by window."""

    windows: int
    max_abs: float
    mean_abs: float
    equal: float = Field(description="share of windows whose logits all lie within 1e-4 of the host's")
    flips: int


class OnDevice(Contract):
    """What one artifact answered on a device."""

    subject: str = Field(description="the artifact's path")
    runtime: str = Field(description="there, for example 'LiteRT 2.3.0'")
    parity: Parity = Field(description="golden pack against the reference network")
    difference: HostDifference = Field(description="golden pack and test windows")
    accuracy: Accuracy | None = Field(default=None, description="None without the recordings")
    host_accuracy: float | None = Field(default=None, description="of the same file and windows on the host")
    instructions: int | None = Field(
        default=None, description="of one inference, one thread; the median where they differ; None where not counted"
    )
    latency: Latency | None = Field(default=None, description="None on an emulated device")


class DeviceRun(Contract):
    """A device and what each artifact answered on it."""

    device: str = Field(description="as the command line names it, for example 'arm64:cortex-a76'")
    emulated: bool
    facts: dict[str, str] = Field(description="what the device tells of itself")
    artifacts: tuple[OnDevice, ...]

    @model_validator(mode="after")
    def _no_emulated_time(self) -> Self:
        if self.emulated and any(seen.latency is not None for seen in self.artifacts):
            raise ValueError(f"{self.device} is emulated: its time says nothing of a real one")
        return self


class Baseline(Contract):
    """Trees on statistics of the same windows and split: what a student must not fall below to be worth shipping."""

    kind: Literal["gradient_boosting", "extra_trees"] = Field(description="the better one on validation subjects")
    validation: dict[str, float] = Field(description="macro-F1 of each kind on validation subjects")
    features: int = Field(description="statistics a window")
    seconds: float
    accuracy: Accuracy = Field(description="on the test split, fitted on training and validation subjects")
    majority: Accuracy = Field(description="of always answering the commonest class of the training split")


class MixedWindows(Contract):
    """Test windows of more than one label, which `data.purity` keeps out of training and of every other figure."""

    windows: int = Field(description="mixed windows of test subjects, each with the label of most of its samples")
    mean_purity: float = Field(description="mean share of that label")
    accuracy: Accuracy = Field(description="of the reference network on all test windows, these included")


class NetworkCost(Contract):
    """What a network costs; MACs and memory for one window."""

    parameters: int
    macs: int
    peak_activation_bytes: int = Field(description="largest sum of live float32 tensors, operators in order")


class Savings(Contract):
    """The student beside its teacher, as TSAK (arXiv:2408.14146) counts it."""

    parameters: float = Field(description="share of the teacher's parameters that the student does without")
    macs: float = Field(description="share of the teacher's multiply-accumulates")
    speedup: float = Field(description="how many times faster: the teacher's time over the student's")
    teacher_us: float = Field(description="median of one window, one thread, PyTorch; networks with folded norms")
    student_us: float


class Training(Contract):
    """How the student came about."""

    head: HeadKind
    head_search: dict[str, float] = Field(description="validation macro-F1 a head")
    teacher: Accuracy
    cross_entropy: Accuracy | None = Field(
        default=None, description="the same student without a teacher; None where only `factory benchmark` trains it"
    )
    method: str = Field(default="smldist", description="'cross_entropy' too where the teacher was not ahead")
    lead: Lead | None = Field(default=None, description="None where it was not asked for")
    teacher_channels: tuple[str, ...] = Field(
        default=(), description="channels that the teacher alone saw, none of them in any file of the student"
    )
    savings: Savings | None = None
    student_cost: NetworkCost
    teacher_cost: NetworkCost
    device: str
    seconds: float


class SplitRecord(Contract):
    """split.json: the people of each part, kept by later builds of the same people, whatever the windows."""

    split: SplitRecipe
    seed: int
    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]
    unlabelled: tuple[str, ...] = Field(default=(), description="people of whom no label is used")

    @property
    def people(self) -> set[str]:
        """Everybody."""
        return {*self.train, *self.validation, *self.test, *self.unlabelled}


class DataSummary(Contract):
    """Who trained, who selected, who tested."""

    content_hash: str
    train_subjects: tuple[str, ...]
    validation_subjects: tuple[str, ...]
    test_subjects: tuple[str, ...]
    unlabelled_subjects: tuple[str, ...] = Field(default=(), description="people of whom no label is used")
    windows: dict[str, int] = Field(
        description="per part: train, validation, test; unlabelled, where the teacher answers for any"
    )
    classes: dict[str, dict[str, int]] = Field(
        default_factory=dict, description="windows of each class, per part: its balance"
    )
    lost: dict[str, int] = Field(default_factory=dict, description="windows or samples left out, by reason")

    @model_validator(mode="after")
    def _people_apart(self) -> Self:
        parts = (self.train_subjects, self.validation_subjects, self.test_subjects, self.unlabelled_subjects)
        for one, other in combinations(parts, 2):
            if both := sorted(set(one) & set(other)):
                raise ValueError(f"subject {both[0]} stands in two parts: who trains must not select or test")
        return self


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

    schema_version: Literal[2] = 2
    name: str
    provenance: Provenance
    recipe: Recipe
    contract: WindowSpec
    normalisation: Normalisation
    phone_obstacles: tuple[str, ...] = Field(description="why a phone cannot feed this model; empty if it can")
    rejection: Rejection = Rejection()
    data: DataSummary
    training: Training
    artifacts: tuple[Artifact, ...]
    files: tuple[BuildFile, ...]
    baseline: Baseline
    mixed: MixedWindows | None = Field(default=None, description="None where no test window is mixed")
    conversion: tuple[Verification, ...] = Field(description="eager, folded, onnx: the network before any target")
    verifications: tuple[Verification, ...]
    devices: tuple[DeviceRun, ...] = Field(default=(), description="other processors than this host's")
    checks: tuple[Check, ...]

    @property
    def failed(self) -> tuple[Check, ...]:
        """The checks that broke a tolerance."""
        return tuple(check for check in self.checks if check.outcome is Outcome.FAILED)
