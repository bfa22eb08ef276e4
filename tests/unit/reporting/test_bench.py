"""Tables of a bench as Markdown, and the critical-difference picture."""

from pathlib import Path

import pytest

from factory.contracts.bench_result import BenchSummary, Difference, MethodSummary
from factory.reporting.bench import rank_picture, tables

CONTROL = MethodSummary(
    data="arm",
    method="cross_entropy",
    cells=4,
    macro_f1=0.5523,
    deviation=0.021,
    worst_person="7",
    worst_macro_f1=0.31,
    distilled=1.0,
    cpu_s=12.4,
    teacher_cpu_s=0.0,
    tuning_cpu_s=0.0,
    parameters=24000,
    macs=300000,
)
OURS = CONTROL.model_copy(
    update={
        "method": "wide",
        "by_fold": Difference(count=4, better=4, mean_pp=7.7, low_pp=3.2, high_pp=12.2, p=0.125),
        "by_person": Difference(count=8, better=7, mean_pp=7.5, low_pp=4.0, high_pp=11.0, p=0.0004),
        "lead_pp": 10.6,
        "distilled": 0.75,
        "teacher_cpu_s": 51.0,
    }
)
SUMMARY = BenchSummary(
    name="few",
    control="cross_entropy",
    expected=9,
    done=8,
    codes=1,
    methods=(CONTROL, OURS),
    ranks={"cross_entropy": 2.0, "wide": 1.0},
    blocks=4,
    friedman_p=0.04,
)


def test_a_row_says_what_a_method_gained_and_what_it_cost() -> None:
    lines = tables(SUMMARY).splitlines()
    assert lines[0] == "few, 8 of 9 cells: *not finished*. Control: cross_entropy."
    assert lines[2].startswith(
        "| arm | cells | macro-F1 | by fold, pp | p | by person, pp | p | better | worst person | "
    )
    assert lines[3].count("---|") == lines[2].count("|") - 1
    assert lines[4] == "| cross_entropy | 4 | 0.552 ± 0.021 |  |  |  |  |  | 0.310 (7) |  | 12 | 0 |"
    assert lines[5] == (
        "| wide | 4 | 0.552 ± 0.021 | +7.7 [+3.2, +12.2] | 0.125 | +7.5 [+4.0, +11.0] | < .001 | 7 of 8 | 0.310 (7) "
        "| +10.6, 75% distilled | 12 | 51 |"
    )
    assert lines[9:11] == ["| wide | 1.00 |", "| cross_entropy | 2.00 |"]
    assert "p = 0.040" in lines[-1]


def test_sizes_stand_in_the_table_where_students_differ() -> None:
    wide = OURS.model_copy(update={"parameters": 50000})
    assert "| parameters | MACs |" in tables(SUMMARY.model_copy(update={"methods": (CONTROL, wide)}))
    assert "parameters" not in tables(SUMMARY)
    trees = OURS.model_copy(update={"method": "trees", "parameters": 0, "macs": 0})
    assert "parameters" not in tables(SUMMARY.model_copy(update={"methods": (CONTROL, trees)}))


def test_cells_of_several_versions_of_the_code_are_told() -> None:
    assert "*2 versions of the code trained these cells.*" in tables(SUMMARY.model_copy(update={"codes": 2}))


def test_ranks_of_too_few_methods_or_folds_are_not_drawn(tmp_path: Path) -> None:
    assert not rank_picture({"a": [1.0] * 3, "b": [2.0] * 3}, SUMMARY, tmp_path / "r.png")
    few = SUMMARY.model_copy(update={"blocks": 2})
    assert not rank_picture({"a": [1.0] * 2, "b": [2.0] * 2, "c": [0.0] * 2}, few, tmp_path / "r.png")
    assert not list(tmp_path.iterdir())


def test_ranks_are_drawn(tmp_path: Path) -> None:
    pytest.importorskip("scikit_posthocs", reason="needs scikit-posthocs: pip install 'smldist-factory[bench]'")
    blocks = {"a": [0.5, 0.6, 0.7], "b": [0.6, 0.7, 0.8], "c": [0.4, 0.8, 0.6]}
    three = SUMMARY.model_copy(update={"ranks": {"a": 2.33, "b": 1.33, "c": 2.33}, "blocks": 3})
    assert rank_picture(blocks, three, tmp_path / "ranks.png")
    assert (tmp_path / "ranks.png").read_bytes().startswith(b"\x89PNG")
