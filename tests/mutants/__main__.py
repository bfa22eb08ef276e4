"""Apply each mutant to a copy of the tree, run the tests that should notice, and print which did: `make mutants`."""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.mutants.mutants import MUTANTS, Mutant

ROOT = Path(__file__).parents[2]
_COPIED = ("factory", "exporters", "jetson", "tests", "pyproject.toml", "docs", "android_demo/tools")
_LIMIT_S = 600


def main(words: list[str]) -> int:
    """Exit code 1 if a mutant survived."""
    chosen = [mutant for mutant in MUTANTS if not words or any(word in mutant.name for word in words)]
    if not chosen:
        raise SystemExit(f"no mutant's name contains {' or '.join(words)}: they stand in tests/mutants/mutants.py")
    survived = 0
    print("| mutant | file | result | s |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder)
        for name in _COPIED:
            source = ROOT / name
            (shutil.copytree if source.is_dir() else shutil.copy)(source, tree / name)
        _require_green(chosen, tree)
        for mutant in chosen:
            start = time.monotonic()
            killed = is_killed(mutant, tree)
            survived += not killed
            seconds = time.monotonic() - start
            print(
                f"| {mutant.name} | {mutant.file} | {'killed' if killed else 'SURVIVED'} | {seconds:.0f} |", flush=True
            )
    print(f"\n{len(chosen) - survived} of {len(chosen)} mutants killed")
    return int(survived > 0)


def _require_green(mutants: list[Mutant], tree: Path) -> None:
    """The tests pass on the tree as it is: else a mutant that they miss would seem to be noticed."""
    tests = tuple(dict.fromkeys(test for mutant in mutants for test in mutant.tests))
    code, output = _run(tests, tree)
    if code != 0:
        raise SystemExit(f"the tests fail without any mutant:\n{output}")


def _run(tests: tuple[str, ...], tree: Path) -> tuple[int, str]:
    environment = {**os.environ, "PYTHONPATH": str(tree), "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
    done = subprocess.run(
        command, cwd=tree, env=environment, capture_output=True, text=True, timeout=_LIMIT_S, check=False
    )
    return done.returncode, f"{done.stdout[-2000:]}{done.stderr[-500:]}"


def is_killed(mutant: Mutant, tree: Path) -> bool:
    """Whether the mutant's tests fail on the mutated tree; the tree is restored."""
    path = tree / mutant.file
    original = path.read_text("utf-8")
    path.write_text(mutant.apply(original), "utf-8")
    try:
        code, output = _run(mutant.tests, tree)
    finally:
        path.write_text(original, "utf-8")
    if code not in (0, 1):
        raise SystemExit(f"{mutant.name}: pytest ended with {code}\n{output}")
    return code == 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("words", nargs="*", help="only mutants whose name contains one of them")
    sys.exit(main(parser.parse_args().words))
