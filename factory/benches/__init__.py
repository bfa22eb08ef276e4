"""The shipped specifications of benches (*.toml), found by name or path."""

import os
from pathlib import Path

from factory.contracts.bench import BenchSpec, load_bench
from factory.contracts.errors import RecipeError

FOLDER = Path(__file__).parent


def shipped_benches() -> list[str]:
    """Names of the shipped specifications."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def find_bench(name: str | Path) -> BenchSpec:
    """A specification by shipped name, or by path (it ends in .toml or holds a separator).

    Raises:
        RecipeError: No such specification, or its content is wrong.
    """
    text = str(name)
    if text.endswith(".toml") or os.sep in text:
        return load_bench(Path(text))
    if text not in shipped_benches():
        raise RecipeError(
            f"no bench '{text}': choose one of {', '.join(shipped_benches())}, or give the path of a TOML file"
        )
    return load_bench(FOLDER / f"{text}.toml")
