"""A quantised file must be worth its error: smaller, at any size of student."""

import pytest

from factory.contracts.artifact import Precision
from factory.contracts.manifest import Check, Outcome
from factory.verification.gates import judge_size, size_limit
from factory.verification.tolerances import FIXED_BYTES, TOLERANCES

HERE = "host"


def judged(size_bytes: int, fp32_bytes: int, target: str = "tflite") -> Check:
    (check,) = judge_size(target, Precision.INT8_STATIC, size_bytes, fp32_bytes, HERE)
    return check


@pytest.mark.parametrize("fp32_bytes", [500, 5_000, 11_000, 20_000, 200_000])
def test_a_file_that_saves_nothing_fails_at_any_size(fp32_bytes: int) -> None:
    for (target, precision), row in TOLERANCES.items():
        if row.size_ratio is not None:
            (check,) = judge_size(target, precision, fp32_bytes, fp32_bytes, HERE)
            assert check.outcome is Outcome.FAILED


def test_contract_and_labels_need_not_shrink() -> None:
    weights = 8_000
    assert judged(FIXED_BYTES + int(0.89 * weights), FIXED_BYTES + weights).outcome is Outcome.PASSED
    assert judged(FIXED_BYTES + int(0.91 * weights), FIXED_BYTES + weights).outcome is Outcome.FAILED


def test_a_large_file_must_save_a_tenth() -> None:
    assert size_limit(0.9, 10_000_000) == pytest.approx(0.9, abs=1e-4)


def test_a_broken_gate_says_what_to_do() -> None:
    assert judged(20_000, 20_300).note == (
        "it saves 300 bytes: leave int8_static out of export.precisions, or enlarge the student"
    )
    assert judged(10_000, 20_300).note == ""
