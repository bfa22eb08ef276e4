from collections.abc import Iterator

import numpy as np
import pytest

from factory.contracts.artifact import Artifact
from factory.contracts.dataset import Floats, Ints, WindowSet
from factory.contracts.errors import ArtifactError
from factory.verification.golden import GoldenPack
from factory.verification.measure import alternating_latency, explain_parity, measure_artifact, measure_parity
from tests.unit.verification.world import Network, NetworkRunner


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
