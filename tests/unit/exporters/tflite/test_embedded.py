"""Labels and contract inside a .tflite file: altered, swapped or left out, they are refused or told as they are."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from exporters.tflite import flatbuffer, metadata
from exporters.tflite.embedded import held_precision, read_embedded
from factory.contracts.artifact import Artifact, Precision
from factory.contracts.errors import ArtifactError
from factory.contracts.exporter import ExportRequest
from factory.contracts.window import SensorContract
from tests.unit.exporters.students import LABELS

Built = tuple[ExportRequest, tuple[Artifact, ...]]
Members = dict[str, bytes]


@pytest.fixture
def whole(exported: Callable[[str], Built]) -> bytes:
    request, artifacts = exported("tflite")
    return (request.build / artifacts[0].path).read_bytes()


def again(whole: bytes, path: Path, change: Callable[[Members], Members]) -> Path:
    """The same graph under another archive."""
    with zipfile.ZipFile(io.BytesIO(whole)) as files:
        members = {entry.filename: files.read(entry) for entry in files.infolist()}
        graph = whole[: min(entry.header_offset for entry in files.infolist())]
    archive = io.BytesIO()
    archive.write(graph)
    with zipfile.ZipFile(archive, "a", zipfile.ZIP_STORED) as files:
        for name, content in change(members).items():
            files.writestr(name, content)
    path.write_bytes(archive.getvalue())
    return path


def with_labels(*labels: str) -> Callable[[Members], Members]:
    return lambda members: members | {"labels.txt": "\n".join(labels).encode()}


def test_labels_changed_against_the_contract_are_refused(whole: bytes, tmp_path: Path) -> None:
    first, second, *rest = LABELS
    altered, swapped = ("run!", second, *rest), (second, first, *rest)
    for labels in (altered, swapped, LABELS[:-1], (*LABELS, "more")):
        path = again(whole, tmp_path / "m.tflite", with_labels(*labels))
        with pytest.raises(
            ArtifactError, match=f"has the labels {', '.join(labels)}, its contract {', '.join(LABELS)}"
        ):
            read_embedded(path)


def test_labels_and_contract_changed_alike_are_told_as_they_are(whole: bytes, tmp_path: Path) -> None:
    """The file is at one with itself; whoever has the manifest sees that it is another's."""
    swapped = tuple(reversed(LABELS))

    def change(members: Members) -> Members:
        contract = SensorContract.model_validate_json(members["contract.json"])
        window = contract.window.model_copy(update={"labels": swapped})
        other = contract.model_copy(update={"window": window}).model_dump_json().encode()
        return with_labels(*swapped)(members | {"contract.json": other})

    inside = read_embedded(again(whole, tmp_path / "m.tflite", change))
    assert inside.labels == swapped
    assert inside.contract is not None
    assert inside.contract.window.labels == swapped


@pytest.mark.parametrize("name", ["labels.txt", "contract.json"])
def test_a_member_that_was_stripped_is_refused(whole: bytes, tmp_path: Path, name: str) -> None:
    def change(members: Members) -> Members:
        return {key: content for key, content in members.items() if key != name}

    path = again(whole, tmp_path / "m.tflite", change)
    with pytest.raises(ArtifactError, match=f"holds no {name}: build the target again"):
        read_embedded(path)


def test_a_contract_that_is_none_is_refused(whole: bytes, tmp_path: Path) -> None:
    path = again(whole, tmp_path / "m.tflite", lambda members: members | {"contract.json": b"{}"})
    with pytest.raises(ArtifactError, match=r"its contract\.json is corrupt"):
        read_embedded(path)


def test_a_file_without_an_archive_is_refused(whole: bytes, tmp_path: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(whole)) as files:
        end = min(entry.header_offset for entry in files.infolist())
    (tmp_path / "bare.tflite").write_bytes(whole[:end])
    with pytest.raises(ArtifactError, match="no readable archive"):
        read_embedded(tmp_path / "bare.tflite")


def test_metadata_that_name_no_labels_or_another_file_are_refused(whole: bytes, tmp_path: Path) -> None:
    stripped, renamed = (flatbuffer.parse(whole, "whole") for _ in range(2))
    stripped.metadata = [entry for entry in stripped.metadata if entry.name != metadata.ENTRY]
    for entry in renamed.metadata:
        if entry.name == metadata.ENTRY:
            content = bytes(renamed.buffers[entry.buffer].data).replace(b"labels.txt", b"others.txt")
            renamed.buffers[entry.buffer].data = np.frombuffer(content, np.uint8)
    for model, message in ((stripped, "its metadata name no label file"), (renamed, r"holds no others\.txt")):
        (tmp_path / "m.tflite").write_bytes(_with_archive(flatbuffer.pack(model), whole))
        with pytest.raises(ArtifactError, match=message):
            read_embedded(tmp_path / "m.tflite")


def test_two_label_files_that_differ_are_refused(whole: bytes, tmp_path: Path) -> None:
    model = flatbuffer.parse(whole, "whole")
    for entry in model.metadata:
        if entry.name == metadata.ENTRY:
            content = bytes(model.buffers[entry.buffer].data).replace(b"labels.txt", b"others.txt")
            model.buffers[entry.buffer].data = np.frombuffer(content, np.uint8)
    (tmp_path / "m.tflite").write_bytes(_with_archive(flatbuffer.pack(model), whole, {"others.txt": b"a\nb\nc\nd"}))
    with pytest.raises(ArtifactError, match=r"others\.txt, which its metadata name, has the labels a, b, c, d"):
        read_embedded(tmp_path / "m.tflite")


def test_int8_of_weights_alone_is_not_static(exported: Callable[[str], Built]) -> None:
    request, artifacts = exported("tflite")
    held = {}
    for artifact in artifacts:
        held[artifact.precision] = held_precision(
            flatbuffer.parse((request.build / artifact.path).read_bytes(), artifact.path)
        )
    assert held == {precision: precision for precision in Precision}


def _with_archive(graph: bytes, whole: bytes, more: Members | None = None) -> bytes:
    """Another graph under the archive of a whole file, less its digest."""
    archive = io.BytesIO()
    archive.write(graph)
    with zipfile.ZipFile(io.BytesIO(whole)) as given, zipfile.ZipFile(archive, "a", zipfile.ZIP_STORED) as files:
        for name in ("labels.txt", "contract.json"):
            files.writestr(name, given.read(name))
        for name, content in (more or {}).items():
            files.writestr(name, content)
    return archive.getvalue()
