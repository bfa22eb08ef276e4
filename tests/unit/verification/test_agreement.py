"""Flips: a hard data set's near ties pass however the golden pack falls; a file that loses windows fails."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from factory.contracts.artifact import Precision
from factory.contracts.dataset import Floats, Ints
from factory.contracts.errors import ArtifactError, GateError
from factory.contracts.manifest import Check, Outcome
from factory.verification.agreement import compare_split, loss_p_value, overlap
from factory.verification.gates import gross_flips, judge_agreement, judge_parity, require
from factory.verification.golden import GoldenPack
from factory.verification.parity import compare
from tests.unit.verification.world import Network, make_spec

HERE = "host x86_64, numpy"
SPEC = make_spec()


def test_p_value_is_the_binomial_tail_of_windows_that_are_independent() -> None:
    for lost, won in ((5, 0), (9, 1), (20, 12), (3, 7)):
        expected = stats.binomtest(lost, lost + won, alternative="greater").pvalue
        assert loss_p_value(lost, won, 1) == pytest.approx(expected)
    assert loss_p_value(0, 0, 1) == 1


def test_overlapping_windows_count_less() -> None:
    assert overlap(SPEC) == 2
    assert overlap(SPEC.model_copy(update={"hop": 100})) == 1
    assert loss_p_value(10, 2, 2) == pytest.approx(loss_p_value(5, 1, 1))
    assert loss_p_value(10, 2, 2) > loss_p_value(10, 2, 1)


def test_figures_match_hand_counted_ones() -> None:
    y = np.array([0, 0, 1, 1, 2, 2])
    reference, logits = one_hot([0, 0, 1, 0, 1, 2]), one_hot([0, 1, 0, 1, 3, 2])
    split = compare_split(logits, reference, y, SPEC)
    # Flips: 0 -> 1 and 1 -> 0 lose, 0 -> 1 wins, 1 -> 3 was wrong and stays so.
    assert (split.windows, split.right_to_wrong, split.wrong_to_right) == (6, 2, 1)
    assert split.agreement == pytest.approx(2 / 6)


def test_logits_that_do_not_fit_are_refused() -> None:
    y = np.array([0, 1])
    with pytest.raises(ArtifactError, match="reference logits have shape"):
        compare_split(one_hot([0, 1]), one_hot([0, 1, 2]), y, SPEC)


@pytest.mark.parametrize("precision", [Precision.INT8_STATIC, Precision.INT8_DYNAMIC, Precision.FP16])
def test_a_pack_allows_more_flips_than_its_draw_explains_and_no_gross_fault(precision: Precision) -> None:
    top1 = 0.98 if precision is Precision.INT8_STATIC else 0.995
    allowed = gross_flips(top1, 256)
    assert stats.binom.sf(allowed, 256, 3 * (1 - top1)) <= 0.001 < stats.binom.sf(allowed - 1, 256, 3 * (1 - top1))
    assert 1 - allowed / 256 == pytest.approx(0.887 if precision is Precision.INT8_STATIC else 0.957, abs=0.005)
    assert gross_flips(top1, 4) >= 2


def test_hard_recordings_with_costless_flips_pass_whatever_pack_is_drawn() -> None:
    y, reference = hard_data()
    logits = with_flips(reference, y, agreement=0.979, lost=0.3, won=0.33)
    split = compare_split(logits, reference, y, SPEC)
    assert split.agreement == pytest.approx(0.979, abs=5e-4)
    assert judged(logits, reference, y).outcome is Outcome.PASSED
    rng = np.random.default_rng(0)
    draws = [rng.choice(len(y), 256, replace=False) for _ in range(500)]
    packs = [judge_parity("tflite", Precision.INT8_STATIC, compare(logits[i], reference[i]), HERE) for i in draws]
    passed = np.mean([check.outcome is Outcome.PASSED for (check,) in packs])
    assert passed >= 0.99
    # What 2 % of a pack of 256 would have said: more than a third of the draws fail.
    assert np.mean([compare(logits[i], reference[i]).flips > 5 for i in draws]) > 0.35


def test_a_broken_int8_that_loses_windows_fails_and_says_what_to_do() -> None:
    y, reference = hard_data()
    check = judged(with_flips(reference, y, agreement=0.939, lost=0.6, won=0.2), reference, y)
    assert check.outcome is Outcome.FAILED
    assert check.limit == 0.98
    assert "calibrate on more windows, train more int8_epochs, or leave out the precision" in check.note
    assert "flips lost 110 windows and won 37" in check.note


def test_more_flips_than_hard_recordings_explain_fail_even_without_a_loss() -> None:
    y, reference = hard_data()
    assert judged(with_flips(reference, y, 0.945, 0.3, 0.3), reference, y).outcome is Outcome.PASSED
    check = judged(with_flips(reference, y, 0.93, 0.3, 0.3), reference, y)
    assert check.outcome is Outcome.FAILED
    assert check.limit == pytest.approx(0.94)


def test_few_flips_pass_even_where_all_of_them_lose() -> None:
    y, reference = hard_data()
    assert judged(with_flips(reference, y, 0.99, 1.0, 0.0), reference, y).outcome is Outcome.PASSED


def test_float32_has_no_share_of_flips_to_judge() -> None:
    y, reference = hard_data()
    assert judge_agreement("tflite", Precision.FP32, compare_split(reference, reference, y, SPEC), HERE) == []


def test_weights_of_another_scale_fail_on_the_pack(network: Network, golden: GoldenPack) -> None:
    step = float(np.ptp(golden.logits)) / 255
    for wrong in (replace(network, weight=network.weight * np.float32(1.25)), half_of_a_class(network)):
        parity = compare(wrong(golden.x), golden.logits)
        checks = judge_parity("tflite", Precision.INT8_STATIC, parity, HERE, step)
        with pytest.raises(GateError, match="tflite/int8_static parity"):
            require(checks)


def test_a_pack_that_flips_too_often_says_what_to_do() -> None:
    y, reference = hard_data()
    parity = compare(with_flips(reference, y, 0.5, 0.8, 0.1)[:256], reference[:256])
    (check,) = judge_parity("tflite", Precision.INT8_STATIC, parity, HERE, note="no layer diverges")
    assert check.outcome is Outcome.FAILED
    assert "no layer diverges: calibrate on more windows, train more int8_epochs, or leave out" in check.note


def half_of_a_class(network: Network) -> Network:
    """One class's weights and bias were read with half the scale of the others."""
    factor = np.array([1, 1, 0.5, 1], np.float32)
    return replace(network, weight=network.weight * factor, bias=network.bias * factor - (1 - factor) * 4)


def judged(logits: Floats, reference: Floats, y: Ints) -> Check:
    (check,) = judge_agreement("tflite", Precision.INT8_STATIC, compare_split(logits, reference, y, SPEC), HERE)
    return check


def one_hot(predicted: list[int]) -> Floats:
    return np.eye(4, dtype=np.float32)[predicted]


def hard_data() -> tuple[Ints, Floats]:
    """3000 windows of four classes, a reference that is right four times in five."""
    rng = np.random.default_rng(1)
    y = rng.integers(0, 4, 3000)
    wrong = rng.random(3000) < 0.2
    predicted = np.where(wrong, (y + rng.integers(1, 4, 3000)) % 4, y)
    logits = 8 * np.eye(4)[predicted] + rng.normal(0, 0.5, (3000, 4))
    return y, logits.astype(np.float32)


def with_flips(reference: Floats, y: Ints, agreement: float, lost: float, won: float) -> Floats:
    """The reference, with so many answers changed: a share `lost` of them right before, a share `won` right after."""
    rng = np.random.default_rng(2)
    before = reference.argmax(axis=1)
    flips = round((1 - agreement) * len(y))
    losing, winning = round(lost * flips), round(won * flips)
    right, wrong = rng.permutation(np.flatnonzero(before == y)), rng.permutation(np.flatnonzero(before != y))
    after = before.copy()
    after[right[:losing]] = (y[right[:losing]] + 1) % 4
    after[wrong[:winning]] = y[wrong[:winning]]
    rest = wrong[winning : flips - losing]
    others = [next(k for k in range(4) if k not in (before[i], y[i])) for i in rest]
    after[rest] = others
    logits = reference.copy()
    changed = np.flatnonzero(after != before)
    logits[changed, after[changed]] = logits[changed].max(axis=1) + np.float32(0.1)
    return logits
