"""Is a model worth shipping? Every branch of the gates on fakes, and real recordings with shuffled labels."""

from dataclasses import replace

import numpy as np
import pytest

from factory.contracts.dataset import Ints, Split, WindowSet
from factory.contracts.errors import GateError
from factory.contracts.manifest import Accuracy, Baseline, Check, Outcome
from factory.contracts.progress import Silent
from factory.contracts.recipe import DataRecipe, SplitRecipe
from factory.data import make_split, prepare
from factory.verification.accuracy import measure
from factory.verification.agreement import overlap
from factory.verification.baseline import fit_baseline, measure_majority
from factory.verification.gates import require
from factory.verification.noise import macro_f1_low, paired_loss
from factory.verification.worth import judge_worth

HERE = "host x86_64, numpy"
LABELS = ("a", "b", "c", "d")


def accuracy(
    wrong: list[float], each: int = 200, seed: int = 0, classes: int = 4, weights: Ints | None = None
) -> Accuracy:
    """One person a share of wrong answers; wrong ones are any other class."""
    rng = np.random.default_rng(seed)
    y = truth(len(wrong), each, classes, weights)
    mistaken = rng.random(len(y)) < np.repeat(wrong, each)
    predicted = np.where(mistaken, (y + rng.integers(1, classes, len(y))) % classes, y)
    return measured(predicted, y, len(wrong), each)


def truth(people: int, each: int, classes: int = 4, weights: Ints | None = None) -> Ints:
    shares = np.ones(classes, np.int64) if weights is None else weights
    one = np.repeat(np.arange(classes), shares * each // shares.sum())
    return np.tile(one, people)


def measured(predicted: Ints, y: Ints, people: int, each: int) -> Accuracy:
    logits = np.eye(len(LABELS), dtype=np.float32)[predicted]
    return measure(logits, y, np.repeat(np.arange(people), each).astype(np.str_), LABELS)


def baseline_of(trees: Accuracy, train: Ints | None = None) -> Baseline:
    """A baseline of known accuracy; everybody trained alike unless `train` says otherwise."""
    y = np.repeat(np.arange(len(LABELS)), [sum(row) for row in trees.confusion])
    people = np.resize(np.array(sorted(trees.per_subject_f1)), len(y))
    return Baseline(
        kind="extra_trees",
        validation={"extra_trees": 0.9, "gradient_boosting": 0.8},
        features=158,
        seconds=3.0,
        accuracy=trees,
        majority=measure_majority(y if train is None else train, y, people, LABELS),
    )


def judged(student: Accuracy, trees: Accuracy, train: Ints | None = None) -> dict[str, Check]:
    return {check.gate: check for check in judge_worth(student, baseline_of(trees, train), HERE, 2.0)}


def failed(checks: dict[str, Check]) -> set[str]:
    return {gate.removeprefix("accuracy.") for gate, check in checks.items() if check.outcome is Outcome.FAILED}


@pytest.mark.parametrize("people", [1, 2, 3, 9])
def test_a_good_student_passes_and_its_notes_show_both_sides(people: int) -> None:
    student, trees = accuracy([0.1] * people), accuracy([0.1] * people, seed=1)
    checks = judged(student, trees)
    assert failed(checks) == set()
    both = f"macro-F1 {student.macro_f1:.3f}, extra_trees {trees.macro_f1:.3f}"
    assert both in checks["accuracy.below_baseline"].note


@pytest.mark.parametrize("people", [1, 2, 3, 9])
def test_a_student_that_guesses_fails(people: int) -> None:
    checks = judged(accuracy([0.75] * people), accuracy([0.1] * people, seed=1))
    assert failed(checks) >= {"over_chance", "below_baseline"}
    with pytest.raises(GateError, match=r"student accuracy.over_chance .*check that labels belong to their recordings"):
        require(list(checks.values()))


@pytest.mark.parametrize("people", [1, 3, 9])
def test_guessing_fails_even_beside_trees_that_learned_nothing_either(people: int) -> None:
    checks = judged(accuracy([0.75] * people), accuracy([0.75] * people, seed=1))
    assert "over_chance" in failed(checks)
    assert "below_baseline" not in failed(checks)


def test_a_network_that_gives_each_activity_another_label_fails_though_two_of_seven_fit_by_luck() -> None:
    labels, answers = tuple("abcdefg"), np.array([0, 1, 3, 4, 5, 6, 2])
    y = np.tile(np.arange(7), 200)
    who = np.repeat(np.arange(2), 700).astype(np.str_)
    lucky = measure(np.eye(7, dtype=np.float32)[answers[y]], y, who, labels)
    assert lucky.macro_f1 == pytest.approx(2 / 7)
    assert macro_f1_low(lucky, 2.0) > 1 / 7
    baseline = baseline_of(accuracy([0.1])).model_copy(
        update={"accuracy": lucky, "majority": measure_majority(y, y, who, labels)}
    )
    checks = {check.gate: check for check in judge_worth(lucky, baseline, HERE, 2.0)}
    assert failed(checks) == {"over_chance"}


def test_always_one_class_fails_over_chance_and_over_majority() -> None:
    y = truth(9, 200)
    constant = measured(np.zeros_like(y), y, 9, 200)
    assert failed(judged(constant, constant, train=np.zeros(10, np.int64))) == {"over_chance", "over_majority"}


def test_on_lopsided_recordings_a_student_must_be_right_more_often_than_the_commonest_class() -> None:
    weights = np.array([17, 1, 1, 1])
    trees = accuracy([0.1] * 9, weights=weights)
    weak = judged(accuracy([0.3] * 9, weights=weights), trees)["accuracy.over_majority"]
    assert weak.outcome is Outcome.FAILED
    assert "commonest training class 0.850" in weak.note
    good = judged(accuracy([0.05] * 9, weights=weights), trees)
    assert failed(good) == set()


def test_a_loss_against_the_trees_beyond_noise_and_margin_fails_with_a_remedy() -> None:
    trees = accuracy([0.05] * 9, each=400, seed=1)
    check = judged(accuracy([0.15] * 9, each=400), trees)["accuracy.below_baseline"]
    assert check.outcome is Outcome.FAILED
    assert check.value == pytest.approx(10, abs=2)
    assert "over 9 people" in check.note
    assert check.note.endswith("train more epochs, check units and labels, or ship the trees")


def test_a_loss_within_the_margin_passes_however_certain_it_is() -> None:
    trees, student = (accuracy([wrong] * 9, each=20_000, seed=seed) for wrong, seed in ((0.05, 1), (0.057, 2)))
    check = judged(student, trees)["accuracy.below_baseline"]
    assert check.limit == 1.0
    assert check.value is not None
    assert 0.4 < check.value < 1.0
    assert check.outcome is Outcome.PASSED


def test_a_loss_that_one_person_of_nine_makes_up_passes() -> None:
    trees, student = accuracy([0.05] * 9, seed=1), accuracy([0.05] * 8 + [0.35], seed=1)
    check = judged(student, trees)["accuracy.below_baseline"]
    assert check.value is not None
    assert check.limit is not None
    assert 1 < check.value < check.limit
    assert check.outcome is Outcome.PASSED


@pytest.mark.parametrize("people", [1, 2, 4])
def test_with_fewer_than_five_people_windows_are_what_varies_and_the_note_says_so(people: int) -> None:
    trees = accuracy([0.05] * people, each=400, seed=1)
    check = judged(accuracy([0.25] * people, each=400), trees)["accuracy.below_baseline"]
    assert check.outcome is Outcome.FAILED
    assert f"over windows of {people} people, not over people" in check.note
    close = judged(accuracy([0.06] * people, each=400), trees)["accuracy.below_baseline"]
    assert close.outcome is Outcome.PASSED


def test_noise_of_windows_is_a_binomials_of_the_independent_ones() -> None:
    student, trees = accuracy([0.2], each=4000), accuracy([0.1], each=4000, seed=1)
    _, noise = paired_loss(student, trees, overlap=2.0)
    expected = 1.96 * np.sqrt((0.2 * 0.8 + 0.1 * 0.9) / 2000)
    assert noise == pytest.approx(expected, rel=0.15)
    assert paired_loss(student, trees, overlap=1.0)[1] < noise


def test_the_lower_end_is_the_lower_of_windows_and_people() -> None:
    unlike = accuracy([0.0, 0.0, 0.0, 0.4, 0.7])
    assert macro_f1_low(unlike, 1.0) == unlike.macro_f1_low
    assert macro_f1_low(accuracy([0.3]), 2.0) < accuracy([0.3]).macro_f1


def test_another_test_split_is_refused() -> None:
    with pytest.raises(GateError, match="same test split"):
        judge_worth(accuracy([0.1], each=100), baseline_of(accuracy([0.1])), HERE, 2.0)


@pytest.fixture(scope="module")
def watch(tmp_path_factory: pytest.TempPathFactory) -> tuple[WindowSet, Split]:
    pytest.importorskip("seglearn")
    recipe = DataRecipe(source="watch", window=128, hop=128, rate_hz=50.0)
    windows = prepare(recipe, None, tmp_path_factory.mktemp("cache"), Silent())
    return windows, make_split(windows, SplitRecipe(kind="subjects", test_subjects=("3", "6", "9")), 0)


def test_trees_on_real_recordings_are_worth_shipping(watch: tuple[WindowSet, Split]) -> None:
    windows, split = watch
    baseline = fit_baseline(windows, split, 0)
    assert baseline.accuracy.macro_f1 > 0.8
    checks = judge_worth(baseline.accuracy, baseline, HERE, overlap(windows.spec))
    assert {check.outcome for check in checks} == {Outcome.PASSED}


@pytest.mark.parametrize("seed", range(2))
def test_trees_trained_on_shuffled_labels_fail(watch: tuple[WindowSet, Split], seed: int) -> None:
    windows, split = watch
    known = np.concatenate([split.train, split.validation])
    y = np.array(windows.y)
    y[known] = np.random.default_rng(seed).permutation(y[known])
    useless = fit_baseline(replace(windows, y=y), split, seed)
    # Trees that saw the same labels are no better: only chance tells.
    checks = judge_worth(useless.accuracy, useless, HERE, overlap(windows.spec))
    assert Outcome.FAILED in {check.outcome for check in checks if check.gate == "accuracy.over_chance"}


def test_a_student_trained_on_shuffled_labels_fails_beside_trees_that_were_not(watch: tuple[WindowSet, Split]) -> None:
    windows, split = watch
    y = np.array(windows.y)
    y[split.train] = np.random.default_rng(0).permutation(y[split.train])
    useless, baseline = fit_baseline(replace(windows, y=y), split, 0), fit_baseline(windows, split, 0)
    checks = judge_worth(useless.accuracy, baseline, HERE, overlap(windows.spec))
    assert {check.gate for check in checks if check.outcome is Outcome.FAILED} >= {
        "accuracy.over_chance",
        "accuracy.below_baseline",
    }
