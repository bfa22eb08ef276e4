"""docs/results/*.json: what `factory benchmark` measured, with everything needed to measure it again."""

from pydantic import Field

from factory.contracts.base import Contract
from factory.contracts.manifest import Accuracy, Baseline, DataSummary, NetworkCost, Provenance
from factory.contracts.recipe import HeadKind, Recipe


class SeedResult(Contract):
    """One seed: teacher, distilled student, and the same student by cross-entropy alone; on test subjects."""

    seed: int
    head: HeadKind
    teacher: Accuracy
    student: Accuracy
    twin: Accuracy = Field(description="same student, epochs, schedule and augmentation; cross-entropy alone")
    baseline: Baseline | None = Field(default=None, description="trees on statistics; None in older files")
    artifacts: dict[str, Accuracy] = Field(description="the distilled student's files, '<target> <precision>'")
    latency_us: dict[str, float] = Field(description="median of one inference, one thread, same keys")
    size_bytes: dict[str, int] = Field(description="same keys")
    failed_gates: tuple[str, ...]
    data: DataSummary


class BenchmarkResult(Contract):
    """All seeds of one recipe."""

    command: str
    recipe: Recipe
    provenance: Provenance
    student_cost: NetworkCost
    teacher_cost: NetworkCost
    seeds: tuple[SeedResult, ...] = Field(min_length=1)
