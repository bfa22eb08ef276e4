"""The runner agrees with the reference, and refuses what it cannot trust."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from exporters.executorch.embedded import held_precision, read_embedded
from exporters.executorch.runner import ExecuTorchRunner, installed_version, require_runtime
from exporters.executorch.trailer import append_checksum
from exporters.onnx import OnnxRunner
from factory.contracts.artifact import Artifact, Precision
from factory.contracts.errors import ArtifactError
from factory.contracts.exporter import ExportRequest
from tests.unit.exporters.students import LABELS, some_windows

Built = tuple[ExportRequest, tuple[Artifact, ...]]


@pytest.fixture
def built(exported: Callable[[str], Built]) -> Built:
    return exported("executorch")


def path_of(built: Built, precision: Precision) -> Path:
    return built[0].build / "executorch" / f"model_{precision}.pte"


def test_fp32_equals_the_reference_and_int8_is_near(built: Built) -> None:
    windows = some_windows(64, seed=2)
    with OnnxRunner(built[0].onnx) as reference:
        expected = reference.run(windows)
    with ExecuTorchRunner(path_of(built, Precision.FP32)) as runner:
        np.testing.assert_allclose(runner.run(windows), expected, rtol=0, atol=1e-4)
    with ExecuTorchRunner(path_of(built, Precision.INT8_STATIC)) as runner:
        error = np.abs(runner.run(windows) - expected).max()
    assert 0 < error <= 0.1 * float(np.ptp(expected))


def test_two_files_open_at_once_do_not_disturb_each_other(built: Built) -> None:
    windows = some_windows(8)
    with ExecuTorchRunner(path_of(built, Precision.FP32)) as alone:
        expected = alone.run(windows)
    with (
        ExecuTorchRunner(path_of(built, Precision.FP32)) as one,
        ExecuTorchRunner(path_of(built, Precision.INT8_STATIC)) as other,
    ):
        other.run(windows)
        np.testing.assert_array_equal(one.run(windows), expected)


def test_every_flipped_byte_is_refused_before_the_runtime_sees_it(built: Built, tmp_path: Path) -> None:
    whole = path_of(built, Precision.FP32).read_bytes()
    rng = np.random.default_rng(0)
    for place in (0, 5, len(whole) - 1, *rng.integers(0, len(whole), 100)):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << int(rng.integers(8))
        (tmp_path / "m.pte").write_bytes(damaged)
        with pytest.raises(ArtifactError, match=r"digest|changed"), ExecuTorchRunner(tmp_path / "m.pte"):
            pass


def test_a_file_with_a_checksum_that_is_no_program_is_refused(tmp_path: Path) -> None:
    (tmp_path / "m.pte").write_bytes(append_checksum(b"no program" * 20))
    with pytest.raises(ArtifactError, match="does not load"), ExecuTorchRunner(tmp_path / "m.pte"):
        pass


@pytest.mark.parametrize("exported_by", ["1.5.0", "1.5.1"])
def test_a_runtime_of_the_same_release_or_a_later_patch_is_taken(exported_by: str) -> None:
    require_runtime(exported_by, "1.5.1+cpu", "m.pte")


@pytest.mark.parametrize("exported_by", ["1.5.2", "1.4.9", "1.6.0", "2.5.1"])
def test_an_older_or_another_runtime_is_refused(exported_by: str) -> None:
    with pytest.raises(ArtifactError, match=f"exported by ExecuTorch {exported_by}, the runtime here is 1.5.1"):
        require_runtime(exported_by, "1.5.1", "m.pte")


def test_a_file_of_another_version_is_refused_at_load(built: Built, tmp_path: Path) -> None:
    """The version stands in the program as text; another of the same length is put there and the checksum made anew."""
    whole, here = path_of(built, Precision.FP32).read_bytes(), installed_version().encode()
    program = whole[: -(8 + 32)]
    assert program.count(here) >= 1
    (tmp_path / "m.pte").write_bytes(append_checksum(program.replace(here, b"9" + here[1:])))
    with pytest.raises(ArtifactError, match=r"exported by ExecuTorch 9"), ExecuTorchRunner(tmp_path / "m.pte"):
        pass


def test_labels_swapped_inside_are_told_as_they_are(built: Built, tmp_path: Path) -> None:
    first, second, *rest = LABELS
    program = path_of(built, Precision.FP32).read_bytes()[: -(8 + 32)]
    told, swapped = f'"{first}","{second}"'.encode(), f'"{second}","{first}"'.encode()
    assert program.count(told) == 1
    (tmp_path / "m.pte").write_bytes(append_checksum(program.replace(told, swapped)))
    assert read_embedded(tmp_path / "m.pte").labels == (second, first, *rest)


def test_a_contract_that_is_none_is_refused(built: Built, tmp_path: Path) -> None:
    program = path_of(built, Precision.FP32).read_bytes()[: -(8 + 32)]
    (tmp_path / "m.pte").write_bytes(append_checksum(program.replace(b'"schema_version"', b'"schema_variant"')))
    with pytest.raises(ArtifactError, match="is corrupt"):
        read_embedded(tmp_path / "m.pte")


def test_a_program_without_xnnpack_tells_no_precision_and_a_broken_graph_is_an_error(built: Built) -> None:
    program = path_of(built, Precision.FP32).read_bytes()
    assert held_precision(program.replace(b"XH00", b"none")) is None
    with pytest.raises(ValueError, match="XNNPACK's graph is corrupt"):
        held_precision(program[: program.index(b"XH00") + 40])
