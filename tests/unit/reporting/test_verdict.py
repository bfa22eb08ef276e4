"""The rules of the verdict: what turns a build without a failed gate amber, and what makes it red."""

import pytest

from factory.contracts.artifact import Precision
from factory.contracts.manifest import Accuracy, Check, Manifest, Outcome
from factory.reporting.view import doubts, measured, shipped, verdict
from tests.unit.reporting import example


def student(**changes: object) -> Manifest:
    """The example's build; its students changed."""
    return example.with_student(example.manifest(), example.accuracy(0.978).model_copy(update=changes))


def without_baseline(made: Manifest) -> Manifest:
    return made.model_copy(update={"baseline": None})


def test_a_good_student_is_green() -> None:
    found = verdict(example.manifest())
    assert (found.level, found.headline, found.doubts) == ("passed", "All gates passed", ())


def test_a_class_of_which_no_window_is_recognised_turns_the_verdict_amber() -> None:
    rows = [list(row) for row in example.accuracy(0.978).confusion]
    rows[3] = [0, 0, 0, 0, 490, 0]
    found = verdict(student(confusion=rows))
    assert found.level == "doubtful"
    assert found.doubts == ("Never recognised: sitting (0 of 490 windows).",)
    assert found.headline == "All gates passed, but 1 finding speaks against shipping"
    rows[3] = [0, 0, 0, 1, 489, 0]
    assert doubts(student(confusion=rows)) == (), "one window of a class is enough to count as recognised"


def test_a_class_without_a_test_window_is_not_held_against_the_student() -> None:
    rows = [list(row) for row in example.accuracy(0.978).confusion]
    rows[3] = [0] * 6
    assert doubts(student(confusion=rows)) == ()


@pytest.mark.parametrize("measure", ["accuracy", "macro_f1"])
def test_below_the_baseline_by_any_measure_is_amber(measure: str) -> None:
    made = student(**{measure: 0.9389 if measure == "macro_f1" else 0.9399})
    found = [doubt for doubt in doubts(made) if doubt.startswith("Below")]
    assert len(found) == 1
    assert "gradient boosting on 168 statistics a window" in found[0]
    assert ("macro-F1" in found[0]) == (measure == "macro_f1")
    assert verdict(made).level == "doubtful"
    assert doubts(without_baseline(made)) == ()


def test_below_the_majority_class_is_amber() -> None:
    made = student(accuracy=0.19)
    assert any(doubt.startswith("Below always answering the commonest class") for doubt in doubts(made))


def test_an_interval_that_reaches_the_baseline_is_amber() -> None:
    made = student(macro_f1_low=0.939)
    assert doubts(made) == (
        "Not clearly above gradient boosting on 168 statistics a window: on other people macro-F1 may be as low as "
        "0.939 (95 % interval), against 0.939.",
    )
    assert doubts(student(macro_f1_low=0.9391)) == ()
    assert doubts(student(macro_f1_low=None, macro_f1_high=None)) == ()


def test_an_interval_that_reaches_the_majority_class_is_amber() -> None:
    assert any("commonest class" in doubt for doubt in doubts(student(macro_f1_low=0.1)))


@pytest.mark.parametrize(("lead", "amber"), [(0.051, True), (0.049, False)])
@pytest.mark.parametrize("measure", ["accuracy", "macro_f1"])
def test_more_than_five_points_below_the_teacher_is_amber(measure: str, lead: float, amber: bool) -> None:
    made = without_baseline(example.manifest())
    teacher = getattr(made.training.teacher, measure)
    good = example.accuracy(0.978).model_copy(update={measure: teacher - lead})
    found = doubts(example.with_student(made, good))
    assert (verdict(example.with_student(made, good)).level == "doubtful") == amber
    assert any(doubt.startswith("Far below its teacher: 5.1 pp") for doubt in found) == amber


@pytest.mark.parametrize(("skipped", "amber"), [(2, False), (3, True)])
def test_a_quarter_of_the_gates_not_run_is_amber(skipped: int, amber: bool) -> None:
    """8 gates passed: 2 of 10 are fewer than a quarter, 3 of 11 are more."""
    missing = tuple(example.failing()[1] for _ in range(skipped))
    found = verdict(example.manifest().model_copy(update={"checks": example.checks() + missing}))
    assert (found.level == "doubtful") == amber
    assert any(f"{skipped} of 11 gates did not run" in doubt for doubt in found.doubts) == amber


def test_accuracy_that_was_not_measured_is_amber() -> None:
    made = example.manifest()
    bare = tuple(item.model_copy(update={"accuracy": None}) for item in made.verifications)
    found = verdict(made.model_copy(update={"verifications": bare}))
    assert (found.level, found.doubts) == ("doubtful", ("The accuracy of no artifact was measured.",))


def test_a_failed_gate_of_the_student_itself_is_red_and_doubts_are_still_named() -> None:
    worth = Check(
        gate="accuracy.worth_over_majority",
        target="student",
        outcome=Outcome.FAILED,
        value=0.01,
        relation=">=",
        limit=0.05,
        where="host",
    )
    made = example.with_student(example.manifest(), example.poor())
    found = verdict(made.model_copy(update={"checks": (*example.checks(), worth)}))
    assert (found.level, found.headline) == ("failed", "1 of 9 gates failed")
    assert [doubt.split()[0] for doubt in found.doubts] == ["Never", "Below", "Far"]


def test_the_weakest_of_the_artifacts_to_ship_is_judged() -> None:
    made = example.with_second_target(example.manifest())
    weak: Accuracy = example.poor()
    found = tuple(
        item.model_copy(update={"accuracy": weak}) if item.subject == "jetson/model_int8_static.onnx" else item
        for item in made.verifications
    )
    chosen = shipped(measured(made.model_copy(update={"verifications": found})))
    assert chosen is not None
    assert (chosen.artifact.target, chosen.precision) == ("jetson", Precision.INT8_STATIC)
