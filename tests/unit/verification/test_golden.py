import io
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from factory.contracts.dataset import Ints, WindowSet
from factory.contracts.errors import ArtifactError
from factory.contracts.files import sha256_file
from factory.verification.golden import GoldenPack, read_golden, require_spec, write_golden


def test_pack_survives_the_disk(golden: GoldenPack, tmp_path: Path) -> None:
    write_golden(tmp_path / "golden.npz", golden)
    back = read_golden(tmp_path / "golden.npz")
    for name in ("x", "y", "kind", "index", "logits"):
        np.testing.assert_array_equal(getattr(back, name), getattr(golden, name))
    assert (back.labels, back.spec_hash) == (golden.labels, golden.spec_hash)


def test_equal_packs_have_equal_bytes(golden: GoldenPack, tmp_path: Path) -> None:
    for name in ("a.npz", "b.npz"):
        write_golden(tmp_path / name, golden)
    assert sha256_file(tmp_path / "a.npz") == sha256_file(tmp_path / "b.npz")


def test_plain_numpy_reads_it_without_pickle(golden: GoldenPack, tmp_path: Path) -> None:
    write_golden(tmp_path / "golden.npz", golden)
    with np.load(tmp_path / "golden.npz", allow_pickle=False) as archive:
        assert archive["x"].dtype == np.dtype("<f4")
        assert archive["x"].flags.c_contiguous
        assert set(archive["kind"].tolist()) == {b"easy", b"low_motion", b"saturated", b"boundary"}
    with zipfile.ZipFile(tmp_path / "golden.npz") as archive:
        assert all(member.compress_type == zipfile.ZIP_STORED for member in archive.infolist())


def test_flipped_bytes_of_every_member_are_noticed(golden: GoldenPack, tmp_path: Path) -> None:
    path = tmp_path / "golden.npz"
    write_golden(path, golden)
    content = path.read_bytes()
    last = content.rindex(golden.logits[-1].tobytes())
    for position in range(200, last, last // 23):
        path.write_bytes(content[:position] + bytes([content[position] ^ 1]) + content[position + 1 :])
        with pytest.raises(ArtifactError, match="rebuild"):
            read_golden(path)


@pytest.mark.parametrize(
    ("local", "central", "value"),
    [(8, 10, 8), (8, 10, 99), (6, 8, 1)],
    ids=["claims to be deflated", "unknown method", "claims to be encrypted"],
)
def test_a_damaged_header_is_noticed(golden: GoldenPack, tmp_path: Path, local: int, central: int, value: int) -> None:
    path = tmp_path / "golden.npz"
    write_golden(path, golden)
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x03\x04") + local] = value
    content[content.index(b"PK\x01\x02") + central] = value
    path.write_bytes(content)
    with pytest.raises(ArtifactError, match="corrupt"):
        read_golden(path)


@pytest.mark.parametrize("keep", [0, 10, 1000, -1, -100])
def test_truncated_pack_is_refused(golden: GoldenPack, tmp_path: Path, keep: int) -> None:
    path = tmp_path / "golden.npz"
    write_golden(path, golden)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ArtifactError, match="corrupt"):
        read_golden(path)


def test_missing_and_foreign_packs_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="does not exist"):
        read_golden(tmp_path / "none.npz")
    np.savez(tmp_path / "foreign.npz", x=np.zeros(3))
    with pytest.raises(ArtifactError, match="not a golden pack"):
        read_golden(tmp_path / "foreign.npz")


@pytest.mark.parametrize(
    ("member", "content", "complaint"),
    [
        ("meta.json", b'{"format": "smldist-golden", "version": 9, "labels": ["a"], "spec_hash": ""}', "format"),
        ("meta.json", b"{", "corrupt"),
        ("meta.json", b"[]", "corrupt"),
        ("y.npy", b"\x93NUMPY", "corrupt"),
    ],
)
def test_wrong_members_are_refused(
    golden: GoldenPack, tmp_path: Path, member: str, content: bytes, complaint: str
) -> None:
    _rewrite(golden, tmp_path / "golden.npz", member, content)
    with pytest.raises(ArtifactError, match=complaint):
        read_golden(tmp_path / "golden.npz")


def test_pickled_members_are_refused(golden: GoldenPack, tmp_path: Path) -> None:
    buffer = io.BytesIO()
    np.save(buffer, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    _rewrite(golden, tmp_path / "golden.npz", "x.npy", buffer.getvalue())
    with pytest.raises(ArtifactError, match="corrupt"):
        read_golden(tmp_path / "golden.npz")


def test_inconsistent_shapes_are_refused(golden: GoldenPack, tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="y has shape"):
        write_golden(tmp_path / "golden.npz", replace(golden, y=golden.y[1:]))
    with pytest.raises(ArtifactError, match="logits has shape"):
        write_golden(tmp_path / "golden.npz", replace(golden, logits=golden.logits[:, 1:]))
    with pytest.raises(ArtifactError, match="finite"):
        write_golden(tmp_path / "golden.npz", replace(golden, logits=golden.logits * np.float32(np.nan)))
    assert not (tmp_path / "golden.npz").exists()


def test_another_contract_is_refused(golden: GoldenPack, windows: WindowSet, test_index: Ints) -> None:
    require_spec(golden, windows.spec)
    with pytest.raises(ArtifactError, match="sensor contract"):
        require_spec(golden, windows.spec.model_copy(update={"rate_hz": 100.0}))
    with pytest.raises(ArtifactError, match="labels"):
        require_spec(golden, windows.spec.model_copy(update={"labels": windows.spec.labels[::-1]}))


def _rewrite(golden: GoldenPack, path: Path, member: str, content: bytes) -> None:
    write_golden(path, golden)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, old in members.items():
            archive.writestr(name, content if name == member else old)
