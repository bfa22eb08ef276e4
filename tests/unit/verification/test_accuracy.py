import numpy as np
import pytest

from factory.contracts.dataset import Floats, Ints
from factory.contracts.errors import ArtifactError, DataError
from factory.verification.accuracy import calibration_error, interval, measure, reliability

LABELS = ("a", "b", "c")


def one_hot(predicted: list[int], scale: float = 10.0) -> Floats:
    return (np.eye(3, dtype=np.float32)[predicted] * scale).astype(np.float32)


def test_figures_match_hand_computed_ones() -> None:
    y = np.array([0, 0, 0, 1, 1, 1], np.int64)
    result = measure(one_hot([0, 0, 1, 1, 1, 2]), y, np.array(["p", "p", "q", "p", "q", "q"]), LABELS)
    assert result.accuracy == pytest.approx(4 / 6)
    # a: TP 2, FP 0, FN 1; b: TP 2, FP 1, FN 1; c does not occur in the truth.
    assert result.per_class_f1 == pytest.approx({"a": 0.8, "b": 4 / 6})
    assert result.macro_f1 == pytest.approx((0.8 + 4 / 6) / 2)
    assert result.confusion == ((2, 1, 0), (0, 2, 1), (0, 0, 0))
    # p: all right. q: truth a, b, b predicted b, b, c: a 0, b 2 / (2 + 1 + 1) = 0.5.
    assert result.per_subject_f1 == pytest.approx({"p": 1.0, "q": 0.25})
    assert result.worst_subject == "q"


def test_macro_f1_agrees_with_scikit_learn() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(3)
    y: Ints = rng.integers(0, 5, 500)
    logits = (rng.normal(0, 1, (500, 6)) + 1.5 * np.eye(6)[y]).astype(np.float32)
    result = measure(logits, y, np.array(["p"] * 500), tuple("abcdef"))
    predicted = logits.argmax(1)
    expected = metrics.f1_score(y, predicted, labels=np.unique(y), average="macro", zero_division=0)
    assert result.macro_f1 == pytest.approx(expected)
    assert result.accuracy == pytest.approx(metrics.accuracy_score(y, predicted))
    assert result.confusion == tuple(
        tuple(row) for row in metrics.confusion_matrix(y, predicted, labels=range(6)).tolist()
    )


def test_mean_of_the_classes_is_the_macro_f1() -> None:
    y = np.array([0, 1, 1, 0], np.int64)
    result = measure(one_hot([0, 1, 2, 1]), y, np.array(list("pqpq")), LABELS)
    assert result.macro_f1 == pytest.approx(np.mean(list(result.per_class_f1.values())))


def test_calibration_error_of_hand_computed_bins() -> None:
    # Confidence 0.7 for two windows, one right: gap 0.2; confidence ~1 for two right ones: gap ~0.
    logits = np.log(np.array([[0.7, 0.2, 0.1]] * 2 + [[1 - 2e-9, 1e-9, 1e-9]] * 2)).astype(np.float32)
    y = np.array([0, 1, 0, 0], np.int64)
    assert calibration_error(logits, y) == pytest.approx(0.5 * 0.2, abs=1e-6)


def test_calibration_error_survives_huge_logits() -> None:
    assert calibration_error(one_hot([0, 1], 1e6), np.array([0, 1], np.int64)) == 0.0


def test_logits_of_another_label_count_are_refused() -> None:
    with pytest.raises(ArtifactError, match="shape"):
        measure(np.zeros((2, 4), np.float32), np.array([0, 1], np.int64), np.array(["p", "p"]), LABELS)


def test_labels_out_of_range_are_refused() -> None:
    with pytest.raises(DataError, match="classes"):
        measure(one_hot([0, 1]), np.array([0, 3], np.int64), np.array(["p", "p"]), LABELS)


def people(share_wrong: list[float], each: int = 60) -> tuple[Floats, Ints, np.ndarray]:
    """Three classes; of each person another share of windows is mistaken for the next class."""
    rng = np.random.default_rng(0)
    y = np.tile(np.repeat(np.arange(3), each // 3), len(share_wrong)).astype(np.int64)
    wrong = rng.random(len(y)) < np.repeat(share_wrong, each)
    return (
        one_hot(np.where(wrong, (y + 1) % 3, y).tolist()),
        y,
        np.repeat(np.arange(len(share_wrong)), each).astype(str),
    )


def test_the_interval_holds_macro_f1_and_is_wider_where_people_differ() -> None:
    alike = measure(*people([0.2] * 9), LABELS)
    unlike = measure(*people([0.0, 0.0, 0.0, 0.1, 0.1, 0.2, 0.3, 0.5, 0.6]), LABELS)
    for result in (alike, unlike):
        assert result.macro_f1_low is not None
        assert result.macro_f1_high is not None
        assert result.macro_f1_low < result.macro_f1 < result.macro_f1_high
    assert unlike.macro_f1_high - unlike.macro_f1_low > 2 * (alike.macro_f1_high - alike.macro_f1_low)  # type: ignore[operator]


def test_the_interval_is_the_bootstrap_over_whole_people() -> None:
    logits, y, who = people(np.linspace(0, 0.6, 16).tolist())
    result = measure(logits, y, who, LABELS)
    rng, rows = np.random.default_rng(9), [np.flatnonzero(who == name) for name in np.unique(who)]
    drawn = [np.concatenate([rows[i] for i in rng.integers(0, 16, 16)]) for _ in range(2000)]
    scores = [measure(logits[i], y[i], np.full(len(i), "p"), LABELS).macro_f1 for i in drawn]
    assert (result.macro_f1_low, result.macro_f1_high) == pytest.approx(np.percentile(scores, [2.5, 97.5]), abs=0.01)
    assert measure(logits, y, who, LABELS) == result


def test_one_person_has_no_interval() -> None:
    result = measure(*people([0.2]), LABELS)
    assert (result.macro_f1_low, result.macro_f1_high) == (None, None)


def test_a_class_that_a_resample_lacks_is_left_out_of_its_mean() -> None:
    # Each person does one class, all right: whoever is drawn, every class that occurs is right.
    counts = np.zeros((3, 3, 3), np.int64)
    counts[np.arange(3), np.arange(3), np.arange(3)] = 10
    assert interval(counts) == (1.0, 1.0)


def test_reliability_bins_match_hand_counted_ones() -> None:
    logits = np.log(np.array([[0.7, 0.2, 0.1]] * 2 + [[1 - 2e-9, 1e-9, 1e-9]] * 2)).astype(np.float32)
    first, last = reliability(logits, np.array([0, 1, 0, 0], np.int64))
    assert (first.low, first.high, first.windows) == (10 / 15, 11 / 15, 2)
    assert (first.confidence, first.accuracy) == pytest.approx((0.7, 0.5))
    assert (last.high, last.windows, last.accuracy) == (1, 2, 1)


def test_reliability_adds_up_to_the_calibration_error() -> None:
    result = measure(*people([0.1, 0.4]), LABELS)
    gaps = [b.windows * abs(b.accuracy - b.confidence) for b in result.reliability]
    assert result.ece == pytest.approx(sum(gaps) / result.windows)
    assert sum(b.windows for b in result.reliability) == result.windows
