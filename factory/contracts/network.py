"""network.json: what a checkpoint holds, so that it can be rebuilt without its recipe."""

from typing import Self

from pydantic import Field, model_validator

from factory.contracts.base import Contract
from factory.contracts.recipe import BackboneRecipe, HeadKind, Recipe
from factory.contracts.window import Normalisation


class NetworkSpec(Contract):
    """Architecture and constants of a trained network; weights are in network.safetensors beside it."""

    backbone: BackboneRecipe
    head: HeadKind
    channels: int = Field(ge=1)
    window: int = Field(ge=8)
    classes: int = Field(ge=2)
    patterns: int = Field(ge=1, description="stored patterns a class, hopfield head only")
    normalisation: Normalisation

    @model_validator(mode="after")
    def _one_pair_a_channel(self) -> Self:
        means, deviations = len(self.normalisation.mean), len(self.normalisation.std)
        if (means, deviations) != (self.channels, self.channels):
            raise ValueError(f"normalisation has {means} means and {deviations} deviations of {self.channels} channels")
        return self


class Lead(Contract):
    """How far the teacher is ahead of the student's own cross-entropy, before the student is distilled.

    Both are trained on training subjects alone, for equal epochs, and judged on validation subjects.
    """

    teacher: float = Field(description="macro-F1 on validation subjects")
    control: float = Field(description="the same of the student by cross-entropy alone")
    people: int = Field(ge=1, description="validation subjects")
    windows: int = Field(ge=1, description="of them")
    epochs: int = Field(ge=1, description="that each was trained for")
    seconds: float
    neighbours: int = Field(
        default=0, ge=0, description="windows on each side over which the teacher's answers are averaged, and taught so"
    )

    @property
    def pp(self) -> float:
        """The lead in percentage points of macro-F1."""
        return 100 * (self.teacher - self.control)

    @property
    def distils(self) -> bool:
        """Whether the student is distilled: not by a teacher that knows less than itself."""
        return self.pp >= 0

    def followed(self, recipe: Recipe) -> Recipe:
        """The recipe by which the student is trained: alone where the teacher is behind, else as it was measured."""
        if not self.distils:
            return recipe.by_cross_entropy()
        if not recipe.answered_once or recipe.distill.neighbours is not None:
            return recipe
        distill = recipe.distill.model_copy(update={"neighbours": self.neighbours})
        return recipe.model_copy(update={"distill": distill})

    @property
    def verdict(self) -> str:
        """The lead in one sentence, and what follows from it."""
        where = f"macro-F1 of {self.people} validation people"
        if self.distils:
            return f"the teacher leads the student's own cross-entropy by {self.pp:.1f} pp ({where})"
        return (
            f"the teacher is {-self.pp:.1f} pp behind the student's own cross-entropy ({where}): "
            "the student is trained by cross-entropy"
        )


class TrainingSummary(Contract):
    """summary.json of a trained network."""

    head: HeadKind
    head_search: dict[str, float] = Field(default_factory=dict, description="validation macro-F1 a head")
    epochs: int
    seconds: float
    device: str
    method: str
