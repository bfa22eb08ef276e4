import json
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from factory.contracts.artifact import Artifact, Precision, TensorInfo
from factory.contracts.errors import ArtifactError, StorageError
from factory.devices.bundle import BundleRequest, pack_bundle, plans
from tests.unit.devices.boards import ExportedOf, bundle_request


@pytest.fixture(scope="module")
def request_(exported: ExportedOf, tmp_path_factory: pytest.TempPathFactory) -> BundleRequest:
    """Its build folder is not to be changed."""
    return bundle_request(exported("jetson"), tmp_path_factory.mktemp("build"))


def graph(precision: Precision, variant: str = "", batch: int = 1) -> Artifact:
    def tensor(name: str) -> TensorInfo:
        return TensorInfo(name=name, shape=(batch, 6, 1, 64), dtype="float32", layout="")

    return Artifact(
        target="jetson",
        precision=precision,
        variant=variant,
        path=f"jetson/{precision}{variant}.onnx",
        sha256="0" * 64,
        size_bytes=1,
        inputs=(tensor("imu"),),
        outputs=(tensor("logits"),),
        tool="",
        runtime="",
    )


def test_the_same_input_gives_the_same_bytes(request_: BundleRequest, tmp_path: Path) -> None:
    first, second = pack_bundle(request_, tmp_path / "a.tar"), pack_bundle(request_, tmp_path / "b.tar")
    assert first.path.read_bytes() == second.path.read_bytes()
    assert (first.sha256, first.sums_sha256) == (second.sha256, second.sums_sha256)


def test_members_are_sorted_and_carry_neither_time_nor_owner(request_: BundleRequest, tmp_path: Path) -> None:
    with tarfile.open(pack_bundle(request_, tmp_path / "a.tar").path) as archive:
        members = archive.getmembers()
    names = [member.name for member in members]
    assert names == sorted(names)
    assert {(member.mtime, member.uid, member.gid, member.uname) for member in members} == {(0, 0, 0, "")}
    assert {"SHA256SUMS", "bundle.json", "golden.npz", "test.npz", "labels.txt", "scripts/verify.py"} <= set(names)
    assert {f"graphs/{name}" for name in ("model.onnx", "model.int8.onnx", "calibration.cache")} <= set(names)


def test_another_limit_is_another_bundle(request_: BundleRequest, tmp_path: Path) -> None:
    stricter = {**request_.gates, Precision.FP32: request_.gates[Precision.FP32][:1]}
    other = pack_bundle(replace(request_, gates=stricter), tmp_path / "b.tar")
    assert other.sha256 != pack_bundle(request_, tmp_path / "a.tar").sha256


def test_limits_stand_in_the_bundle_as_they_were_given(request_: BundleRequest, tmp_path: Path) -> None:
    with tarfile.open(pack_bundle(request_, tmp_path / "a.tar").path) as archive:
        file = archive.extractfile("bundle.json")
        assert file is not None
        meta = json.loads(file.read())
    largest = {"gate": "parity.max_abs", "relation": "<=", "limit": 1e-4, "unit": "logit"}
    assert meta["gates"]["fp32"][0] == largest
    assert meta["hop_us"] == pytest.approx(640_000)
    assert meta["labels"] == list(request_.spec.labels)


def test_a_missing_graph_or_limit_is_named(request_: BundleRequest, tmp_path: Path) -> None:
    absent = request_.artifacts[0].model_copy(update={"path": "jetson/absent.onnx"})
    with pytest.raises(ArtifactError, match=r"absent\.onnx is missing: build again"):
        pack_bundle(replace(request_, artifacts=(absent,)), tmp_path / "a.tar")
    with pytest.raises(ArtifactError, match="no limits for engines in fp16"):
        pack_bundle(replace(request_, gates={Precision.FP32: request_.gates[Precision.FP32]}), tmp_path / "a.tar")
    with pytest.raises(ArtifactError, match="holds no fp32 or int8_static graph"):
        pack_bundle(replace(request_, artifacts=()), tmp_path / "a.tar")
    assert list(tmp_path.iterdir()) == []


def test_a_bundle_that_cannot_be_written_is_a_storage_error(request_: BundleRequest, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        pack_bundle(request_, tmp_path / "file" / "a.tar")


def test_the_dla_gets_plain_graphs_and_the_cache_the_gpu_q_dq() -> None:
    graphs = (graph(Precision.FP32), graph(Precision.FP32, "dla"), graph(Precision.INT8_STATIC))
    rows = {row["name"]: row for row in plans(graphs, calibrated=True)}
    assert rows["int8_gpu"]["graph"] == "graphs/int8_static.onnx"
    assert rows["int8_gpu"]["calibration"] is None
    assert rows["int8_dla"]["graph"] == rows["fp16_dla"]["graph"] == "graphs/fp32dla.onnx"
    assert rows["int8_dla"]["calibration"] == "graphs/calibration.cache"
    assert "fp32_dla" not in rows


def test_without_a_cache_there_is_no_int8_engine_for_the_dla() -> None:
    assert [row["name"] for row in plans((graph(Precision.FP32),), calibrated=False)] == [
        "fp32_gpu",
        "fp16_gpu",
        "fp16_dla",
    ]


def test_a_batch_variant_keeps_its_batch() -> None:
    rows = plans((graph(Precision.FP32), graph(Precision.FP32, "batch8", batch=8)), calibrated=False)
    assert {row["name"]: row["batch"] for row in rows}["fp16_gpu_batch"] == 8
