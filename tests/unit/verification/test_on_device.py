"""Gates between a device and the host: each one can fail."""

import numpy as np
import pytest
from pydantic import ValidationError

from factory.contracts.artifact import Artifact, Precision, TensorInfo
from factory.contracts.dataset import Floats
from factory.contracts.errors import ArtifactError, GateError
from factory.contracts.manifest import Check, DeviceRun, Latency, OnDevice, Outcome
from factory.verification.accuracy import measure
from factory.verification.device_tolerances import device_tolerance
from factory.verification.on_device import differ, judge_cost, judge_device
from factory.verification.parity import compare

LABELS = ("still", "walk", "run")
STEP = 0.05
HOST: Floats = np.random.default_rng(0).normal(0, 3, (400, 3)).astype(np.float32)
TRUTH = HOST.argmax(axis=1).astype(np.int64)
PEOPLE = np.array(["a", "b"] * 200)


def artifact(precision: Precision = Precision.INT8_STATIC, target: str = "tflite") -> Artifact:
    end = TensorInfo(name="imu", shape=(1, 1, 8, 3), dtype="float32", layout="")
    return Artifact(
        target=target,
        precision=precision,
        path=f"{target}/{precision}",
        sha256="0" * 64,
        size_bytes=1,
        inputs=(end,),
        outputs=(end,),
        tool="t",
        runtime="r",
    )


def seen(logits: Floats, path: str = "tflite/int8_static", instructions: int | None = None) -> OnDevice:
    return OnDevice(
        subject=path,
        runtime="LiteRT 1",
        parity=compare(logits, HOST),
        difference=differ(logits, HOST),
        accuracy=measure(logits, TRUTH, PEOPLE, LABELS),
        host_accuracy=float((HOST.argmax(axis=1) == TRUTH).mean()),
        instructions=instructions,
    )


def failed(checks: list[Check]) -> set[str]:
    return {check.gate for check in checks if check.outcome is Outcome.FAILED}


def judged(logits: Floats, precision: Precision = Precision.INT8_STATIC) -> set[str]:
    return failed(judge_device(artifact(precision), seen(logits), STEP, "arm64:cortex-a76, LiteRT 1"))


def test_float_sums_in_another_order_pass() -> None:
    noise = np.random.default_rng(1).uniform(-1e-5, 1e-5, HOST.shape).astype(np.float32)
    for precision in Precision:
        assert judged(HOST + noise, precision) == set()


def test_a_float_file_may_not_differ_by_more() -> None:
    other = HOST.copy()
    other[7, 1] += 2e-4
    assert judged(other, Precision.FP32) == {"device.max_abs", "device.equal"}


def test_a_value_rounded_across_an_edge_passes_in_few_windows_alone() -> None:
    """4 of 400 windows may differ by a step; with 5, integers are no longer the same everywhere."""
    for windows, broken in ((4, set()), (5, {"device.equal"})):
        other = HOST.copy()
        other[:windows, 0] -= 0.02
        assert judged(other) == broken


def test_a_window_far_off_fails_though_it_is_one() -> None:
    other = HOST.copy()
    other[3, 2] -= 4.1 * STEP
    assert judged(other) == {"device.max_steps"}


def test_accuracy_may_move_by_a_fifth_of_a_point_or_one_window() -> None:
    for flips, broken in ((1, False), (2, True)):
        other = HOST.copy()
        for window in range(flips):
            other[window, TRUTH[window]] = HOST[window].min() - 1e-3
        assert ("device.accuracy_pp" in judged(other, Precision.INT8_DYNAMIC)) == broken


def test_being_more_accurate_than_the_host_is_a_difference_too() -> None:
    lucky = seen(HOST).model_copy(update={"host_accuracy": 0.9})
    assert "device.accuracy_pp" in failed(judge_device(artifact(), lucky, STEP, "here"))


def test_logits_of_another_shape_are_refused() -> None:
    with pytest.raises(ArtifactError, match="logits have shape"):
        differ(HOST[:, :2], HOST)


def test_a_target_without_limits_cannot_pass() -> None:
    with pytest.raises(GateError, match="no device tolerance for jetson/fp32"):
        device_tolerance("jetson", Precision.FP32)


def run(device: str, **instructions: int) -> DeviceRun:
    found = [seen(HOST, f"tflite/{name}", count) for name, count in instructions.items()]
    return DeviceRun(device=device, emulated=True, facts={}, artifacts=tuple(found))


FILES = (artifact(Precision.FP32), artifact(Precision.INT8_STATIC))


def test_the_cheapest_file_must_fit_the_bound() -> None:
    runs = [run("arm64:cortex-a76", fp32=400, int8_static=250), run("arm64:cortex-a53", fp32=600, int8_static=450)]
    (held,) = judge_cost(runs, FILES, {"cortex-a76": 250})
    assert (held.outcome, held.precision, held.value) == (Outcome.PASSED, Precision.INT8_STATIC, 250)
    (broken,) = judge_cost(runs, FILES, {"cortex-a76": 249})
    assert (broken.outcome, broken.limit) == (Outcome.FAILED, 249)
    assert "max_instructions" in broken.note
    assert [check.outcome for check in judge_cost(runs, FILES, {"cortex-a76": 260, "cortex-a53": 440})] == [
        Outcome.PASSED,
        Outcome.FAILED,
    ]
    assert judge_cost(runs, FILES, {}) == []


def test_a_bound_on_a_core_that_nothing_ran_on_is_not_run() -> None:
    for runs in ([], [run("arm64:cortex-a53", int8_static=100)]):
        (check,) = judge_cost(runs, FILES, {"cortex-a76": 1000})
        assert check.outcome is Outcome.NOT_RUN
        assert "factory devices setup arm64" in check.note


def test_the_time_of_an_emulated_core_cannot_be_written_down() -> None:
    timed = seen(HOST).model_copy(update={"latency": Latency(runs=1, median_us=1, p05_us=1, p95_us=1)})
    DeviceRun(device="adb:x", emulated=False, facts={}, artifacts=(timed,))
    with pytest.raises(ValidationError, match="its time says nothing"):
        DeviceRun(device="arm64:cortex-a76", emulated=True, facts={}, artifacts=(timed,))
