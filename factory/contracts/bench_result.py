"""What a bench measured: one file a cell, and the records that tables are made of."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from factory.contracts.base import Contract
from factory.contracts.errors import ArtifactError
from factory.contracts.files import atomic_write
from factory.contracts.manifest import NetworkCost
from factory.contracts.recipe import Recipe

CLEAN = "clean"
"""The condition of test windows as they were recorded; the others are stresses."""
Counts = tuple[tuple[int, ...], ...]
"""(K, K) windows, truth in rows."""


class PersonResult(Contract):
    """One test person under one condition."""

    person: str
    condition: str = CLEAN
    confusion: Counts


class CellResult(Contract):
    """One cell: a data set, fold, seed and method."""

    schema_version: Literal[1] = 1
    key: str = Field(description="SHA-256 of what decides the result: recipe, windows, people, stress, tools")
    data: str
    fold: int
    seed: int
    method: str
    recipe: Recipe = Field(description="as it was trained, tuned values among it; split names the test people")
    tuned: dict[str, Any] = Field(default_factory=dict, description="chosen on validation people, by dotted key")
    train_people: tuple[str, ...]
    test_windows: str = Field(description="SHA-256 of which windows tested; equal for methods that are compared")
    people: tuple[PersonResult, ...] = Field(min_length=1)
    student: NetworkCost | None = Field(description="None of trees")
    lead_pp: float | None = Field(default=None, description="None where it was not measured")
    distilled: bool = Field(default=True, description="False where the lead decided for cross-entropy")
    cpu_s: float = Field(ge=0, description="of the student's training, all threads")
    teacher_cpu_s: float = Field(ge=0, description="of the teacher, which other cells share, and of its lead")
    tuning_cpu_s: float = Field(ge=0, description="of the draws, which other seeds share")
    wall_s: float = Field(ge=0)
    code: str = Field(description="hash of the code that prepares, trains and predicts")
    machine: str


class _Stored(Contract):
    """A cell's file: the result, and a hash that a damaged file does not have."""

    sha256: str
    result: dict[str, Any]


def write_cell(result: CellResult, path: Path) -> None:
    """Write a cell's file, whole or not at all."""
    text = result.model_dump_json()
    stored = _Stored(sha256=hashlib.sha256(text.encode()).hexdigest(), result=result.model_dump(mode="json"))
    with atomic_write(path) as temporary:
        temporary.write_text(stored.model_dump_json() + "\n", "utf-8")


def read_cell(path: Path) -> CellResult:
    """Read a cell's file.

    Raises:
        ArtifactError: It is damaged, or no cell.
    """
    try:
        stored = _Stored.model_validate_json(path.read_bytes())
        result = CellResult.model_validate(stored.result)
    except (ValidationError, OSError) as error:
        raise ArtifactError(f"{path} is no finished cell of a bench: delete it, and it is trained again") from error
    if hashlib.sha256(result.model_dump_json().encode()).hexdigest() != stored.sha256:
        raise ArtifactError(f"{path} was changed after it was written: delete it, and it is trained again")
    return result


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """One test person of one cell under one condition: a row of results.parquet.

    Attributes:
        data: Label of the data set.
        method: Label of the method.
        fold: Counted from 0.
        seed: Of the training.
        person: Who tested.
        condition: 'clean', or the stress.
        macro_f1: Of this person's windows, in [0, 1].
        fold_macro_f1: Of all windows of the fold under this condition, in [0, 1].
        windows: Of this person.
        lead_pp: The teacher's lead on validation people, percentage points; None where it was not measured.
        distilled: False where the lead decided for cross-entropy.
        cpu_s: Of the student, CPU seconds.
        teacher_cpu_s: Of the teacher.
        tuning_cpu_s: Of the draws.
        parameters: Of the student; 0 of trees.
        macs: Multiply-accumulates of an inference; 0 of trees.
        test_windows: Hash of which windows tested.
        code: Hash of the code.
    """

    data: str
    method: str
    fold: int
    seed: int
    person: str
    condition: str
    macro_f1: float
    fold_macro_f1: float
    windows: int
    lead_pp: float | None
    distilled: bool
    cpu_s: float
    teacher_cpu_s: float
    tuning_cpu_s: float
    parameters: int
    macs: int
    test_windows: str
    code: str


class Difference(Contract):
    """A method less its control, over folds or people."""

    count: int = Field(ge=1, description="folds or people")
    better: int = Field(ge=0, description="of them")
    mean_pp: float
    low_pp: float | None = Field(default=None, description="95 % by Student's t; None of fewer than two")
    high_pp: float | None = None
    p: float | None = Field(default=None, description="two-sided sign-flip test; None of fewer than two")


class MethodSummary(Contract):
    """One method on one data set."""

    data: str
    method: str
    cells: int
    macro_f1: float = Field(description="mean over folds, seeds averaged first")
    deviation: float | None = Field(default=None, description="over folds; None of one")
    by_fold: Difference | None = Field(default=None, description="None for the control")
    by_person: Difference | None = None
    mixed_p: float | None = Field(default=None, description="of a mixed-effects model; None where it was not fitted")
    worst_person: str
    worst_macro_f1: float = Field(description="of that person, seeds averaged")
    lead_pp: float | None = None
    distilled: float = Field(description="share of cells that the teacher's lead left to distillation")
    cpu_s: float = Field(description="of the student, mean over cells")
    teacher_cpu_s: float
    tuning_cpu_s: float
    parameters: int
    macs: int
    stress: dict[str, float] = Field(default_factory=dict, description="macro-F1 by stress, as macro_f1")


class BenchSummary(Contract):
    """bench.json: what the tables say."""

    schema_version: Literal[1] = 1
    name: str
    control: str
    expected: int = Field(description="cells that the specification asks for; 0 where that is not known")
    done: int
    codes: int = Field(description="versions of the code that trained the cells")
    methods: tuple[MethodSummary, ...]
    ranks: dict[str, float] = Field(description="average rank by macro-F1 over blocks, 1 is best")
    blocks: int = Field(description="pairs of data set and fold in which every method of `ranks` was measured")
    friedman_p: float | None = None
