"""What stands inside each target's files: their precision, and labels and contract where the format has a place."""

from collections.abc import Callable
from pathlib import Path

import pytest

from exporters.registry import find_target, load_exporter, load_reader, targets
from factory.contracts.artifact import Artifact, Precision
from factory.contracts.errors import ArtifactError, ExportError
from factory.contracts.exporter import Embedded, ExportRequest
from factory.contracts.window import SensorContract
from tests.unit.exporters.students import LABELS, export_request

Exported = tuple[ExportRequest, tuple[Artifact, ...]]


def _reader(name: str) -> Callable[[Path], Embedded]:
    reader = load_reader(name)
    assert reader is not None
    return reader


@pytest.mark.parametrize("name", [target.name for target in targets()])
def test_a_file_holds_its_precision_labels_and_contract(name: str, exported: Callable[[str], Exported]) -> None:
    request, artifacts = exported(name)
    contract = SensorContract.model_validate_json((request.build / "contract.json").read_bytes())
    for artifact in artifacts:
        inside = _reader(name)(request.build / artifact.path)
        assert inside.precision is artifact.precision
        assert (inside.labels, inside.contract) == (LABELS, contract)


@pytest.mark.parametrize("name", [target.name for target in targets()])
def test_one_precisions_file_under_anothers_name_is_noticed(
    name: str, exported: Callable[[str], Exported], tmp_path: Path
) -> None:
    request, artifacts = exported(name)
    files = {artifact.precision: request.build / artifact.path for artifact in artifacts if not artifact.variant}
    for precision, path in files.items():
        for other in files:
            swapped = tmp_path / f"{other}{path.suffix}"
            swapped.write_bytes(path.read_bytes())
            assert _reader(name)(swapped).precision is precision


@pytest.mark.parametrize("name", [target.name for target in targets()])
def test_a_missing_file_is_refused_by_its_reader(name: str, tmp_path: Path) -> None:
    target = find_target(name)
    if not target.available:
        pytest.skip(f"target {name} needs {', '.join(target.missing)}: {target.install}")
    with pytest.raises(ArtifactError, match="missing"):
        _reader(name)(tmp_path / "nothing")


def test_a_student_too_small_for_int8_dynamic_is_refused(tmp_path: Path) -> None:
    """TensorFlow would write fp32 by that name; github.com/tensorflow/tensorflow/issues/40681."""
    if not find_target("tflite").available:
        pytest.skip("target tflite is not installed")
    request = export_request(tmp_path, (Precision.INT8_DYNAMIC,), features=32)
    wanted = r"step int8_dynamic: the file's tensors are fp32, expected int8_dynamic.*leave int8_dynamic out of export"
    with pytest.raises(ExportError, match=wanted):
        load_exporter("tflite").export(request)
    assert not list((tmp_path / "tflite").glob("*"))
