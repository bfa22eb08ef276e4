"""What `factory tune` may change in a recipe, key by key; nothing here knows how a value is chosen."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from factory.contracts.recipe import BackboneRecipe, Recipe
from factory.contracts.tuning import Value

Values = Mapping[str, Value]
"""By key, the value of a candidate; a key that is not there is as in the recipe."""

WIDTH = "model.student.width"
"""Not a key of the recipe: what its student's widths are multiplied by."""
SHIFT = "train.augment.shift"
_SHIFTS = (0.0, 0.1, 0.2)
"""Of the window."""
_OPTIONS: dict[str, tuple[Value, ...]] = {
    "model.student.stem_stride": (2, 4),
    "model.student.stem_kernel": (5, 9),
    WIDTH: (1.0, 1.5),
    "train.augment.rotation_rad": (0.0, 0.1, 0.2, 0.5),
    "train.augment.scale": (0.0, 0.1, 0.2),
    "train.augment.jitter": (0.0, 0.03, 0.1),
    "train.augment.edge": ("reflect", "wrap"),
    "train.augment.sensor_dropout": (0.0, 0.1),
    "train.mixed": (0.0, 0.5, 0.8),
    "train.lr": (1e-3, 3e-3, 1e-2),
}
_MULTIPLE = 4


def options(recipe: Recipe) -> dict[str, tuple[Value, ...]]:
    """Values by key, the recipe's own first."""
    found = {**_OPTIONS, SHIFT: tuple(round(share * recipe.data.window) for share in _SHIFTS)}
    return {key: tuple(dict.fromkeys((own(recipe, key), *values))) for key, values in found.items()}


def own(recipe: Recipe, key: str) -> Value:
    """The recipe's value."""
    if key == WIDTH:
        return 1.0
    value: Any = recipe
    for part in key.split("."):
        value = getattr(value, part)
    return value  # type: ignore[no-any-return]


def changed(recipe: Recipe, values: Values) -> Recipe | None:
    """The recipe with these values; None where they do not go together, as strides that leave nothing of a window."""
    document = recipe.model_dump()
    for key, value in values.items():
        if key == WIDTH:
            continue
        *path, last = key.split(".")
        place: Any = document
        for part in path:
            place = place[part]
        place[last] = value
    try:
        found = Recipe.model_validate(document)
        student = _widened(found.model.student, float(values.get(WIDTH, 1.0)))
        return Recipe.model_validate(found.model_dump() | {"model": found.model.model_dump() | {"student": student}})
    except ValidationError:
        return None


def _widened(student: BackboneRecipe, factor: float) -> dict[str, Any]:
    document = student.model_dump()
    for part in (document, *document["stages"]):
        for key in ("stem", "features", "width"):
            if key in part and factor != 1.0:
                part[key] = max(_MULTIPLE, round(factor * part[key] / _MULTIPLE) * _MULTIPLE)
    return document


def differing(recipe: Recipe, drawn: Mapping[str, Value], keys: Sequence[str]) -> dict[str, Value]:
    """Of drawn values those that change the recipe."""
    return {key: drawn[key] for key in keys if drawn[key] != own(recipe, key)}
