"""Pulling: every byte is checked, nothing is written elsewhere, and what was begun goes on."""

import functools
import hashlib
import http.server
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from factory.artifacts.documents import sealed, unsealed
from factory.artifacts.publishing import publish_draft
from factory.artifacts.pulling import PULLED, pull_files, read_pulled, require_pulled
from factory.artifacts.reader import BLOCK, open_reader, read_catalogue, read_index, read_release
from factory.artifacts.seen import Memory
from factory.contracts.errors import ArtifactError, StorageError
from factory.contracts.files import sha256_file
from factory.contracts.progress import Silent
from factory.contracts.release import Index, Pulled, Release, ReleaseFile
from tests.unit.artifacts.drafts import FILES, draft, published, pull


class Server(http.server.SimpleHTTPRequestHandler):
    """Plain files, in the middle too; breaks off after `broken` bytes of a body, once."""

    broken: int | None = None
    ranges: list[str] = []  # noqa: RUF012

    def do_GET(self) -> None:
        path = Path(self.translate_path(self.path))
        if not path.is_file():
            self.send_error(404)
            return
        content, asked = path.read_bytes(), self.headers.get("Range")
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0
        if asked:
            Server.ranges.append(asked)
        self.send_response(206 if asked else 200)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        if "blobs" in self.path and Server.broken is not None:
            self.wfile.write(content[start : start + Server.broken])
            Server.broken = None
            self.close_connection = True
            return
        self.wfile.write(content[start:])

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Quiet."""


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    Server.broken, Server.ranges = None, []
    handler = functools.partial(Server, directory=str(tmp_path / "store"))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_pulled_folder_holds_what_was_published(tmp_path: Path) -> None:
    published(tmp_path)
    pulled = pull(tmp_path / "store", tmp_path / "into")
    for path in FILES:
        assert (tmp_path / "into" / path).read_bytes() == (tmp_path / "files-one" / path).read_bytes()
    assert read_pulled(tmp_path / "into") == pulled
    require_pulled(tmp_path / "into", pulled)
    names = {str(path.relative_to(tmp_path / "into")) for path in (tmp_path / "into").rglob("*") if path.is_file()}
    assert names == {*FILES, "README.md", PULLED}


def test_another_version_replaces_what_was_pulled(tmp_path: Path) -> None:
    published(tmp_path)
    pull(tmp_path / "store", tmp_path / "into")
    published(tmp_path, "two")
    reader = open_reader(str(tmp_path / "store"))
    release = read_release(reader, "walk", read_index(reader, "walk").latest)
    pull_files(reader, release, [release.file(FILES[1])], tmp_path / "into", Silent())
    assert (tmp_path / "into" / FILES[1]).read_bytes() == (tmp_path / "files-two" / FILES[1]).read_bytes()
    assert not (tmp_path / "into" / FILES[2]).exists()


def test_a_folder_of_other_files_is_not_written_into(tmp_path: Path) -> None:
    published(tmp_path)
    (tmp_path / "into").mkdir()
    (tmp_path / "into/thesis.txt").write_text("mine")
    with pytest.raises(StorageError, match="holds files that no pull wrote"):
        pull(tmp_path / "store", tmp_path / "into")
    assert [path.name for path in (tmp_path / "into").iterdir()] == ["thesis.txt"]


def test_a_changed_pulled_file_is_found(tmp_path: Path) -> None:
    published(tmp_path)
    pulled = pull(tmp_path / "store", tmp_path / "into")
    (tmp_path / "into" / FILES[1]).write_text("other")
    with pytest.raises(ArtifactError, match="not what was pulled: pull it again"):
        require_pulled(tmp_path / "into", pulled)


def catalogue(store: Path, _: Path) -> object:
    return read_catalogue(open_reader(str(store)))


def test_every_flipped_byte_is_refused(tmp_path: Path) -> None:
    """At every position of every file that a pull or a list reads."""
    published(tmp_path)
    files = [path for path in (tmp_path / "store").rglob("*") if path.is_file() and not path.name.startswith(".")]
    seen = 0
    for path in files:
        read = catalogue if path.name == "store.json" else pull
        content = path.read_bytes()
        for position in range(len(content)):
            path.write_bytes(content[:position] + bytes([content[position] ^ 1]) + content[position + 1 :])
            with pytest.raises(ArtifactError):
                read(tmp_path / "store", tmp_path / "into")
            seen += 1
        path.write_bytes(content)
    assert seen > 500
    assert not [path for path in (tmp_path / "into").rglob("*") if path.is_file() and ".pull" not in path.parts]
    pull(tmp_path / "store", tmp_path / "into")


@pytest.mark.parametrize("change", [lambda text: text[:-5], lambda text: text * 2, lambda _: b""])
def test_truncated_and_too_long_files_are_refused(tmp_path: Path, change: Callable[[bytes], bytes]) -> None:
    release = published(tmp_path)
    blob = tmp_path / "store" / release.place(release.file(FILES[1]))
    content = blob.read_bytes()
    for path in (blob, tmp_path / "store/walk/1.0.0/release.json", tmp_path / "store/walk/index.json"):
        before = path.read_bytes()
        path.write_bytes(change(before))
        with pytest.raises(ArtifactError):
            pull(tmp_path / "store", tmp_path / "into")
        path.write_bytes(before)
    assert blob.read_bytes() == content
    pull(tmp_path / "store", tmp_path / "into")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    release = published(tmp_path)
    (tmp_path / "store" / release.place(release.file(FILES[2]))).unlink()
    with pytest.raises(ArtifactError, match=rf"{FILES[2]} of walk 1\.0\.0 is missing"):
        pull(tmp_path / "store", tmp_path / "into")
    assert not (tmp_path / "into" / FILES[0]).exists()


def forged(store: Path, path: str, content: bytes) -> None:
    """A release with a file at `path`, every hash made anew; its model skips the check of paths."""
    digest = hashlib.sha256(content).hexdigest()
    (store / "blobs" / digest[:2]).mkdir(exist_ok=True)
    (store / "blobs" / digest[:2] / digest).write_bytes(content)
    index_path, release_path = store / "walk/index.json", store / "walk/1.0.0/release.json"
    release = unsealed(Release, release_path.read_bytes(), "")
    file = ReleaseFile.model_construct(path=path, sha256=digest, size_bytes=len(content))
    release_path.write_bytes(sealed(release.model_copy(update={"files": (*release.files, file)})))
    index = unsealed(Index, index_path.read_bytes(), "")
    hashed = {"release": sha256_file(release_path), "size_bytes": release_path.stat().st_size}
    index_path.write_bytes(sealed(index.model_copy(update={"versions": (index.latest.model_copy(update=hashed),)})))


@pytest.mark.parametrize(
    "path",
    ["../out", "/out", "a/../../out", "a\\..\\out", "C:/out", ".ssh/out", "a/./out", "a//out", "", "out\x00", "out\n"],
)
def test_a_path_out_of_the_folder_is_refused(tmp_path: Path, path: str) -> None:
    published(tmp_path)
    forged(tmp_path / "store", path, b"evil")
    with pytest.raises(ArtifactError, match="corrupt"):
        pull(tmp_path / "store", tmp_path / "into")
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "into").exists()


def test_a_forged_release_with_a_usual_path_is_pulled(tmp_path: Path) -> None:
    """The test above fails for the path, not for the forgery."""
    published(tmp_path)
    forged(tmp_path / "store", "a/out", b"good")
    pull(tmp_path / "store", tmp_path / "into")
    assert (tmp_path / "into/a/out").read_bytes() == b"good"


@pytest.mark.parametrize("path", ["README.md/out", "readme.md", "manifest.json/a/b"])
def test_paths_that_collide_are_refused(tmp_path: Path, path: str) -> None:
    published(tmp_path)
    forged(tmp_path / "store", path, b"evil")
    with pytest.raises(ArtifactError, match="corrupt"):
        pull(tmp_path / "store", tmp_path / "into")


def test_links_in_the_folder_are_not_followed(tmp_path: Path) -> None:
    published(tmp_path)
    pull(tmp_path / "store", tmp_path / "into")
    (tmp_path / "elsewhere").mkdir()
    for path in (tmp_path / "into/tflite").iterdir():
        path.unlink()
    (tmp_path / "into/tflite").rmdir()
    (tmp_path / "into/tflite").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ArtifactError, match="leads out of"):
        pull(tmp_path / "store", tmp_path / "into")
    assert not list((tmp_path / "elsewhere").iterdir())


def test_a_file_larger_than_the_disk_is_refused_before_it_is_fetched(tmp_path: Path) -> None:
    published(tmp_path)
    reader = open_reader(str(tmp_path / "store"))
    release = read_release(reader, "walk", read_index(reader, "walk").latest)
    huge = release.files[1].model_copy(update={"size_bytes": 10**18})
    with pytest.raises(StorageError, match="MB are free"):
        pull_files(reader, release, [huge], tmp_path / "into", Silent())


def test_a_store_behind_a_web_server_is_pulled(tmp_path: Path, address: str) -> None:
    published(tmp_path)
    pull(address, tmp_path / "into")
    assert (tmp_path / "into" / FILES[1]).read_bytes() == (tmp_path / "files-one" / FILES[1]).read_bytes()


def test_an_interrupted_pull_goes_on_where_it_was(tmp_path: Path, address: str) -> None:
    large = draft(tmp_path / "large")
    (tmp_path / "large" / FILES[0]).write_bytes(os.urandom(5 * BLOCK))
    publish_draft(tmp_path / "store", large)
    Server.broken = 3 * BLOCK + 7
    with pytest.raises(StorageError, match="run the same command again"):
        pull(address, tmp_path / "into")
    assert not (tmp_path / "into" / FILES[0]).exists()
    pull(address, tmp_path / "into")
    assert Server.ranges == [f"bytes={3 * BLOCK}-"]
    assert (tmp_path / "into" / FILES[0]).read_bytes() == (tmp_path / "large" / FILES[0]).read_bytes()


def test_a_pull_killed_while_files_appear_goes_on(tmp_path: Path) -> None:
    published(tmp_path)
    pull(tmp_path / "store", tmp_path / "into")
    (tmp_path / "into/.pull").mkdir()
    (tmp_path / "into" / PULLED).unlink()
    pull(tmp_path / "store", tmp_path / "into")
    assert (tmp_path / "into" / PULLED).is_file()


def test_an_unsafe_address_is_refused() -> None:
    with pytest.raises(StorageError, match="use its https address"):
        open_reader("http://example.org/store")
    with pytest.raises(StorageError, match="a store is a folder, an https address"):
        open_reader("ftp://example.org/store")


def test_a_model_that_is_not_there_lists_those_that_are(tmp_path: Path) -> None:
    published(tmp_path)
    with pytest.raises(ArtifactError, match=r"holds no model 'run': it has walk"):
        read_index(open_reader(str(tmp_path / "store")), "run")
    with pytest.raises(ArtifactError, match=r"has no version 3\.0\.0: choose one of 1\.0\.0"):
        pull(tmp_path / "store", tmp_path / "into", "3.0.0")


def remembered(tmp_path: Path) -> tuple[Memory, Index]:
    index = read_index(open_reader(str(tmp_path / "store")), "walk")
    memory = Memory(folder=tmp_path / "memory")
    memory.remember("here", index, index.latest, None)
    return memory, index


def test_a_latest_that_went_back_is_refused(tmp_path: Path) -> None:
    published(tmp_path)
    old = (tmp_path / "store/walk/index.json").read_bytes()
    published(tmp_path, "two")
    memory, index = remembered(tmp_path)
    memory.require_not_older("here", index, memory.of("here", "walk"))
    (tmp_path / "store/walk/index.json").write_bytes(old)
    older = read_index(open_reader(str(tmp_path / "store")), "walk")
    with pytest.raises(ArtifactError, match=r"1\.1\.0 was seen before, so this is an older state"):
        memory.require_not_older("here", older, memory.of("here", "walk"))
    with pytest.raises(ArtifactError, match="older state"):
        memory.remember("here", older, older.latest, None)
    assert memory.of("there", "walk") is None


def test_a_version_that_became_another_is_refused(tmp_path: Path) -> None:
    published(tmp_path)
    memory, _ = remembered(tmp_path)
    forged(tmp_path / "store", "a/out", b"evil")
    index = read_index(open_reader(str(tmp_path / "store")), "walk")
    with pytest.raises(ArtifactError, match="versions never change"):
        memory.require_not_older("here", index, memory.of("here", "walk"))


def test_a_damaged_record_is_told(tmp_path: Path) -> None:
    (tmp_path / PULLED).write_text("{")
    with pytest.raises(ArtifactError, match="pull into another folder"):
        read_pulled(tmp_path)
    (tmp_path / "seen.json").write_text("{")
    with pytest.raises(ArtifactError, match="is damaged: remove it if you trust your stores"):
        Memory(folder=tmp_path).of("here", "walk")


def test_a_record_of_an_earlier_pull_deletes_nothing_elsewhere(tmp_path: Path) -> None:
    published(tmp_path)
    pull(tmp_path / "store", tmp_path / "into")
    (tmp_path / "mine").write_text("mine")
    record = read_pulled(tmp_path / "into")
    assert isinstance(record, Pulled)
    text = (tmp_path / "into" / PULLED).read_text().replace(FILES[1], "../mine")
    (tmp_path / "into" / PULLED).write_text(text)
    with pytest.raises(ArtifactError, match="corrupt"):
        pull(tmp_path / "store", tmp_path / "into")
    assert (tmp_path / "mine").exists()
    assert os.listdir(tmp_path / "into/tflite")  # noqa: PTH208
