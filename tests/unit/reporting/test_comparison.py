"""The student beside chance, the majority class, trees, a twin without a teacher, and the teacher."""

import pytest

from factory.reporting.comparison import compare
from tests.unit.reporting import example


def test_everything_that_was_measured_stands_beside_the_student() -> None:
    made = example.manifest()
    twin = example.accuracy(0.97)
    training = made.training.model_copy(update={"cross_entropy": twin})
    rows = {row.name: row for row in compare(made.model_copy(update={"training": training}))}
    assert list(rows) == ["Student", "Teacher", "Cross-entropy control", "Baseline", "Majority class", "Chance"]
    assert rows["Student"].student
    assert (rows["Student"].accuracy, rows["Student"].low, rows["Student"].high) == (0.978, 0.96, 0.987)
    assert (rows["Teacher"].accuracy, rows["Cross-entropy control"].accuracy) == (0.985, 0.97)
    assert (rows["Baseline"].accuracy, rows["Majority class"].accuracy) == (0.94, 0.2)


def test_what_was_not_measured_is_said_and_not_guessed() -> None:
    rows = {row.name: row for row in compare(example.manifest().model_copy(update={"baseline": None}))}
    assert rows["Cross-entropy control"].note == "not measured: factory benchmark trains it"
    for name in ("Cross-entropy control", "Baseline", "Majority class"):
        assert (rows[name].accuracy, rows[name].macro_f1) == (None, None)
        assert rows[name].note.startswith("not measured")


def test_chance_is_one_class_in_k_and_its_macro_f1_follows_from_the_support() -> None:
    matrix = ((6, 0, 0, 0), (0, 2, 0, 0), (0, 0, 0, 0), (0, 0, 0, 0))
    made = example.with_student(example.manifest(), example.accuracy(0.978).model_copy(update={"confusion": matrix}))
    chance = compare(made)[-1]
    assert chance.accuracy == 0.25
    assert chance.macro_f1 == pytest.approx((2 * 0.75 / 4 + 2 * 0.25 / 2) / 2)


def test_without_a_measured_student_nothing_is_compared() -> None:
    assert compare(example.manifest().model_copy(update={"verifications": ()})) == ()
