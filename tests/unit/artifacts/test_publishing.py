"""Publishing: versions never change, and whoever publishes at the same time loses nothing."""

import multiprocessing
import time
from pathlib import Path

import pytest

from factory.artifacts.documents import sealed
from factory.artifacts.publishing import publish_draft
from factory.artifacts.reader import open_reader, read_catalogue, read_file, read_index, read_release
from factory.contracts.errors import ArtifactError, StorageError
from factory.contracts.release import RELEASE, Index, Release
from factory.pipeline.pull import list_models
from tests.unit.artifacts.drafts import FILES, draft, published, pull

PUBLISHERS = 100


def versions(store: Path) -> list[str]:
    return [entry.version for entry in read_index(open_reader(str(store)), "walk").versions]


def test_latest_moves_and_the_first_version_stays(tmp_path: Path) -> None:
    first = published(tmp_path)
    before = (tmp_path / "store/walk/1.0.0" / RELEASE).read_bytes()
    published(tmp_path, "two")
    assert versions(tmp_path / "store") == ["1.0.0", "1.1.0"]
    assert (tmp_path / "store/walk/1.0.0" / RELEASE).read_bytes() == before
    reader = open_reader(str(tmp_path / "store"))
    index = read_index(reader, "walk")
    assert index.latest.version == "1.1.0"
    release = read_release(reader, "walk", index.find("1.0.0"))
    assert release == Release.model_validate_json(before)
    assert release.files == first.files
    assert read_file(reader, release, "README.md") == b"# walk 1.0.0\n"
    assert read_catalogue(reader).models == ("walk",)


def test_equal_content_is_kept_once(tmp_path: Path) -> None:
    published(tmp_path)
    published(tmp_path, "two")
    blobs = [path for path in (tmp_path / "store/blobs").rglob("*") if path.is_file()]
    assert len(blobs) == 2 * len(FILES) - 1


def test_a_version_is_never_replaced(tmp_path: Path) -> None:
    published(tmp_path)
    with pytest.raises(ArtifactError, match=r"walk 1\.0\.0 is published already and never changes: choose another"):
        publish_draft(tmp_path / "store", draft(tmp_path / "files", "two"), "1.0.0")
    assert versions(tmp_path / "store") == ["1.0.0"]


def test_another_contract_needs_another_major_version(tmp_path: Path) -> None:
    published(tmp_path)
    changed = draft(tmp_path / "files", contract="b" * 64)
    with pytest.raises(ArtifactError, match=r"another sensor contract than 1\.0\.0.*: publish it as --version 2\.0\.0"):
        publish_draft(tmp_path / "store", changed, "1.1.0")
    publish_draft(tmp_path / "store", changed)
    publish_draft(tmp_path / "store", draft(tmp_path / "files"), "1.0.1")
    assert versions(tmp_path / "store") == ["1.0.0", "1.0.1", "2.0.0"]


@pytest.mark.parametrize("version", ["1", "1.0", "v1.0.0", "1.0.0-rc", "01.0.0", "../../x", "1.0.0\n", "1.0.٣"])
def test_what_is_no_version_is_refused(tmp_path: Path, version: str) -> None:
    with pytest.raises(ArtifactError, match="is not a version: write three numbers"):
        publish_draft(tmp_path / "store", draft(tmp_path / "files"), version)


def test_a_folder_of_other_files_is_not_made_a_store(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store/thesis.txt").write_text("mine")
    with pytest.raises(StorageError, match="holds files that are no store: choose an empty or new folder"):
        published(tmp_path)
    assert [path.name for path in (tmp_path / "store").iterdir()] == ["thesis.txt"]


def test_what_a_killed_publisher_left_is_no_version(tmp_path: Path) -> None:
    published(tmp_path)
    for leftover in (".1.1.0.part", "1.1.0"):
        (tmp_path / "store/walk" / leftover).mkdir()
        (tmp_path / "store/walk" / leftover / "README.md").write_text("half")
    assert versions(tmp_path / "store") == ["1.0.0"]
    published(tmp_path, "two")
    assert versions(tmp_path / "store") == ["1.0.0", "1.1.0"]
    assert (tmp_path / "store/walk/1.1.0/README.md").read_text() == "# walk 1.1.0\n"
    assert not list((tmp_path / "store/walk").glob(".*.part"))


def test_a_damaged_blob_is_written_anew(tmp_path: Path) -> None:
    release = published(tmp_path)
    file = release.file(FILES[1])
    path = tmp_path / "store" / release.place(file)
    path.write_bytes(bytes(file.size_bytes))
    published(tmp_path)
    assert path.read_bytes() == (tmp_path / "files-one" / FILES[1]).read_bytes()


def _publish_some(folder: Path, first: int, last: int) -> None:
    for number in range(first, last):
        publish_draft(folder / "store", draft(folder / f"files{number}", str(number), name=f"walk{number % 2 or ''}"))


def test_a_hundred_concurrent_publishers_lose_nothing(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    workers = [
        context.Process(target=_publish_some, args=(tmp_path, first, first + 10)) for first in range(0, PUBLISHERS, 10)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
        assert worker.exitcode == 0
    reader = open_reader(str(tmp_path / "store"))
    assert read_catalogue(reader).models == ("walk", "walk1")
    found = set()
    for name in ("walk", "walk1"):
        index = read_index(reader, name)
        assert len(index.versions) == PUBLISHERS // 2
        for entry in index.versions:
            found.add(read_file(reader, read_release(reader, name, entry), FILES[1]))
    assert len(found) == PUBLISHERS


def test_a_thousand_versions_are_listed_and_the_latest_pulled_in_a_second(tmp_path: Path) -> None:
    published(tmp_path)
    reader = open_reader(str(tmp_path / "store"))
    first = read_index(reader, "walk").latest
    entries = tuple(first.model_copy(update={"version": f"1.{number}.0"}) for number in range(1000))
    index = Index(name="walk", versions=entries)
    (tmp_path / "store/walk/index.json").write_bytes(sealed(index))
    published(tmp_path, "two")
    start = time.process_time()  # of this process alone, whatever else the machine does
    (listed,) = list_models(str(tmp_path / "store"))
    pull(tmp_path / "store", tmp_path / "into")
    assert time.process_time() - start < 1
    assert (len(listed.versions), listed.latest.version) == (1001, "1.1000.0")
    assert (tmp_path / "into" / FILES[1]).read_bytes() == (tmp_path / "files-two" / FILES[1]).read_bytes()
