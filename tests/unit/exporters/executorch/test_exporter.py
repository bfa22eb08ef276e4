"""What the exporter writes, and what it refuses."""

import dataclasses
import itertools
from collections.abc import Callable
from pathlib import Path

import pytest
from flatbuffers import encode, number_types
from flatbuffers.table import Table

from exporters.executorch.delegation import Delegation
from exporters.executorch.exporter import ExecuTorchExporter
from factory.contracts.artifact import Artifact, Precision
from factory.contracts.errors import ArtifactError, ExportError
from factory.contracts.exporter import ExportRequest
from factory.contracts.files import sha256_file
from tests.unit.exporters.students import export_request

Built = tuple[ExportRequest, tuple[Artifact, ...]]


@pytest.fixture
def built(exported: Callable[[str], Built]) -> Built:
    return exported("executorch")


def _record(built: Built, precision: Precision) -> Delegation:
    path = built[0].build / "executorch" / f"model_{precision}.delegation.json"
    return Delegation.model_validate_json(path.read_bytes())


def test_only_its_own_precisions_are_written(built: Built) -> None:
    assert [artifact.precision for artifact in built[1]] == [Precision.FP32, Precision.INT8_STATIC]


def test_xnnpack_takes_the_whole_graph_in_one_call(built: Built) -> None:
    for artifact in built[1]:
        record = _record(built, artifact.precision)
        assert (record.backend, record.parts, record.left) == ("XnnpackBackend", 1, {})
        assert record.taken["convolution"] >= 10


def _segments(content: bytes) -> list[tuple[int, int]]:
    """Where each segment begins and ends, behind the program; by field numbers of executorch's program.fbs."""
    root = Table(content, encode.Get(number_types.UOffsetTFlags.packer_type, content, 0))
    field = root.Offset(4 + 2 * 4)
    first, count = root.Vector(field), root.VectorLen(field)
    tables = [Table(content, root.Indirect(first + 4 * index)) for index in range(count)]
    values = [[table.GetSlot(slot, 0, number_types.Uint64Flags) for slot in (4, 6)] for table in tables]
    return sorted((start, start + size) for start, size in values)


def test_constants_are_aligned_as_xnnpack_needs_them_and_no_wider(built: Built) -> None:
    for artifact in built[1]:
        places = _segments((built[0].build / artifact.path).read_bytes())
        assert len(places) > 10
        assert all(start % 16 == 0 for start, _ in places)
        assert all(0 <= start - end < 16 for (_, end), (start, _) in itertools.pairwise(places))


def test_int8_quantises_activations_and_weights_and_fp32_nothing(built: Built) -> None:
    assert not any("quantize" in operator for operator in _record(built, Precision.FP32).taken)
    static = _record(built, Precision.INT8_STATIC).taken
    assert 0 < static["convolution"] - static["dequantize_per_channel"] <= 10  # the front's stay float


def test_side_files_are_recorded_with_their_hash(built: Built) -> None:
    for artifact in built[1]:
        assert artifact.beside
        for side in artifact.beside:
            path = built[0].build / side.path
            assert (side.sha256, side.size_bytes) == (sha256_file(path), path.stat().st_size)


def test_the_version_needed_is_recorded(built: Built) -> None:
    from importlib.metadata import version

    assert {artifact.runtime for artifact in built[1]} == {f"ExecuTorch {version('executorch')}"}


def test_a_recipe_without_its_precisions_writes_nothing(tmp_path: Path) -> None:
    assert ExecuTorchExporter().export(export_request(tmp_path, (Precision.FP16,))) == ()


def test_calibration_of_another_shape_is_refused(tmp_path: Path) -> None:
    request = export_request(tmp_path)
    fewer = dataclasses.replace(request, calibration=request.calibration[:, :3])
    with pytest.raises(ExportError, match="calibration windows are"):
        ExecuTorchExporter().export(fewer)


def test_a_missing_contract_is_refused(tmp_path: Path) -> None:
    request = export_request(tmp_path)
    (tmp_path / "contract.json").unlink()
    with pytest.raises(ArtifactError, match="run factory export"):
        ExecuTorchExporter().export(request)


@pytest.mark.slow
def test_a_corrupt_student_becomes_an_export_error_and_leaves_nothing(tmp_path: Path) -> None:
    request = export_request(tmp_path)
    (tmp_path / "student" / "network.safetensors").write_bytes(b"no weights")
    with pytest.raises(ExportError, match="executorch, step import"):
        ExecuTorchExporter().export(request)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["contract.json", "onnx", "student"]
