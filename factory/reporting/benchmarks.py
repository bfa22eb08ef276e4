"""Benchmark files as the Markdown table of docs/results.md."""

import statistics
from collections.abc import Sequence
from pathlib import Path

from factory.contracts.benchmark import BenchmarkResult
from factory.contracts.stored import read_json

_HEAD = (
    "| recipe | seeds | teacher | student, SMLDist | student, cross-entropy | difference by subject | baseline, trees "
    "| int8_static | int8 - fp32 (pp) | parameters | fp32 / int8 us |\n|---|---|---|---|---|---|---|---|---|---|---|\n"
)
_FP32, _INT8 = "tflite fp32", "tflite int8_static"
_PP = 100.0


def read_benchmark(path: Path) -> BenchmarkResult:
    """A benchmark file.

    Raises:
        ArtifactError: Not one, or of another version.
    """
    return read_json(BenchmarkResult, path, "run factory benchmark again")


def table(benchmarks: Sequence[BenchmarkResult]) -> str:
    """Markdown, one row a benchmark, then seeds, command and machine of each."""
    rows = "\n".join(_row(result) for result in benchmarks)
    notes = "\n".join(
        f"- `{result.command}`: teacher / student / cross-entropy by seed "
        + ", ".join(
            f"{s.teacher.macro_f1:.4f} / {s.student.macro_f1:.4f} / {s.twin.macro_f1:.4f}" for s in result.seeds
        )
        + f"; heads {', '.join(s.head for s in result.seeds)}; {_data(result)}; {result.provenance.machine}"
        for result in benchmarks
    )
    return f"{_HEAD}{rows}\n\n{notes}"


def _row(result: BenchmarkResult) -> str:
    seeds = result.seeds
    int8 = [s.artifacts[_INT8].macro_f1 for s in seeds if _INT8 in s.artifacts]
    drops = [_PP * (s.artifacts[_INT8].macro_f1 - s.artifacts[_FP32].macro_f1) for s in seeds if _INT8 in s.artifacts]
    latency = [
        f"{statistics.median(s.latency_us[name] for s in seeds if name in s.latency_us):.1f}" for name in (_FP32, _INT8)
    ]
    cells = (
        result.recipe.name,
        str(len(seeds)),
        _mean([s.teacher.macro_f1 for s in seeds]),
        _mean([s.student.macro_f1 for s in seeds]),
        _mean([s.twin.macro_f1 for s in seeds]),
        _paired(result),
        _mean([s.baseline.accuracy.macro_f1 for s in seeds if s.baseline is not None]),
        _mean(int8),
        f"{statistics.fmean(drops):+.2f}",
        str(result.student_cost.parameters),
        " / ".join(latency),
    )
    return f"| {' | '.join(cells)} |"


def _mean(values: list[float]) -> str:
    if not values:
        return "not measured"
    spread = f" ± {statistics.stdev(values):.4f}" if len(values) > 1 else ""
    return f"{statistics.fmean(values):.4f}{spread}"


def _paired(result: BenchmarkResult) -> str:
    """Mean difference of a subject's macro-F1 (SMLDist - cross-entropy), with Wilcoxon's p over subjects."""
    from scipy.stats import wilcoxon

    subjects = sorted(result.seeds[0].student.per_subject_f1)
    differences = [
        statistics.fmean(s.student.per_subject_f1[name] - s.twin.per_subject_f1[name] for s in result.seeds)
        for name in subjects
    ]
    mean = f"{_PP * statistics.fmean(differences):+.2f} pp"
    if len(subjects) < 2 or not any(differences):
        return mean
    return f"{mean}, p = {float(wilcoxon(differences).pvalue):.2f}"


def _data(result: BenchmarkResult) -> str:
    data = result.seeds[0].data
    return f"{data.windows['test']} test windows of subjects {', '.join(data.test_subjects)}"
