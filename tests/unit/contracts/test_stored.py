"""A JSON file of ours that is not what it should be: one line that names file, key and remedy."""

from pathlib import Path

import pytest

from factory.contracts.errors import ArtifactError
from factory.contracts.manifest import Latency
from factory.contracts.stored import parse_json, read_json

GOOD = '{"runs": 1, "median_us": 2.0, "p05_us": 1.0, "p95_us": 3.0}'


def test_what_was_written_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(GOOD)
    assert read_json(Latency, tmp_path / "a.json").median_us == 2.0


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "Invalid JSON"),
        (b'{"runs": 1', "Invalid JSON"),
        (b"[]", "corrupt"),
        (b"\xff\xfe", "corrupt"),
        (GOOD.replace("runs", "rums").encode(), "unknown key 'rums'"),
        (GOOD.replace("2.0", '"fast"').encode(), "'median_us'"),
    ],
)
def test_anything_else_is_one_line(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(ArtifactError, match=message) as caught:
        read_json(Latency, tmp_path / "a.json", "do this")
    assert str(caught.value).endswith(": do this")
    with pytest.raises(ArtifactError, match="inside is corrupt"):
        parse_json(Latency, content, "what stands inside")


def test_a_missing_file_or_a_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"b\.json is missing"):
        read_json(Latency, tmp_path / "b.json")
    with pytest.raises(ArtifactError, match="cannot be read"):
        read_json(Latency, tmp_path)
