import json
from pathlib import Path

import pytest

from factory.artifacts.manifest_io import read_manifest, verify_files, write_manifest
from factory.contracts.artifact import Artifact, Precision, TensorInfo
from factory.contracts.errors import ArtifactError
from factory.contracts.files import sha256_file
from factory.contracts.manifest import (
    Accuracy,
    Baseline,
    BuildFile,
    DataSummary,
    Manifest,
    NetworkCost,
    Provenance,
    Training,
)
from factory.contracts.recipe import DataRecipe, Recipe
from factory.contracts.window import Channel, Normalisation, Quantity, WindowSpec

MODEL = "tflite/model_int8_static.tflite"
FILES = {MODEL: bytes(range(256)) * 8, "golden.npz": b"golden" * 50}


@pytest.fixture
def build(tmp_path: Path) -> Path:
    for name, content in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    return tmp_path


@pytest.fixture
def manifest(build: Path) -> Manifest:
    accuracy = Accuracy(
        windows=2,
        accuracy=1,
        macro_f1=1,
        per_class_f1={"sit": 1, "walk": 1},
        per_subject_f1={"s1": 1},
        worst_subject="s1",
        ece=0,
        confusion=((1, 0), (0, 1)),
    )
    cost = NetworkCost(parameters=10, macs=10, peak_activation_bytes=10)
    channel = Channel(
        name="acc_x", quantity=Quantity.ACCELEROMETER, axis="x", unit="m/s^2", gravity=True, placement="waist"
    )
    golden = build / "golden.npz"
    return Manifest(
        name="demo",
        provenance=Provenance(factory="0.1.0", git="none", python="3.11", machine="x", packages={}, created="2026"),
        recipe=Recipe(name="demo", summary="", data=DataRecipe(source="watch")),
        contract=WindowSpec(channels=(channel,), rate_hz=50, length=128, hop=64, labels=("sit", "walk"), axes="phone"),
        normalisation=Normalisation(mean=(0,), std=(1,), clip=6),
        phone_obstacles=(),
        data=DataSummary(
            content_hash="0", train_subjects=("s0",), validation_subjects=(), test_subjects=("s1",), windows={"test": 2}
        ),
        training=Training(
            head="linear",
            head_search={},
            teacher=accuracy,
            student_cost=cost,
            teacher_cost=cost,
            device="cpu",
            seconds=1,
        ),
        artifacts=(model_of(build / MODEL),),
        baseline=Baseline(
            kind="extra_trees",
            validation={"extra_trees": 1},
            features=3,
            seconds=1,
            accuracy=accuracy,
            majority=accuracy,
        ),
        files=(BuildFile(path="golden.npz", sha256=sha256_file(golden), size_bytes=golden.stat().st_size),),
        conversion=(),
        verifications=(),
        checks=(),
    )


def model_of(path: Path) -> Artifact:
    return Artifact(
        target="tflite",
        precision=Precision.INT8_STATIC,
        path=MODEL,
        sha256=sha256_file(path),
        size_bytes=path.stat().st_size,
        inputs=(TensorInfo(name="imu", shape=(1, 1, 128, 1), dtype="float32", layout="1, 1, time, channel"),),
        outputs=(TensorInfo(name="logits", shape=(1, 2), dtype="float32", layout="1, class"),),
        tool="onnx2tf",
        runtime="LiteRT 2.3.0",
    )


def test_manifest_survives_the_disk(build: Path, manifest: Manifest) -> None:
    write_manifest(build / "manifest.json", manifest)
    assert read_manifest(build / "manifest.json") == manifest


def test_an_intact_build_is_accepted(build: Path, manifest: Manifest) -> None:
    verify_files(build, manifest)


@pytest.mark.parametrize("name", list(FILES))
@pytest.mark.parametrize("position", [0, 137, -1])
def test_one_flipped_byte_is_found_and_named(build: Path, manifest: Manifest, name: str, position: int) -> None:
    content = bytearray(FILES[name])
    content[position] ^= 1
    (build / name).write_bytes(content)
    with pytest.raises(ArtifactError) as caught:
        verify_files(build, manifest)
    message = str(caught.value)
    expected = {MODEL: manifest.artifacts[0].sha256, "golden.npz": manifest.files[0].sha256}[name]
    for part in (name, sha256_file(build / name), expected, "factory build"):
        assert part in message


@pytest.mark.parametrize("name", list(FILES))
def test_a_truncated_file_is_found(build: Path, manifest: Manifest, name: str) -> None:
    (build / name).write_bytes(FILES[name][:-1])
    with pytest.raises(ArtifactError, match=f"{name} has {len(FILES[name]) - 1} bytes.*{len(FILES[name])}"):
        verify_files(build, manifest)


@pytest.mark.parametrize("name", list(FILES))
def test_a_missing_file_is_found(build: Path, manifest: Manifest, name: str) -> None:
    (build / name).unlink()
    with pytest.raises(ArtifactError, match=f"{name} is missing"):
        verify_files(build, manifest)


def test_a_folder_in_a_files_place_is_found(build: Path, manifest: Manifest) -> None:
    (build / "golden.npz").unlink()
    (build / "golden.npz").mkdir()
    with pytest.raises(ArtifactError, match=r"golden\.npz is missing"):
        verify_files(build, manifest)


@pytest.mark.parametrize("path", ["../outside", "/etc/hostname", "tflite/../../outside"])
def test_a_path_outside_of_the_build_is_refused(build: Path, manifest: Manifest, path: str) -> None:
    tampered = manifest.model_copy(update={"files": (BuildFile(path=path, sha256="0", size_bytes=0),)})
    with pytest.raises(ArtifactError, match="outside of"):
        verify_files(build, tampered)


def test_a_missing_manifest_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="does not exist"):
        read_manifest(tmp_path / "manifest.json")


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"not json"])
def test_a_corrupt_manifest_is_an_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "manifest.json").write_bytes(content)
    with pytest.raises(ArtifactError, match=r"corrupt, not JSON.*rebuild"):
        read_manifest(tmp_path / "manifest.json")


@pytest.mark.parametrize("content", [b"[]", b"{}", b'{"schema_version": "1"}', b'{"schema_version": true}'])
def test_another_tools_json_is_an_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "manifest.json").write_bytes(content)
    with pytest.raises(ArtifactError, match="not a manifest"):
        read_manifest(tmp_path / "manifest.json")


def test_a_newer_schema_says_to_update(build: Path, manifest: Manifest) -> None:
    values = json.loads(manifest.model_dump_json()) | {"schema_version": 3, "new_key": 1}
    (build / "manifest.json").write_text(json.dumps(values))
    with pytest.raises(ArtifactError, match=r"schema version 3, this tool reads up to 2: update"):
        read_manifest(build / "manifest.json")


def test_an_older_schema_says_to_build_again(build: Path, manifest: Manifest) -> None:
    values = json.loads(manifest.model_dump_json()) | {"schema_version": 1}
    (build / "manifest.json").write_text(json.dumps(values))
    with pytest.raises(ArtifactError, match=r"schema version 1, of an older release; this tool reads 2: rebuild"):
        read_manifest(build / "manifest.json")


def test_a_wrong_key_is_named(build: Path, manifest: Manifest) -> None:
    values = json.loads(manifest.model_dump_json()) | {"artifact": []}
    del values["conversion"]
    (build / "manifest.json").write_text(json.dumps(values))
    with pytest.raises(ArtifactError, match=r"unknown key 'artifact'.*") as caught:
        read_manifest(build / "manifest.json")
    assert "'conversion' is missing" in str(caught.value)


def test_a_truncated_manifest_is_an_error(build: Path, manifest: Manifest) -> None:
    write_manifest(build / "manifest.json", manifest)
    content = (build / "manifest.json").read_text()
    (build / "manifest.json").write_text(content[: len(content) // 2])
    with pytest.raises(ArtifactError, match="corrupt"):
        read_manifest(build / "manifest.json")
