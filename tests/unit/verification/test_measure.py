from collections.abc import Iterator

import numpy as np
import pytest

from factory.contracts.artifact import Artifact
from factory.contracts.dataset import Floats, Ints, WindowSet
from factory.contracts.errors import ArtifactError, DataError
from factory.pipeline.measure import HeldOut
from factory.verification.golden import GoldenPack
from factory.verification.measure import (
    alternating_latency,
    explain_parity,
    measure_artifact,
    measure_mixed,
    measure_parity,
)
from tests.unit.verification.world import LABELS, Network, NetworkRunner


def test_a_step_carries_its_name_runner_and_parity(golden: GoldenPack, network: Network) -> None:
    step = measure_parity("folded", "torch 2.14.1", network, golden)
    assert (step.subject, step.runner, step.precision) == ("folded", "torch 2.14.1", None)
    assert step.parity.max_abs < 1e-5
    assert step.parity.windows == 128


def test_a_step_of_wrong_shape_is_refused(golden: GoldenPack, network: Network) -> None:
    with pytest.raises(ArtifactError, match="shape"):
        measure_parity("onnx", "numpy", lambda x: network(x)[:, :3], golden)


def test_parity_is_of_the_golden_pack_and_accuracy_of_the_test_split(
    golden: GoldenPack, network: Network, windows: WindowSet, test_index: Ints, artifact: Artifact
) -> None:
    x, y, who = windows.x[test_index], windows.y[test_index], windows.subject[test_index]
    with NetworkRunner(network) as runner:
        result = measure_artifact(runner, artifact, golden, x, y, who, windows.spec)
    assert result.subject == "tflite/model_fp32.tflite"
    assert result.parity.windows == 128
    assert result.accuracy is not None
    assert result.accuracy.windows == len(test_index)
    assert result.accuracy.macro_f1 > 0.9


def test_agreement_is_of_the_whole_test_split_where_the_references_logits_are_at_hand(
    golden: GoldenPack, network: Network, windows: WindowSet, test_index: Ints, artifact: Artifact
) -> None:
    x, y, who = windows.x[test_index], windows.y[test_index], windows.subject[test_index]

    def broken(x: Floats) -> Floats:
        return np.asarray(network(x)[:, [1, 0, 2, 3]])

    runner = NetworkRunner(broken)
    alone = measure_artifact(runner, artifact, golden, x, y, who, windows.spec)
    assert alone.split_agreement is None
    seen = measure_artifact(runner, artifact, golden, x, y, who, windows.spec, reference_logits=network(x))
    assert seen.split_agreement is not None
    assert seen.split_agreement.windows == len(test_index)
    assert seen.split_agreement.agreement == pytest.approx(0.5, abs=0.02)
    assert seen.split_agreement.p_value < 1e-6


def test_a_golden_pack_of_another_contract_is_refused(
    golden: GoldenPack, network: Network, windows: WindowSet, test_index: Ints, artifact: Artifact
) -> None:
    spec = windows.spec.model_copy(update={"rate_hz": 20.0})
    x, y, who = windows.x[test_index], windows.y[test_index], windows.subject[test_index]
    with pytest.raises(ArtifactError, match="sensor contract"):
        measure_artifact(NetworkRunner(network), artifact, golden, x, y, who, spec)


def test_a_host_that_slows_down_hits_all_precisions_alike(network: Network, golden: GoldenPack) -> None:
    clock: Iterator[int] = iter(range(10**6))

    def drift() -> float:
        return next(clock) * 0.5

    runners = {"fp32": NetworkRunner(network, 100, drift), "int8": NetworkRunner(network, 90, drift)}
    result = alternating_latency(runners, golden.x[0], 300)
    assert result["fp32"].runs == 300
    assert result["int8"].runs == 300
    # One after the other, the second would have seemed 150 us slower.
    assert result["fp32"].median_us - result["int8"].median_us == pytest.approx(10, abs=6)
    assert result["fp32"].p05_us < result["fp32"].median_us < result["fp32"].p95_us


def test_a_failed_parity_is_explained_on_the_worst_window(golden: GoldenPack, network: Network) -> None:
    def broken(x: Floats) -> Floats:
        return np.asarray(network(x)[:, [1, 0, 3, 2]])

    line = explain_parity(NetworkRunner(network), NetworkRunner(broken), golden, broken(golden.x), 1e-3)
    assert line.startswith("golden window ")
    assert "first diverging layer logits" in line
    assert "agreement up to features = features" in line


def test_mixed_windows_are_measured_together_with_the_pure_ones(
    network: Network, windows: WindowSet, test_index: Ints
) -> None:
    pure = HeldOut(x=windows.x[test_index], y=windows.y[test_index], subject=windows.subject[test_index])
    # The first 40 of 64 samples of a sitting person, then of a running one.
    sit, run = (windows.x[test_index[pure.y == label]][:20] for label in (0, 3))
    x = np.concatenate([sit[:, :, :40], run[:, :, 40:]], axis=2)
    mixed = HeldOut(x=x, y=np.zeros(20, np.int64), subject=np.full(20, "s4"))
    found = measure_mixed(network, pure, mixed, np.full(20, 0.625), LABELS)
    assert found is not None
    assert (found.windows, found.mean_purity) == (20, 0.625)
    assert found.accuracy.windows == len(test_index) + 20
    alone = measure_mixed(network, pure, pure, np.ones(len(test_index)), LABELS)
    assert alone is not None
    assert found.accuracy.accuracy < alone.accuracy.accuracy


def test_without_mixed_windows_there_is_nothing_to_measure(
    network: Network, windows: WindowSet, test_index: Ints
) -> None:
    pure = HeldOut(x=windows.x[test_index], y=windows.y[test_index], subject=windows.subject[test_index])
    none = HeldOut(x=pure.x[:0], y=pure.y[:0], subject=pure.subject[:0])
    assert measure_mixed(network, pure, none, np.ones(0), LABELS) is None
    with pytest.raises(DataError, match="give one a window"):
        measure_mixed(network, pure, none, np.ones(3), LABELS)
