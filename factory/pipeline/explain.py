"""Would a teacher help here? Its lead, what gain that promises, and what would raise it."""

from collections.abc import Iterator

from pydantic import Field

from factory.contracts.base import Contract
from factory.contracts.manifest import DataSummary
from factory.contracts.network import Lead
from factory.contracts.recipe import Recipe
from factory.data.sources import open_source

WORTH_PP = 1.0
"""Lead from which students gained in the studies of docs/method.md#lead; below, they lost 1 pp on average."""
_FEW = 10
"""Labelled training people below which more of them are the surest help."""


class Explanation(Contract):
    """What `factory train --explain` prints."""

    lead: Lead | None = Field(description="None where the recipe asks for none")
    expected: str = Field(description="what the student will gain from its teacher")
    advice: tuple[str, ...] = Field(description="what would raise the lead, the surest first")


def explain_lead(recipe: Recipe, data: DataSummary, lead: Lead | None) -> Explanation:
    """Put the lead into words.

    Args:
        recipe: Its description is relative to the current folder, as of a build's request.
        data: Who trains, and how much is unlabelled.
        lead: As measured.
    """
    return Explanation(lead=lead, expected=_expected(lead, data), advice=tuple(_advice(recipe, data)))


def _expected(lead: Lead | None, data: DataSummary) -> str:
    if lead is None:
        return "not known: distill.method is not smldist, distill.lead is 0, or fewer than three people validate"
    if not lead.distils:
        return "none: the student is trained by cross-entropy, since a teacher that is behind costs accuracy"
    if lead.pp < WORTH_PP:
        return f"none to speak of: with a lead below {WORTH_PP:g} pp students were 1 pp worse on average"
    if not data.windows.get("unlabelled"):
        return "little: where every window was labelled, no lead helped; the gain is in windows that nobody labelled"
    return (
        "between -3 and +10 pp of macro-F1 in the sets that were measured, whatever the lead: build with "
        "distill.method = 'cross_entropy', too, and compare"
    )


def _advice(recipe: Recipe, data: DataSummary) -> Iterator[str]:
    labelled = len(data.train_subjects) + len(data.validation_subjects)
    if labelled < _FEW:
        yield f"label two more people ({labelled} are labelled)"
    if not data.windows.get("unlabelled"):
        yield "bring recordings of people whom nobody labels, and set data.unlabelled = true"
    source = open_source(recipe.data.source, recipe.data.description)
    seen = recipe.data.teacher_channels or recipe.data.channels
    if seen is not None and (more := [channel.name for channel in source.channels if channel.name not in seen]):
        yield f"let the teacher see more: data.teacher_channels with {', '.join(more)}"
    elif recipe.data.teacher_channels is None:
        yield "record one more sensor or place for the teacher alone: data.teacher_channels"
