"""Stores in an object store, on fsspec's own: what is published there is what a folder would hold."""

import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from factory.artifacts import remote
from factory.artifacts.pulling import pull_files
from factory.artifacts.reader import open_reader, read_catalogue, read_index, read_release
from factory.artifacts.remote import Remote, publish_remote
from factory.contracts.errors import ArtifactError, MissingToolError, StorageError
from factory.contracts.progress import Silent
from tests.unit.artifacts.drafts import FILES, draft, pull

fsspec = pytest.importorskip("fsspec", reason="needs fsspec: pip install 'smldist-factory[remote]'")
STORE = "memory://models/store"
PUBLISHERS = 8


@pytest.fixture
def files() -> Iterator[Any]:
    """An empty object store."""
    memory = fsspec.filesystem("memory")
    memory.store.clear()
    memory.pseudo_dirs[:] = [""]
    yield memory
    memory.store.clear()
    memory.pseudo_dirs[:] = [""]


def test_what_is_published_is_pulled(files: Any, tmp_path: Path) -> None:
    publish_remote(STORE, draft(tmp_path / "one"))
    publish_remote(STORE, draft(tmp_path / "two", "two"))
    assert [entry.version for entry in read_index(open_reader(STORE), "walk").versions] == ["1.0.0", "1.1.0"]
    pull(STORE, tmp_path / "into")
    assert (tmp_path / "into" / FILES[1]).read_bytes() == (tmp_path / "two" / FILES[1]).read_bytes()
    pull(STORE, tmp_path / "older", "1.0.0")
    assert (tmp_path / "older" / FILES[1]).read_bytes() == (tmp_path / "one" / FILES[1]).read_bytes()
    assert read_catalogue(open_reader(STORE)).models == ("walk",)
    assert not files.exists("/models/store/.lock")


def test_a_version_there_is_never_replaced(files: Any, tmp_path: Path) -> None:
    publish_remote(STORE, draft(tmp_path / "one"), "1.0.0")
    before = dict(files.store)
    with pytest.raises(ArtifactError, match="is published already and never changes"):
        publish_remote(STORE, draft(tmp_path / "two", "two"), "1.0.0")
    assert files.store == before


def test_every_changed_object_is_refused(files: Any, tmp_path: Path) -> None:
    publish_remote(STORE, draft(tmp_path / "one"))
    read = [path for path in files.store if not path.endswith("store.json")]
    assert len(read) == len(FILES) + 3
    for number, path in enumerate(read):
        content = files.cat_file(path)
        files.pipe_file(path, content[:-2] + bytes([content[-2] ^ 1]) + content[-1:])
        with pytest.raises(ArtifactError):
            pull(STORE, tmp_path / str(number))
        files.pipe_file(path, content)
    pull(STORE, tmp_path / "into")


def test_publishers_at_the_same_time_lose_nothing(files: Any, tmp_path: Path) -> None:
    failed: list[BaseException] = []

    def publish_one(number: int) -> None:
        try:
            publish_remote(STORE, draft(tmp_path / str(number), str(number)))
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=publish_one, args=(number,)) for number in range(PUBLISHERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failed == []
    reader = open_reader(STORE)
    index = read_index(reader, "walk")
    assert len(index.versions) == PUBLISHERS
    for entry in index.versions:
        pull_files(reader, read_release(reader, "walk", entry), (), tmp_path / f"into{entry.version}", Silent())


def test_a_publisher_that_died_is_named(files: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files.pipe_file("/models/store/.lock", b"process 7 on elsewhere, 2026-01-01T00:00:00Z")
    with (
        pytest.raises(StorageError, match=r"by process 7 on elsewhere.*remove memory://models/store/\.lock"),
        Remote(STORE).alone(wait_s=0),
    ):
        pass
    assert files.exists("/models/store/.lock")


def test_a_place_of_other_files_is_not_made_a_store(files: Any, tmp_path: Path) -> None:
    files.pipe_file("/models/store/thesis.txt", b"mine")
    with pytest.raises(StorageError, match="holds files that are no store"):
        publish_remote(STORE, draft(tmp_path / "one"))
    assert list(files.store) == ["/models/store/thesis.txt"]


def test_a_library_that_fails_is_one_line(files: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise ValueError("no\ncredentials")

    store = Remote(STORE)
    monkeypatch.setattr(type(store._files), "open", refuse)
    with pytest.raises(StorageError, match=r"cannot be reached \(ValueError: no credentials\): check address"):
        store.read("store.json")


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    with pytest.raises(MissingToolError, match=r"pip install 'smldist-factory\[remote\]'"):
        open_reader("s3://bucket/store")


def test_only_kinds_that_are_read_safely_are_read() -> None:
    for address in ("ftp://host/store", "github://owner:name@/store", "sftp://host/store"):
        with pytest.raises(StorageError, match="a store is a folder, an https address, or s3"):
            open_reader(address)
    assert not remote.is_remote("models")
