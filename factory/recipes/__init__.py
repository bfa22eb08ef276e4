"""The shipped recipes, one complete run each (*.toml), and how a recipe is found by name or path."""

import difflib
import os
from pathlib import Path

from factory.contracts.errors import RecipeError
from factory.contracts.recipe import Recipe, load_recipe

FOLDER = Path(__file__).parent
"""Package data; always unpacked, wheels are never run zipped."""


def shipped_names() -> list[str]:
    """Names of the shipped recipes, `demo` first."""
    return sorted((path.stem for path in FOLDER.glob("*.toml")), key=lambda name: (name != "demo", name))


def find_recipe(name: str | Path, seed: int | None = None) -> Recipe:
    """A recipe by shipped name or path.

    Args:
        name: Of a shipped recipe, or the path of a TOML file (it ends in .toml or holds a separator).
        seed: Replaces the recipe's.

    Returns:
        The recipe; `data.description` is an absolute path, whatever folder the file names it from.

    Raises:
        RecipeError: No such recipe (names the closest), or its content is wrong.
    """
    path = _find(str(name))
    recipe = load_recipe(path)
    changes: dict[str, object] = {} if seed is None else {"seed": seed}
    if recipe.data.description is not None:
        # Not resolved: what is relative to a folder behind a symbolic link stays so.
        description = Path(os.path.abspath(path.parent / recipe.data.description)).as_posix()  # noqa: PTH100
        changes["data"] = recipe.data.model_copy(update={"description": description})
    return recipe.model_copy(update=changes)


def _find(name: str) -> Path:
    if name.endswith(".toml") or os.sep in name:
        return Path(name)
    if name in shipped_names():
        return FOLDER / f"{name}.toml"
    close = difflib.get_close_matches(name, shipped_names(), n=1)
    hint = f"did you mean '{close[0]}'? " if close else ""
    raise RecipeError(
        f"no recipe '{name}': {hint}choose one of {', '.join(shipped_names())}, or give the path of a TOML file"
    )
