"""Every gate passes what is right and fails what is broken."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from factory.contracts.artifact import Artifact, Precision, Quantisation
from factory.contracts.dataset import Floats, Ints, WindowSet
from factory.contracts.errors import GateError
from factory.contracts.manifest import Accuracy, Check, Latency, Outcome, SplitAgreement
from factory.verification.accuracy import measure
from factory.verification.agreement import loss_p_value
from factory.verification.gates import (
    judge_accuracy,
    judge_latency,
    judge_parity,
    judge_size,
    judge_student,
    not_run,
    output_step,
    require,
    window_worth_pp,
)
from factory.verification.golden import GoldenPack
from factory.verification.parity import compare
from factory.verification.tolerances import TOLERANCES
from tests.unit.verification.world import LABELS, Network

HERE = "host x86_64, numpy"
QUANTISED = [Precision.FP16, Precision.INT8_DYNAMIC, Precision.INT8_STATIC]


def outcomes(checks: Sequence[Check]) -> dict[str, Outcome]:
    return {check.gate: check.outcome for check in checks}


def parity_of(precision: Precision, logits: Floats, golden: GoldenPack) -> dict[str, Outcome]:
    step = float(np.ptp(golden.logits)) / 255
    return outcomes(judge_parity("tflite", precision, compare(logits, golden.logits), HERE, step))


@pytest.mark.parametrize("precision", list(Precision))
def test_an_exact_artifact_passes_every_parity_gate(golden: GoldenPack, precision: Precision) -> None:
    assert set(parity_of(precision, golden.logits, golden).values()) == {Outcome.PASSED}


def test_fp32_fails_on_an_error_above_its_limit_and_passes_below(golden: GoldenPack) -> None:
    assert parity_of(Precision.FP32, golden.logits + np.float32(5e-5), golden)["parity.max_abs"] is Outcome.PASSED
    assert parity_of(Precision.FP32, golden.logits + np.float32(2e-4), golden)["parity.max_abs"] is Outcome.FAILED


def test_fp32_fails_on_a_single_flip(golden: GoldenPack) -> None:
    logits = flip(golden.logits, 1)
    assert parity_of(Precision.FP32, logits, golden)["parity.flips"] is Outcome.FAILED


@pytest.mark.parametrize(("precision", "allowed"), [*zip(QUANTISED, (7, 7, 17), strict=True)])
def test_quantised_precisions_fail_on_one_flip_too_many(golden: GoldenPack, precision: Precision, allowed: int) -> None:
    gate = "parity.top1_agreement"
    assert parity_of(precision, flip(golden.logits, allowed), golden)[gate] is Outcome.PASSED
    assert parity_of(precision, flip(golden.logits, allowed + 1), golden)[gate] is Outcome.FAILED


def test_int8_fails_on_an_error_of_many_output_steps(golden: GoldenPack) -> None:
    step = float(np.ptp(golden.logits)) / 255
    shifted = golden.logits + np.float32(5 * step)
    assert parity_of(Precision.INT8_STATIC, shifted, golden)["parity.mean_steps"] is Outcome.FAILED


def test_output_step_is_the_tensors_own_scale_or_the_references_range(artifact: Artifact) -> None:
    reference = np.array([[-10.0, 41.0]], np.float32)
    assert output_step(artifact, reference) == pytest.approx(0.2)
    held = artifact.outputs[0].model_copy(update={"quantisation": Quantisation(scale=(0.11,), zero_point=(3,))})
    assert output_step(artifact.model_copy(update={"outputs": (held,)}), reference) == 0.11


def flip(logits: Floats, count: int) -> Floats:
    """The same logits, with best and worst class exchanged in the first `count` windows."""
    changed = logits.copy()
    rows = np.arange(count)
    best, worst = logits[:count].argmax(1), logits[:count].argmin(1)
    changed[rows, best], changed[rows, worst] = logits[rows, worst], logits[rows, best]
    return changed


# What apps got wrong in the field: the artifact is right, what it is fed or how it is read is not.
MISUSE: dict[str, Callable[[Network, Floats], Floats]] = {
    "g instead of m/s^2": lambda network, x: network(scale_acceleration(x, 1 / 9.81)),
    "gravity removed": lambda network, x: network(x - x.mean(axis=2, keepdims=True)),
    "accelerometer and gyroscope exchanged": lambda network, x: network(x[:, [3, 4, 5, 0, 1, 2]]),
    "axes in another order": lambda network, x: network(x[:, [2, 0, 1, 5, 3, 4]]),
    "degrees instead of radians": lambda network, x: network(np.concatenate([x[:, :3], np.degrees(x[:, 3:])], 1)),
    "label order lost": lambda network, x: network(x)[:, [1, 0, 3, 2]],
    "noise on the logits": lambda network, x: add_noise(network(x)),
}


def add_noise(logits: Floats) -> Floats:
    return np.asarray(logits + np.random.default_rng(0).normal(0, 4, logits.shape), dtype=np.float32)


def scale_acceleration(x: Floats, factor: float) -> Floats:
    return np.concatenate([x[:, :3] * np.float32(factor), x[:, 3:]], axis=1)


@pytest.mark.parametrize("misuse", list(MISUSE))
@pytest.mark.parametrize("precision", list(Precision))
def test_misuse_seen_in_the_field_fails_parity_on_the_golden_pack(
    golden: GoldenPack, network: Network, misuse: str, precision: Precision
) -> None:
    logits = MISUSE[misuse](network, golden.x).astype(np.float32)
    assert Outcome.FAILED in parity_of(precision, logits, golden).values()


@pytest.mark.parametrize("misuse", list(MISUSE))
def test_misuse_seen_in_the_field_fails_accuracy(
    windows: WindowSet, test_index: Ints, network: Network, misuse: str
) -> None:
    x, y, who = windows.x[test_index], windows.y[test_index], windows.subject[test_index]
    reference = measure(network(x), y, who, LABELS)
    broken = measure(MISUSE[misuse](network, x).astype(np.float32), y, who, LABELS)
    checks = judge_accuracy("tflite", Precision.INT8_STATIC, broken, reference, HERE)
    assert set(outcomes(checks).values()) == {Outcome.FAILED}


def accuracy_with(wrong: int, per_class: int = 500) -> Accuracy:
    """Four classes of `per_class` windows, the first `wrong` of the first class mistaken for the second."""
    y = np.repeat(np.arange(4), per_class)
    predicted = y.copy()
    predicted[:wrong] = 1
    return measure(np.eye(4, dtype=np.float32)[predicted], y, np.array(["p"] * len(y)), LABELS)


def accuracy_gates(wrong: int, per_class: int, precision: Precision = Precision.INT8_STATIC) -> set[Outcome]:
    checks = judge_accuracy("tflite", precision, accuracy_with(wrong, per_class), accuracy_with(0, per_class), HERE)
    return set(outcomes(checks).values())


def test_on_a_full_test_split_the_limit_is_three_tenths_of_a_point() -> None:
    checks = judge_accuracy("tflite", Precision.INT8_STATIC, accuracy_with(5), accuracy_with(0), HERE)
    assert [check.limit for check in checks] == [0.3, 0.3]
    assert accuracy_gates(5, 500) == {Outcome.PASSED}
    assert accuracy_gates(7, 500) == {Outcome.FAILED}


def verdicts_with_flips(
    lost: int, won: int, agreement: float = 0.99, precision: Precision = Precision.INT8_STATIC
) -> set[Outcome]:
    """Of an artifact whose flips lose and win these windows of 2000, each independent of the others."""
    split = SplitAgreement(
        windows=2000,
        agreement=agreement,
        right_to_wrong=lost,
        wrong_to_right=won,
        p_value=loss_p_value(lost, won, 1),
    )
    seen, reference = accuracy_with(lost - won), accuracy_with(0)
    return set(outcomes(judge_accuracy("tflite", precision, seen, reference, HERE, split)).values())


def test_a_loss_that_may_be_chance_may_be_twice_the_limit_and_no_more() -> None:
    assert verdicts_with_flips(25, 15) == {Outcome.PASSED}  # 0.5 pp, p = 0.08
    assert verdicts_with_flips(40, 27) == {Outcome.FAILED}  # 0.65 pp, p = 0.07


def test_a_loss_above_the_limit_fails_where_it_is_no_chance_or_agreement_is_low() -> None:
    assert verdicts_with_flips(10, 1) == {Outcome.FAILED}  # 0.45 pp, p = 0.006
    assert verdicts_with_flips(25, 15, agreement=0.979) == {Outcome.FAILED}
    assert verdicts_with_flips(25, 15, precision=Precision.FP32) == {Outcome.FAILED}  # it may flip nothing


def test_on_a_small_test_split_four_lost_windows_pass_and_five_fail() -> None:
    assert accuracy_gates(4, 25) == {Outcome.PASSED}
    assert Outcome.FAILED in accuracy_gates(5, 25)


def test_fp32_may_lose_one_window_of_a_small_split_but_not_two() -> None:
    assert accuracy_gates(1, 25, Precision.FP32) == {Outcome.PASSED}
    assert Outcome.FAILED in accuracy_gates(2, 25, Precision.FP32)


def test_a_gain_of_accuracy_passes() -> None:
    checks = judge_accuracy("tflite", Precision.INT8_STATIC, accuracy_with(0), accuracy_with(50), HERE)
    assert set(outcomes(checks).values()) == {Outcome.PASSED}


def test_accuracy_on_another_split_is_refused() -> None:
    with pytest.raises(GateError, match="same test split"):
        judge_accuracy("tflite", Precision.FP32, accuracy_with(0, 20), accuracy_with(0, 21), HERE)


def test_a_windows_worth_is_what_losing_it_costs() -> None:
    lost = 100 * (accuracy_with(0, 25).macro_f1 - accuracy_with(4, 25).macro_f1)
    assert window_worth_pp([25, 25, 25, 25], 4) == pytest.approx(lost)
    assert window_worth_pp([25, 0, 25], 1) == window_worth_pp([25, 25], 1)


def test_an_int8_file_as_large_as_fp32_fails() -> None:
    assert outcomes(judge_size("tflite", Precision.INT8_STATIC, 100, 185, HERE)) == {"size.ratio": Outcome.PASSED}
    assert outcomes(judge_size("tflite", Precision.INT8_STATIC, 180, 185, HERE)) == {"size.ratio": Outcome.FAILED}
    assert judge_size("tflite", Precision.FP32, 185, 185, HERE) == []


def test_a_student_above_its_parameters_fails() -> None:
    assert judge_student(50_000, HERE)[0].outcome is Outcome.PASSED
    assert judge_student(50_001, HERE)[0].outcome is Outcome.FAILED


def latency(median: float, floor: float) -> Latency:
    return Latency(runs=300, median_us=median, p05_us=floor, p95_us=2 * median)


@pytest.mark.parametrize(
    ("int8", "outcome"),
    [
        (latency(27.6, 27.0), Outcome.PASSED),
        (latency(33.9, 33.0), Outcome.FAILED),
        (latency(35.0, 27.0), Outcome.NOT_RUN),
        (latency(27.0, 33.0), Outcome.NOT_RUN),
        (latency(31.8, 31.2), Outcome.NOT_RUN),
    ],
)
def test_latency_is_decided_only_where_median_and_floor_agree(int8: Latency, outcome: Outcome) -> None:
    (check,) = judge_latency("tflite", int8, latency(31.6, 31.0), HERE, int8_dot_product=True)
    assert check.outcome is outcome
    assert check.where == HERE
    assert check.value == pytest.approx(int8.median_us / 31.6)


@pytest.mark.parametrize(
    ("int8", "outcome"), [(latency(27.6, 27.0), Outcome.PASSED), (latency(36.4, 36.2), Outcome.NOT_RUN)]
)
def test_without_int8_dot_products_a_slow_int8_is_not_judged(int8: Latency, outcome: Outcome) -> None:
    (check,) = judge_latency("tflite", int8, latency(31.6, 31.0), HERE, int8_dot_product=False)
    assert check.outcome is outcome
    assert outcome is Outcome.PASSED or "no int8 dot product" in check.note


@pytest.mark.parametrize("precision", list(Precision))
def test_a_missing_runtime_lists_the_gates_it_would_have_run_and_passes_none(
    golden: GoldenPack, precision: Precision
) -> None:
    checks = not_run("tflite", precision, HERE, "LiteRT is not installed: pip install ai-edge-litert")
    assert {check.outcome for check in checks} == {Outcome.NOT_RUN}
    assert all("pip install" in check.note for check in checks)
    assert set(parity_of(precision, golden.logits, golden)) <= {check.gate for check in checks}
    require(checks)


def test_a_failed_gate_stops_the_build_and_is_named(golden: GoldenPack) -> None:
    parity = compare(flip(golden.logits, 20), golden.logits)
    checks = judge_parity("tflite", Precision.INT8_STATIC, parity, HERE, note="first diverging layer stem")
    checks += judge_student(10, HERE)
    with pytest.raises(GateError) as caught:
        require(checks)
    assert caught.value.exit_code == 8
    message = str(caught.value)
    for part in ("1 of 2 gates", "tflite/int8_static parity.top1_agreement", "first diverging layer stem", HERE):
        assert part in message
    assert "\n" not in message


def test_a_failure_without_a_figure_is_named_with_its_reason() -> None:
    failed = Check(gate="export", target="jetson", outcome=Outcome.FAILED, where=HERE, note="step int8: refused")
    broken = judge_student(10, HERE, limit=5)[0].model_copy(update={"value": None, "variant": "batch8"})
    with pytest.raises(
        GateError, match=r"jetson export \(.*step int8: refused\); student/batch8 size.* is not a number"
    ):
        require([failed, broken])


def test_an_artifact_without_a_tolerance_cannot_pass(golden: GoldenPack) -> None:
    with pytest.raises(GateError, match="no tolerance for toaster/fp32"):
        judge_parity("toaster", Precision.FP32, compare(golden.logits, golden.logits), HERE)


def test_every_tolerance_is_justified_and_able_to_fail() -> None:
    for row in TOLERANCES.values():
        assert len(row.why) > 40
        assert row.max_abs is not None or row.top1 is not None
