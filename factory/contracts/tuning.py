"""tune.json: what `factory tune` tried on a recipe's training people, what it changed, and what each change gains."""

from typing import Literal

from pydantic import Field

from factory.contracts.base import Contract
from factory.contracts.manifest import Provenance
from factory.contracts.recipe import Recipe
from factory.contracts.report import WindowLengthReport
from factory.contracts.search import RecipeName

Value = bool | int | float | str


class TunePlan(Contract):
    """For how long, and how candidates are judged."""

    minutes: float = Field(default=30.0, gt=0, description="of one run; what was trained is kept for the next one")
    trials: int = Field(default=200, ge=1, description="candidates that are drawn at most, in all runs together")
    folds: int = Field(default=3, ge=2, le=10, description="groups of training people; each is held out once")
    epochs: int | None = Field(default=None, ge=1, description="of a candidate; None is a third of the recipe's")
    name: RecipeName | None = Field(default=None, description="of the tuned recipe; None is <recipe name>_tuned")


class Change(Contract):
    """One key that the tuned recipe sets otherwise."""

    key: str = Field(description="of the recipe, dotted")
    before: Value
    after: Value
    gain_pp: float | None = Field(
        default=None, description="macro-F1 over the folds that is lost without this change; None: not measured"
    )
    spread_pp: float | None = Field(default=None, description="standard error of that over folds")
    why: str = Field(default="", description="where something else decided")


class TuneResult(Contract):
    """What was found. Scores are macro-F1 of each held-out group; nobody of the test part is in a group."""

    schema_version: Literal[1] = 1
    recipe: Recipe = Field(description="that was tuned")
    tuned: Recipe = Field(description="the same with its changes")
    plan: TunePlan
    groups: tuple[tuple[str, ...], ...] = Field(min_length=2, description="people that were held out together")
    window_lengths: tuple[WindowLengthReport, ...] = Field(description="half and double of each window looked at")
    candidates: int = Field(description="drawn and trained, on one fold at least")
    changes: tuple[Change, ...]
    own: tuple[float, ...] = Field(description="the recipe's own student at the tuned window, last seed")
    found: tuple[float, ...] = Field(description="the tuned recipe's student, the same epochs and seed")
    trees: tuple[float, ...] = Field(description="extremely randomised trees on statistics of the same windows")
    epochs: int = Field(description="of the students that are compared")
    note: str = ""
    provenance: Provenance
