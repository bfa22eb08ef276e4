import bz2
import gzip
import lzma
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from factory.contracts.errors import DataError
from factory.data.intake.members import find_members, list_members
from tests.unit.data.intake.files import put


def test_files_are_found_by_pattern_in_natural_order_with_their_fields(tmp_path: Path) -> None:
    for name in ("P10/walk.csv", "P2/walk.csv", "P2/notes.md", ".hidden/walk.csv", "__MACOSX/walk.csv"):
        put(tmp_path, "a,b\n", name)
    found = find_members(tmp_path, ("{subject}/{label}.csv",))
    assert [member.name for member in found] == ["P2/walk.csv", "P10/walk.csv"]
    assert dict(found[0].fields) == {
        "subject": "P2", "label": "walk", "file": "P2/walk", "stem": "walk", "parent": "P2",
    }  # fmt: skip


def test_ignored_files_are_left_out(tmp_path: Path) -> None:
    for name in ("a.csv", "Metadata.csv"):
        put(tmp_path, "a,b\n", name)
    assert [m.name for m in find_members(tmp_path, ("*.csv",), ("Metadata.csv",))] == ["a.csv"]


def test_an_archive_is_a_folder(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "walk_P1.zip", "w") as archive:
        archive.writestr("Gyroscope.csv", "t,x\n0,1\n")
        archive.writestr("__MACOSX/Gyroscope.csv", "junk")
    inside = find_members(tmp_path, ("{label}_{subject}.zip/{sensor}.csv",))
    assert [(m.fields["label"], m.fields["subject"], m.fields["sensor"]) for m in inside] == [
        ("walk", "P1", "Gyroscope")
    ]
    assert inside[0].head() == b"t,x\n0,1\n"
    assert [m.name for m in list_members(tmp_path / "walk_P1.zip")] == ["Gyroscope.csv"]


@pytest.mark.parametrize(
    ("suffix", "pack"), [(".gz", gzip.compress), (".bz2", bz2.compress), (".xz", lzma.compress), ("", bytes)]
)
def test_compressed_files_are_unpacked_while_read(tmp_path: Path, suffix: str, pack: Callable[[bytes], bytes]) -> None:
    member = put(tmp_path, pack(b"a,b\n1,2\n"), f"rows.csv{suffix}")
    assert member.head() == b"a,b\n1,2\n"
    assert member.suffix == ".csv"


def test_zstandard_is_unpacked(tmp_path: Path) -> None:
    import pyarrow as pa

    with pa.CompressedOutputStream(str(tmp_path / "rows.csv.zst"), "zstd") as out:
        out.write(b"a,b\n1,2\n")
    assert list_members(tmp_path)[0].head() == b"a,b\n1,2\n"


def test_a_damaged_archive_is_one_line(tmp_path: Path) -> None:
    put(tmp_path, b"PK\x03\x04 and not much more", "broken.zip")
    with pytest.raises(DataError, match=r"broken\.zip is not a readable archive"):
        list_members(tmp_path)
    member = put(tmp_path, gzip.compress(b"a,b\n1,2\n" * 100)[:-12], "cut.csv.gz")
    with pytest.raises(DataError, match="is damaged"):
        member.head()


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        list_members(tmp_path / "nowhere")


def test_folders_behind_links_are_entered_once(tmp_path: Path) -> None:
    put(tmp_path / "elsewhere", "a,b\n", "walk.csv")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "P1").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "round").symlink_to(tmp_path / "data")
    assert [m.name for m in find_members(tmp_path / "data", ("**",))] == ["P1/walk.csv"]
