"""What a student of a recipe would cost, and by how much that is over a bound; nothing is trained or exported."""

from dataclasses import dataclass
from typing import Self

from pydantic import ValidationError

from factory.contracts.recipe import BackboneRecipe, HeadKind, Recipe
from factory.contracts.search import BYTES_PER_KB, DEFAULT_CORE, Bounds, Counted, StudentCost
from factory.models.cost import network_cost
from factory.models.instructions import predict_cost
from factory.pipeline.costs import untrained


@dataclass(frozen=True, kw_only=True, slots=True)
class Prices:
    """Predicts the cost of students of one recipe.

    Attributes:
        recipe: Window, clip and patterns are used.
        channels: C.
        classes: K.
        head: The dearest of the recipe's, so that a bound holds whichever the head search keeps.
    """

    recipe: Recipe
    channels: int
    classes: int
    head: HeadKind

    @classmethod
    def of(cls, recipe: Recipe, channels: int, classes: int) -> Self:
        """Choose the head by the instructions of the recipe's own student."""

        def cost(head: HeadKind) -> int:
            network = untrained(recipe, recipe.model.student, head, channels, classes)
            return predict_cost(network)[0][DEFAULT_CORE]

        return cls(recipe=recipe, channels=channels, classes=classes, head=max(recipe.model.heads, key=cost))

    def price(self, student: BackboneRecipe) -> StudentCost:
        """MACs and parameters as they are; instructions and size as predicted."""
        network = untrained(self.recipe, student, self.head, self.channels, self.classes)
        cost = network_cost(network)
        instructions, size_bytes = predict_cost(network)
        return StudentCost(
            head=self.head,
            parameters=cost.parameters,
            macs=cost.macs,
            instructions=instructions,
            size_bytes=size_bytes,
        )


def excess(cost: StudentCost | Counted, bounds: Bounds) -> dict[str, float]:
    """By bound that is broken: how far the cost is over it, as a share of it."""
    over: dict[str, float] = {
        core: cost.instructions[core] / most - 1
        for core, most in bounds.max_instructions.items()
        if core in cost.instructions
    }
    if bounds.max_macs is not None and isinstance(cost, StudentCost):
        over["macs"] = cost.macs / bounds.max_macs - 1
    if bounds.max_kb is not None:
        over["kb"] = cost.size_bytes / BYTES_PER_KB / bounds.max_kb - 1
    return {name: share for name, share in over.items() if share > 0}


def with_student(recipe: Recipe, student: BackboneRecipe) -> Recipe | None:
    """The recipe with another student; None where its strides leave nothing of the window."""
    model = recipe.model.model_copy(update={"student": student})
    changed = recipe.model_copy(update={"model": model})
    try:
        return Recipe.model_validate(changed.model_dump())
    except ValidationError:
        return None
