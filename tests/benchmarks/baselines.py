"""What trees on statistics reach on the recipes of docs/results, beside the published students.

python -m tests.benchmarks.baselines [--data DATA] [--recipe demo ...] [--write] [--shuffled 8]

DATA holds the official data sets in folders of their own (uci_har, hapt, motionsense); demo needs none. One line a
recipe and seed: the baseline is fitted on the windows and the split of that seed, and the gates of `judge_worth` are
put to the student that was published. --write puts the baselines into the files of docs/results, for those that a
release without them wrote; `factory results` then prints their column.

With --shuffled N, one line for each of N seeds instead, and for labels of training people shuffled by window and by
recording: how far the lower end of macro-F1 of trees fitted on them gets from chance to faultless (`USEFUL_SHARE`).
"""

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from factory.contracts.benchmark import BenchmarkResult, SeedResult
from factory.contracts.dataset import WindowSet
from factory.contracts.manifest import Outcome
from factory.contracts.progress import Silent
from factory.data import make_split, prepare
from factory.verification.agreement import overlap
from factory.verification.baseline import fit_baseline
from factory.verification.worth import judge_worth

_RESULTS = Path(__file__).parents[2] / "docs" / "results"
_HEAD = (
    "| recipe | seed | test people | student | baseline | kind | majority | below (pp) | limit (pp) | failed |\n"
    "|---|---|---|---|---|---|---|---|---|---|"
)
_SHUFFLED_HEAD = (
    "| recipe | seed | shuffled by | macro-F1 | share of the way from chance | over_chance |\n|---|---|---|---|---|---|"
)


def main(
    data: Annotated[Path | None, typer.Option()] = None,
    recipe: Annotated[list[str] | None, typer.Option()] = None,
    write: Annotated[bool, typer.Option()] = False,
    shuffled: Annotated[int, typer.Option(min=0)] = 0,
) -> None:
    """Fit, compare, print."""
    typer.echo(_SHUFFLED_HEAD if shuffled else _HEAD)
    with tempfile.TemporaryDirectory() as cache:
        for name in recipe or sorted(path.stem for path in _RESULTS.glob("*.json")):
            published = BenchmarkResult.model_validate_json((_RESULTS / f"{name}.json").read_text(encoding="utf-8"))
            settings = published.recipe.data
            folder = None if data is None or settings.source == "watch" else data / settings.source
            windows = prepare(settings, folder, Path(cache), Silent())
            if shuffled:
                for line in _shuffled(published, windows, shuffled):
                    typer.echo(line)
                continue
            seeds = []
            for seed in published.seeds:
                split = make_split(windows, published.recipe.split, seed.seed)
                seeds.append(seed.model_copy(update={"baseline": fit_baseline(windows, split, seed.seed)}))
                typer.echo(_row(published, seeds[-1], windows))
            if write:
                filled = published.model_copy(update={"seeds": tuple(seeds)})
                (_RESULTS / f"{name}.json").write_text(filled.model_dump_json(indent=1) + "\n", "utf-8")


def _shuffled(published: BenchmarkResult, windows: WindowSet, seeds: int) -> Iterator[str]:
    """Trees on labels that mean nothing, of windows or of whole recordings."""
    for seed in range(seeds):
        split, rng = make_split(windows, published.recipe.split, seed), np.random.default_rng(seed)
        known = np.concatenate([split.train, split.validation])
        by_recording = rng.integers(len(windows.spec.labels), size=int(windows.recording.max()) + 1)
        for what, labels in (
            ("window", rng.permutation(windows.y[known])),
            ("recording", by_recording[windows.recording[known]]),
        ):
            y = np.array(windows.y)
            y[known] = labels
            trees = fit_baseline(replace(windows, y=y), split, seed)
            checks = judge_worth(trees.accuracy, trees, "here", overlap(windows.spec))
            low = next(check for check in checks if check.gate == "accuracy.over_chance")
            chance = 1 / len(trees.accuracy.per_class_f1)
            assert low.value is not None
            cells = (
                published.recipe.name,
                str(seed),
                what,
                f"{trees.accuracy.macro_f1:.3f}",
                f"{(low.value - chance) / (1 - chance):+.3f}",
                low.outcome.value,
            )
            yield f"| {' | '.join(cells)} |"


def _row(published: BenchmarkResult, result: SeedResult, windows: WindowSet) -> str:
    baseline = result.baseline
    assert baseline is not None
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
