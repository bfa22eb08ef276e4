"""search.json: what `factory search` tried, what each student costs, and which one won."""

from typing import Annotated, Literal, cast

from pydantic import Field

from factory.contracts.base import Contract
from factory.contracts.manifest import Provenance
from factory.contracts.recipe import BackboneRecipe, Core, HeadKind, Recipe

RecipeName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
SearchMethod = Literal["cross_entropy", "recipe"]


BYTES_PER_KB = 1000
DEFAULT_CORE: Core = "cortex-a76"


class Bounds(Contract):
    """What a student may cost; None and a core that is not named bound nothing."""

    max_instructions: dict[Core, Annotated[int, Field(gt=0)]] = Field(
        default_factory=dict, description="by core, of one inference"
    )
    max_macs: int | None = Field(default=None, gt=0)
    max_kb: float | None = Field(default=None, gt=0, description="of the int8_static file, in 1000 bytes")

    @property
    def objective(self) -> str:
        """The cost that is traded for macro-F1: the first that is bounded, else instructions of a large core."""
        if self.max_instructions:
            return next(iter(self.max_instructions))
        if self.max_macs is not None:
            return "macs"
        return "kb" if self.max_kb is not None else DEFAULT_CORE


class SearchPlan(Contract):
    """What is searched, and for how long."""

    bounds: Bounds = Bounds()
    trials: int = Field(default=40, ge=1, description="candidates that are trained, in all runs together")
    minutes: float | None = Field(default=None, ge=0, description="no candidate begins later in one run")
    epochs: int | None = Field(
        default=None, ge=1, le=1000, description="of each candidate; None is a third of the recipe's"
    )
    method: SearchMethod = Field(
        default="cross_entropy", description="'recipe': as the recipe trains its student, under one teacher"
    )
    workers: int = Field(default=1, ge=1, description="candidates trained at once; layouts are drawn so many together")
    name: RecipeName | None = Field(default=None, description="of the winner's recipe; None is <recipe name>_searched")


class StudentCost(Contract):
    """What a student costs with the dearest of the recipe's heads; instructions and size are predicted."""

    head: HeadKind
    parameters: int
    macs: int
    instructions: dict[Core, int]
    size_bytes: int

    def figure(self, objective: str) -> float:
        """One figure by name: a core's, 'macs' or 'kb'."""
        others = {"macs": self.macs, "kb": self.size_bytes / BYTES_PER_KB}
        return others[objective] if objective in others else self.instructions[cast(Core, objective)]


class Counted(Contract):
    """What a student's exported int8_static file costs."""

    size_bytes: int
    instructions: dict[Core, int] = Field(description="counted on the emulated core")
    runtime: str


class Candidate(Contract):
    """One student."""

    number: int = Field(ge=0, description="in the order of drawing; 0 is the recipe's own student")
    student: BackboneRecipe
    cost: StudentCost
    within: bool = Field(description="whether its predicted cost is within every bound")
    macro_f1: float = Field(description="of validation people, after the short schedule")
    seconds: float
    counted: Counted | None = Field(default=None, description="None where it was not exported and counted")


class SearchResult(Contract):
    """A search, finished or stopped by its budget."""

    schema_version: Literal[1] = 1
    recipe: Recipe = Field(description="that was searched for; its student is candidate 0")
    plan: SearchPlan
    epochs: int = Field(description="of each candidate")
    train_subjects: tuple[str, ...]
    validation_subjects: tuple[str, ...]
    candidates: tuple[Candidate, ...] = Field(min_length=1)
    rejected: int = Field(description="layouts over a bound, or drawn twice: not trained")
    pareto: tuple[int, ...] = Field(description="numbers of the candidates that none beats in both, cheapest first")
    winner: int = Field(description="number of the best candidate within the bounds")
    note: str = Field(default="", description="why the winner was not counted")
    provenance: Provenance

    @property
    def objective(self) -> str:
        """The cost that is traded for macro-F1: a core's name, 'macs' or 'kb'."""
        return self.plan.bounds.objective

    def candidate(self, number: int) -> Candidate:
        """One of the candidates."""
        return self.candidates[number]
