"""What trees on statistics reach on the recipes of docs/results, beside the published students.

python -m tests.benchmarks.baselines [--data DATA] [--recipe demo ...]

DATA holds the official data sets in folders of their own (uci_har, hapt, motionsense); demo needs none. One line a
recipe and seed: the baseline is fitted on the windows and the split of that seed, and the gates of `judge_worth` are
put to the student that was published.
"""

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from factory.contracts.benchmark import BenchmarkResult, SeedResult
from factory.contracts.dataset import WindowSet
from factory.contracts.manifest import Outcome
from factory.contracts.progress import Silent
from factory.data import make_split, prepare
from factory.verification.agreement import overlap
from factory.verification.baseline import fit_baseline
from factory.verification.gates import judge_worth

_RESULTS = Path(__file__).parents[2] / "docs" / "results"
_HEAD = (
    "| recipe | seed | test people | student | baseline | kind | majority | below (pp) | limit (pp) | failed |\n"
    "|---|---|---|---|---|---|---|---|---|---|"
)


def main(
    data: Annotated[Path | None, typer.Option()] = None,
    recipe: Annotated[list[str] | None, typer.Option()] = None,
) -> None:
    """Fit, compare, print."""
    typer.echo(_HEAD)
    with tempfile.TemporaryDirectory() as cache:
        for name in recipe or sorted(path.stem for path in _RESULTS.glob("*.json")):
            published = BenchmarkResult.model_validate_json((_RESULTS / f"{name}.json").read_text(encoding="utf-8"))
            settings = published.recipe.data
            folder = None if data is None or settings.source == "watch" else data / settings.source
            windows = prepare(settings, folder, Path(cache), Silent())
            for seed in published.seeds:
                typer.echo(_row(published, seed, windows))


def _row(published: BenchmarkResult, result: SeedResult, windows: WindowSet) -> str:
    baseline = fit_baseline(windows, make_split(windows, published.recipe.split, result.seed), result.seed)
    checks = {check.gate: check for check in judge_worth(result.student, baseline, "here", overlap(windows.spec))}
    below = checks["accuracy.below_baseline"]
    failed = ", ".join(check.gate for check in checks.values() if check.outcome is Outcome.FAILED)
    cells = (
        published.recipe.name,
        str(result.seed),
        str(len(result.student.per_subject_f1)),
        f"{result.student.macro_f1:.4f}",
        f"{baseline.accuracy.macro_f1:.4f}",
        f"{baseline.kind} of {baseline.features} statistics, {baseline.seconds:.0f} s",
        f"{baseline.majority.macro_f1:.4f}",
        f"{below.value:+.2f}",
        f"{below.limit:.2f}",
        failed or "none",
    )
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    typer.run(main)
