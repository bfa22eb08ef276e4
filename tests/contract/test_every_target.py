"""What every registered target keeps, whatever its format."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from exporters.onnx import OnnxRunner
from exporters.registry import find_target, load_exporter, load_runner, targets
from exporters.runtime import NotOpenError
from factory.contracts.artifact import Artifact, Precision
from factory.contracts.dataset import Floats
from factory.contracts.errors import ArtifactError
from factory.contracts.exporter import ExportRequest, Runner
from factory.contracts.files import sha256_file
from tests.unit.exporters.students import export_request, some_windows

Exported = tuple[ExportRequest, tuple[Artifact, ...]]
Built = tuple[str, Path, tuple[Artifact, ...]]


@pytest.fixture(params=[target.name for target in targets()])
def built(request: pytest.FixtureRequest, exported: Callable[[str], Exported]) -> Built:
    made, artifacts = exported(request.param)
    return request.param, made.build, artifacts


def test_each_precision_is_one_file_with_its_hash(built: Built) -> None:
    target, build, artifacts = built
    made = [artifact.precision for artifact in artifacts if not artifact.variant]
    assert made == [precision for precision in Precision if precision in find_target(target).precisions]
    assert len({(artifact.precision, artifact.variant) for artifact in artifacts}) == len(artifacts)
    for artifact in artifacts:
        assert artifact.target == target
        assert artifact.sha256 == sha256_file(build / artifact.path)
        assert artifact.size_bytes == (build / artifact.path).stat().st_size
        for file in artifact.beside:
            assert (file.sha256, file.size_bytes) == (
                sha256_file(build / file.path),
                (build / file.path).stat().st_size,
            )


def test_tensors_are_imu_and_logits_in_float(built: Built) -> None:
    for artifact in built[2]:
        assert [(tensor.name, tensor.dtype) for tensor in artifact.inputs] == [("imu", "float32")]
        batch = artifact.inputs[0].shape[0]
        assert [(tensor.name, tensor.dtype, tensor.shape) for tensor in artifact.outputs] == [
            ("logits", "float32", (batch, 4))
        ]
        assert batch == 1 or artifact.variant


def test_the_runner_reproduces_the_reference(built: Built) -> None:
    target, build, artifacts = built
    _assert_near_the_reference(target, build, artifacts, some_windows(64, seed=2))


def _assert_near_the_reference(target: str, build: Path, artifacts: tuple[Artifact, ...], windows: Floats) -> None:
    with OnnxRunner(build / "onnx" / "model.onnx") as reference:
        expected = reference.run(windows)
    spread = float(np.ptp(expected))
    limits = {Precision.FP32: 1e-4, Precision.FP16: 0.01 * spread, Precision.INT8_DYNAMIC: 0.05 * spread}
    for artifact in artifacts:
        with load_runner(target)(build / artifact.path) as runner:
            error = np.abs(runner.run(windows) - expected).max()
        assert error <= limits.get(artifact.precision, 0.1 * spread), f"{artifact.path}: {error} of {spread}"


@pytest.mark.parametrize("name", [target.name for target in targets()])
def test_three_channels_convert_without_a_network(name: str, tmp_path: Path, no_network: Path) -> None:
    """Three channels are an image's to converters that know images alone."""
    target, build = find_target(name), tmp_path / "build"
    if not target.available:
        pytest.skip(f"target {name} needs {', '.join(target.missing)}: {target.install}")
    build.mkdir()
    request = export_request(build, target.precisions, channels=3)
    artifacts = load_exporter(name).export(request)
    assert not no_network.exists(), no_network.read_text()
    assert {artifact.precision for artifact in artifacts} == set(target.precisions)
    _assert_near_the_reference(name, build, artifacts, some_windows(64, seed=2, channels=3))


@pytest.mark.parametrize("name", [target.name for target in targets()])
def test_a_student_of_plain_and_residual_convolutions_converts(name: str, tmp_path: Path) -> None:
    target = find_target(name)
    if not target.available:
        pytest.skip(f"target {name} needs {', '.join(target.missing)}: {target.install}")
    # Of residual blocks, those that stride add nothing: they are plain ones.
    request = export_request(tmp_path, target.precisions, block="residual")
    artifacts = load_exporter(name).export(request)
    assert {artifact.precision for artifact in artifacts} == set(target.precisions)
    _assert_near_the_reference(name, tmp_path, artifacts, some_windows(64, seed=2))


def test_layers_end_in_the_logits(built: Built) -> None:
    target, build, artifacts = built
    window = some_windows(1, seed=3)
    for artifact in artifacts:
        with load_runner(target)(build / artifact.path) as runner:
            layers, logits = runner.layers(window[0]), runner.run(window)[0]
            assert set(layers) <= set(runner.layer_names())
        if not layers:
            continue  # a format that fuses everything into one has no tensors to show
        np.testing.assert_allclose(list(layers.values())[-1].ravel(), logits, atol=0.1 * float(np.ptp(logits)) + 1e-4)


def test_latency_has_one_figure_a_run(built: Built) -> None:
    target, build, artifacts = built
    with load_runner(target)(build / artifacts[0].path) as runner:
        durations = runner.latency_us(some_windows(1)[0], 7)
    assert durations.shape == (7,)
    assert (durations > 0).all()


def test_windows_of_another_shape_are_refused(built: Built) -> None:
    target, build, artifacts = built
    with load_runner(target)(build / artifacts[0].path) as runner, pytest.raises(ArtifactError, match="expects"):
        runner.run(some_windows(2)[:, :3])


def test_a_runner_that_is_not_open_says_so(built: Built) -> None:
    target, build, artifacts = built
    window = some_windows(1)
    runner = load_runner(target)(build / artifacts[0].path)
    _assert_not_open(runner, window)
    with runner:
        runner.run(window)
    _assert_not_open(runner, window)


def _assert_not_open(runner: Runner, window: Floats) -> None:
    calls: tuple[Callable[[], object], ...] = (
        lambda: runner.run(window),
        lambda: runner.latency_us(window[0], 1),
        lambda: runner.layers(window[0]),
    )
    for call in calls:
        with pytest.raises(NotOpenError, match=r"model.* is not open: .*with \w+\(path\) as runner"):
            call()


def test_a_truncated_artifact_is_refused(built: Built, tmp_path: Path) -> None:
    target, build, artifacts = built
    for artifact in artifacts:
        content = (build / artifact.path).read_bytes()
        damaged = tmp_path / Path(artifact.path).name
        damaged.write_bytes(content[: len(content) // 3])
        with pytest.raises(ArtifactError), load_runner(target)(damaged):
            pass


def test_a_missing_artifact_is_refused(built: Built, tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="missing"), load_runner(built[0])(tmp_path / "nothing"):
        pass


def test_nothing_intermediate_is_left_behind(built: Built) -> None:
    _, build, artifacts = built
    left = {path.relative_to(build).as_posix() for path in build.rglob("*") if path.is_file()}
    given = {"onnx/model.onnx", "contract.json", "student/network.json", "student/network.safetensors"}
    named = {path for artifact in artifacts for path in (artifact.path, *(file.path for file in artifact.beside))}
    assert left == given | named
