"""What every device keeps with every target that it has a runtime for: the host's answers, told twice alike."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from exporters.registry import load_runner
from factory.contracts.artifact import Artifact, Precision
from factory.contracts.errors import ArtifactError
from factory.contracts.exporter import ExportRequest
from factory.contracts.files import sha256_file
from factory.devices.android_setup import ANDROID_RUNTIMES
from factory.devices.arm64 import EmulatedDevice
from factory.devices.device import Question
from factory.devices.host_device import HostDevice
from factory.devices.profiles import PROFILES
from factory.devices.runtimes import RUNTIMES
from factory.devices.setups import Setup
from factory.pipeline.measure import open_runner
from factory.verification.device_tolerances import DEVICE_TOLERANCES, EQUAL_LOGITS
from factory.verification.on_device import differ
from tests.unit.exporters.students import some_windows

Exported = tuple[ExportRequest, tuple[Artifact, ...]]
WINDOWS = some_windows(24, seed=5)


@pytest.mark.parametrize("core", PROFILES)
@pytest.mark.parametrize("target", RUNTIMES)
def test_an_emulated_core_answers_as_the_host(
    target: str, core: str, exported: Callable[[str], Exported], arm64: Setup
) -> None:
    request, artifacts = exported(target)
    with EmulatedDevice(arm64, PROFILES[core]) as device:
        for artifact in artifacts:
            path = request.build / artifact.path
            with load_runner(target)(path) as runner:
                host = runner.run(WINDOWS)
            answer = device.ask(Question(artifact=artifact, path=path, windows=WINDOWS))
            found, row = differ(answer.logits, host), DEVICE_TOLERANCES[target, artifact.precision]
            assert answer.latency_us == ()
            assert found.flips == 0
            assert found.equal >= min(row.equal, 1 - 2 / len(WINDOWS)), f"{artifact.path}: {found}"
            if artifact.precision is Precision.FP32:
                assert found.max_abs <= EQUAL_LOGITS


@pytest.mark.parametrize("core", PROFILES)
def test_androids_own_library_answers_as_the_host(
    core: str, exported: Callable[[str], Exported], android: Setup
) -> None:
    request, artifacts = exported("tflite")
    with EmulatedDevice(android, PROFILES[core], "android", ANDROID_RUNTIMES) as device:
        assert not device.runs("executorch")
        for artifact in artifacts:
            path = request.build / artifact.path
            with load_runner("tflite")(path) as runner:
                host = runner.run(WINDOWS)
            answer = device.ask(Question(artifact=artifact, path=path, windows=WINDOWS, counted=3))
            found = differ(answer.logits, host)
            row = DEVICE_TOLERANCES[device.limits("tflite"), artifact.precision]
            assert answer.runtime == "TensorFlow Lite 2.16.1 for Android"
            assert len(set(answer.instructions[1:])) == 1
            assert found.flips == 0
            assert found.equal >= min(row.equal, 1 - 2 / len(WINDOWS)), f"{artifact.path}: {found}"


@pytest.mark.parametrize("target", RUNTIMES)
def test_instructions_are_the_same_in_every_run(
    target: str, exported: Callable[[str], Exported], arm64: Setup, tmp_path: Path
) -> None:
    request, artifacts = exported(target)
    artifact = artifacts[-1]
    moved = tmp_path / "somewhere else" / Path(artifact.path).name
    moved.parent.mkdir()
    moved.write_bytes((request.build / artifact.path).read_bytes())
    counts = []
    for path in (request.build / artifact.path, moved):
        with EmulatedDevice(arm64, PROFILES["cortex-a76"]) as device:
            counts.append(
                device.ask(Question(artifact=artifact, path=path, windows=WINDOWS[:2], counted=5)).instructions
            )
    assert counts[0] == counts[1]
    assert len(counts[0]) == 5
    assert max(counts[0]) - min(counts[0]) <= 0.005 * min(counts[0])


@pytest.mark.parametrize("target", RUNTIMES)
def test_a_cut_file_is_refused_before_and_by_the_runtime(
    target: str, exported: Callable[[str], Exported], arm64: Setup, tmp_path: Path
) -> None:
    request, artifacts = exported(target)
    content = (request.build / artifacts[0].path).read_bytes()
    damaged = tmp_path / Path(artifacts[0].path).name
    damaged.write_bytes(content[: len(content) // 4])
    believed = artifacts[0].model_copy(update={"sha256": sha256_file(damaged)})
    with EmulatedDevice(arm64, PROFILES["cortex-a76"]) as device:
        with pytest.raises(ArtifactError, match="is not the file that was built"):
            device.ask(Question(artifact=artifacts[0], path=damaged, windows=WINDOWS[:1]))
        with pytest.raises(ArtifactError, match=r"(fails|crashes the runtime .*) on arm64"):
            device.ask(Question(artifact=believed, path=damaged, windows=WINDOWS[:1]))


def test_the_host_is_a_device_too(exported: Callable[[str], Exported]) -> None:
    request, artifacts = exported("ort_mobile")
    path = request.build / artifacts[0].path
    with HostDevice(open_runner) as device:
        answer = device.ask(Question(artifact=artifacts[0], path=path, windows=WINDOWS, counted=3, timed=4))
    with load_runner("ort_mobile")(path) as runner:
        assert np.array_equal(answer.logits, runner.run(WINDOWS))
    assert answer.instructions == ()
    assert len(answer.latency_us) == 4


def test_every_precision_has_a_device_tolerance() -> None:
    from exporters.registry import find_target

    for target in (*RUNTIMES, "tflite_android"):
        for precision in find_target(target.removesuffix("_android")).precisions:
            assert (target, precision) in DEVICE_TOLERANCES
