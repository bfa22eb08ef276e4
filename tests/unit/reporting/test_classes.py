"""Figures of each class against a matrix counted by hand, and the balance of the parts."""

import pytest

from factory.reporting.classes import PARTS, balance, class_rows
from factory.reporting.view import interval
from tests.unit.reporting import example

LABELS = ("walk", "sit", "lie", "run")


def test_precision_recall_and_f1_follow_from_the_confusion_matrix() -> None:
    matrix = ((6, 2, 0, 0), (3, 1, 0, 0), (0, 0, 0, 0), (2, 0, 0, 0))
    made = example.accuracy(0.9).model_copy(update={"confusion": matrix})
    walk, sit, lie, run = class_rows(made, LABELS)
    assert (walk.precision, walk.recall, walk.support) == (6 / 11, 6 / 8, 8)
    assert walk.f1 == pytest.approx(2 * (6 / 11) * (6 / 8) / (6 / 11 + 6 / 8))
    assert (sit.precision, sit.recall, sit.support) == (1 / 3, 1 / 4, 4)
    assert (lie.precision, lie.recall, lie.f1, lie.support) == (None, None, None, 0), "no window, so no figure"
    assert (run.precision, run.recall, run.f1, run.support) == (None, 0.0, 0.0, 2), "never answered, never recognised"


def test_balance_names_every_class_in_every_part_with_its_share() -> None:
    data = example.manifest().data.model_copy(
        update={"classes": {"train": {"walk": 30, "sit": 10}, "test": {"lie": 5}}}
    )
    rows = dict(balance(data, LABELS))
    assert list(rows) == list(LABELS)
    assert [(part.windows, part.share) for part in rows["walk"]] == [(30, 0.75), (0, 0), (0, 0)]
    assert [(part.windows, part.share) for part in rows["lie"]] == [(0, 0), (0, 0), (5, 1)]
    assert len(rows["run"]) == len(PARTS)


def test_without_counts_there_is_no_balance() -> None:
    assert balance(example.manifest().data.model_copy(update={"classes": {}}), LABELS) == []


def test_the_interval_reads_as_two_figures_or_not_at_all() -> None:
    made = example.accuracy(0.978)
    assert interval(made) == "0.960 – 0.987 over people (95 %)"
    assert interval(made.model_copy(update={"macro_f1_low": None})) == ""
