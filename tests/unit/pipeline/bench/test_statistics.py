"""Means, paired differences and ranks, against values computed by hand."""

from dataclasses import replace

import numpy as np
import pytest

from factory.contracts.bench_result import Record
from factory.contracts.errors import ArtifactError
from factory.pipeline.bench.statistics import (
    average_ranks,
    difference,
    mixed_effects,
    rank_blocks,
    sign_flip,
    summarise,
    t_interval,
)

RECORD = Record(
    data="d",
    method="cross_entropy",
    fold=0,
    seed=0,
    person="a",
    condition="clean",
    macro_f1=0.5,
    fold_macro_f1=0.5,
    windows=10,
    lead_pp=None,
    distilled=True,
    cpu_s=2.0,
    teacher_cpu_s=0.0,
    tuning_cpu_s=0.0,
    parameters=100,
    macs=1000,
    test_windows="w",
    code="c",
)


def records(method: str, scores: dict[str, tuple[int, float]], seed: int = 0) -> list[Record]:
    """One test person a fold: person to (fold, macro-F1)."""
    return [
        replace(RECORD, method=method, fold=fold, seed=seed, person=person, macro_f1=score, fold_macro_f1=score,
                test_windows=f"w{fold}")
        for person, (fold, score) in scores.items()
    ]  # fmt: skip


CONTROL = {"a": (0, 0.50), "b": (1, 0.60), "c": (2, 0.70)}
OURS = {"a": (0, 0.52), "b": (1, 0.64), "c": (2, 0.76)}


def test_the_interval_is_students() -> None:
    # mean 4, deviation 2, error 2 / sqrt(3), t of 2 degrees of freedom 4.3027
    low, high = t_interval(np.array([2.0, 4.0, 6.0]))
    assert (low, high) == pytest.approx((4 - 4.968, 4 + 4.968), abs=1e-3)


def test_all_signs_alike_is_two_of_all_choices() -> None:
    assert sign_flip(np.array([1.0, 2.0, 3.0])) == 2 / 8
    assert sign_flip(np.array([1.0, 2.0, 3.0, 4.0, 5.0])) == 2 / 32


def test_no_choice_of_signs_lies_nearer_to_zero_than_no_difference() -> None:
    assert sign_flip(np.array([1.0, -1.0])) == 1.0


def test_differences_are_paired_by_unit() -> None:
    found = difference({("a",): 0.5, ("b",): 0.9}, {("b",): 0.7, ("c",): 0.1})
    assert found is not None
    assert (found.count, found.better, found.p) == (1, 1, None)
    assert found.mean_pp == pytest.approx(20)


def test_the_table_of_two_methods() -> None:
    summary = summarise("t", "cross_entropy", records("cross_entropy", CONTROL) + records("kd", OURS), 6)
    control, ours = summary.methods
    assert control.macro_f1 == pytest.approx(0.6)
    assert control.deviation == pytest.approx(0.1)
    assert control.by_fold is None
    assert ours.by_fold is not None
    assert ours.by_fold.mean_pp == pytest.approx(4.0)
    assert ours.by_fold.p == 2 / 8
    assert ours.by_person == ours.by_fold, "one person a fold here"
    assert (ours.worst_person, ours.worst_macro_f1) == ("a", 0.52)
    assert summary.ranks == {"cross_entropy": 2.0, "kd": 1.0}
    assert (summary.done, summary.expected, summary.blocks) == (6, 6, 3)


def test_seeds_are_averaged_before_units_are_counted() -> None:
    both = records("kd", OURS) + records("kd", {"a": (0, 0.62), "b": (1, 0.74), "c": (2, 0.86)}, seed=1)
    summary = summarise("t", "cross_entropy", records("cross_entropy", CONTROL) + both, 9)
    found = summary.methods[1].by_person
    assert found is not None
    assert found.count == 3
    assert found.mean_pp == pytest.approx(9.0)


def test_the_worst_person_is_worst_over_seeds() -> None:
    both = records("kd", {"a": (0, 0.1), "b": (1, 0.4)}) + records("kd", {"a": (0, 0.9), "b": (1, 0.4)}, seed=1)
    summary = summarise("t", "kd", both, 4)
    assert (summary.methods[0].worst_person, summary.methods[0].worst_macro_f1) == ("b", 0.4)


def test_stresses_do_not_count_as_the_windows_as_recorded() -> None:
    own = records("kd", OURS)
    noisy = [replace(record, condition="noise", macro_f1=0.0, fold_macro_f1=0.1) for record in own]
    (method,) = summarise("t", "kd", own + noisy, 3).methods
    assert method.macro_f1 == pytest.approx(0.64)
    assert method.stress == {"noise": pytest.approx(0.1)}
    assert method.worst_macro_f1 == 0.52


def test_equal_scores_share_their_ranks() -> None:
    assert average_ranks({"a": [0.9, 0.5], "b": [0.9, 0.6], "c": [0.1, 0.7]}) == {"a": 2.25, "b": 1.75, "c": 2.0}


def test_only_folds_in_which_every_method_was_measured_are_ranked() -> None:
    blocks = rank_blocks(records("a", CONTROL) + records("b", {"a": (0, 0.9)}))
    assert blocks == {"a": [0.5], "b": [0.9]}


def test_methods_that_answered_other_windows_are_not_compared() -> None:
    other = [replace(record, test_windows="other") for record in records("kd", OURS)]
    with pytest.raises(ArtifactError, match=r"kd .* answered other windows than cross_entropy"):
        summarise("t", "cross_entropy", records("cross_entropy", CONTROL) + other, 6)


def test_rows_of_two_versions_of_the_code_are_told() -> None:
    newer = [replace(record, code="newer") for record in records("kd", OURS)]
    assert summarise("t", "cross_entropy", records("cross_entropy", CONTROL) + newer, 6).codes == 2


def test_mixed_effects_find_a_clear_difference_between_people_of_different_level() -> None:
    pytest.importorskip("statsmodels", reason="needs statsmodels: pip install 'smldist-factory[bench]'")
    levels = np.random.default_rng(0).uniform(0.2, 0.8, 12)
    noise = np.random.default_rng(1).normal(0, 0.005, (2, 12))
    control = records("ce", {f"p{i:02d}": (i, level + noise[0, i]) for i, level in enumerate(levels)})
    ours = records("kd", {f"p{i:02d}": (i, level + 0.05 + noise[1, i]) for i, level in enumerate(levels)})
    p = mixed_effects(ours, control)
    assert p is not None
    assert p < 1e-6
    assert mixed_effects(ours[:2], control[:2]) is None, "two people"
