"""`factory data show`: recordings, what the check found in them, and the page that a person looks at."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from factory.contracts.progress import Progress
from factory.contracts.recipe import Recipe


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """A page that was written.

    Attributes:
        page: The HTML file.
        recordings: Drawn on it.
        left_out: Recordings that would have made it too large.
        people: Whose recordings are drawn.
        findings: Of the data check.
        suspects: Stretches listed as unlike the others of their label.
    """

    page: Path
    recordings: int
    left_out: int
    people: int
    findings: int
    suspects: int


def show(
    recipe: Recipe, folder: Path | None, cache: Path, out: Path, subjects: Sequence[str], progress: Progress
) -> Shown:
    """Look at a recipe's recordings and write the page.

    Args:
        recipe: What to read.
        folder: Where the recordings lie.
        cache: Folder of prepared windows, which the check needs.
        out: The HTML file.
        subjects: Whom to draw; empty is everybody.
        progress: Told of each step.

    Raises:
        RecipeError: The recipe does not fit the source.
        DataError: The recordings cannot be read, or nobody has one of these names.
        StorageError: The disk is full or not writable.
    """
    from factory.data.checks import check
    from factory.data.overview import overview
    from factory.data.sources import open_source
    from factory.reporting.recordings_page import write_page

    source = open_source(recipe.data.source, recipe.data.description)
    seen = overview(source, recipe.data, recipe.name, folder, progress, subjects)
    report = check(recipe, folder, cache, progress)
    write_page(seen, report.findings, out)
    return Shown(
        page=out,
        recordings=len(seen.recordings),
        left_out=seen.left_out,
        people=len(seen.people),
        findings=len(report.findings),
        suspects=len(seen.suspects),
    )
