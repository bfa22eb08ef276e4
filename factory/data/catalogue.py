"""The data sets that can be read: what they are, whose terms they have, whether they are at hand."""

from pathlib import Path

from factory.contracts.errors import FactoryError
from factory.contracts.recipe import DataRecipe, Recipe, SplitRecipe, validate
from factory.data.sources import Source, open_source

WHAT = {
    "watch": "smartwatch, seven shoulder exercises",
    "uci_har": "phone at the waist, six activities; published windows",
    "hapt": "phone at the waist, six activities and six transitions; raw",
    "motionsense": "phone in the pocket, six activities; raw",
    "dsads": "five body positions, nineteen activities",
}
_SUBJECTS = {"watch": 10, "uci_har": 30, "hapt": 30, "motionsense": 24, "dsads": 8}


def catalogue(data: Path | None) -> list[dict[str, object]]:
    """One row a data set, for people and machines.

    Args:
        data: Folder of the official data sets.
    """
    return [_row(open_source(name), data) for name in WHAT]


def default_recipe(name: str) -> Recipe:
    """The recipe with defaults that reads a data set, for those that have none of their name."""
    source = open_source(name)
    values = {"source": name, "rate_hz": source.nominal_rate_hz}
    split = SplitRecipe(kind="official" if source.official_test else "groups")
    return Recipe(name=name, summary=WHAT[name], data=validate(DataRecipe, values, name), split=split)


def _row(source: Source, data: Path | None) -> dict[str, object]:
    try:
        source.files(data)
        found = True
    except FactoryError:
        found = False
    return {
        "source": source.name,
        "what": WHAT[source.name],
        "subjects": _SUBJECTS[source.name],
        "rate_hz": source.nominal_rate_hz,
        "channels": len(source.channels),
        "classes": len(source.labels),
        "terms": source.terms,
        "cite": source.cite,
        "urls": list(source.urls),
        "found": found,
    }
