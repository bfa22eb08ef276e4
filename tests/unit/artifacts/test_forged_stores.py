"""Stores whose documents are well formed but say something else than what was asked for."""

import shutil
from pathlib import Path

import pytest
import requests

from factory.artifacts.documents import sealed
from factory.artifacts.pulling import pull_files
from factory.artifacts.reader import Web, open_reader, read_file, read_index, read_release
from factory.contracts.errors import ArtifactError, StorageError
from factory.contracts.files import sha256_file
from factory.contracts.progress import Silent
from factory.contracts.release import Index
from tests.unit.artifacts.drafts import FILES, published, pull
from tests.unit.artifacts.test_pulling import Server, address

__all__ = ["address"]


def test_another_release_than_the_index_lists_is_refused(tmp_path: Path) -> None:
    """Both are whole; their bytes are as many."""
    published(tmp_path)
    published(tmp_path, "two")
    store = tmp_path / "store/walk"
    shutil.copy(store / "1.1.0/release.json", store / "1.0.0/release.json")
    with pytest.raises(ArtifactError, match=r"1\.0\.0/release\.json has SHA-256 .*, the index says"):
        pull(tmp_path / "store", tmp_path / "into", "1.0.0")


def test_a_release_of_another_version_is_refused_even_with_its_hash(tmp_path: Path) -> None:
    published(tmp_path)
    published(tmp_path, "two")
    store = tmp_path / "store/walk"
    shutil.copy(store / "1.1.0/release.json", store / "1.0.0/release.json")
    index = read_index(open_reader(str(tmp_path / "store")), "walk")
    hashed = index.versions[0].model_copy(update={"release": index.versions[1].release})
    (store / "index.json").write_bytes(sealed(index.model_copy(update={"versions": (hashed, index.versions[1])})))
    with pytest.raises(ArtifactError, match=r"is walk 1\.1\.0: do not use this store"):
        pull(tmp_path / "store", tmp_path / "into", "1.0.0")


def test_the_index_of_another_model_is_refused(tmp_path: Path) -> None:
    published(tmp_path)
    shutil.copytree(tmp_path / "store/walk", tmp_path / "store/run")
    with pytest.raises(ArtifactError, match="is the index of 'walk'"):
        read_index(open_reader(str(tmp_path / "store")), "run")


def test_an_index_with_versions_out_of_order_is_refused(tmp_path: Path) -> None:
    published(tmp_path)
    published(tmp_path, "two")
    index = read_index(open_reader(str(tmp_path / "store")), "walk")
    for versions in (index.versions[::-1], (index.versions[0],) * 2):
        content = sealed(Index.model_construct(**{**dict(index), "versions": versions}))
        (tmp_path / "store/walk/index.json").write_bytes(content)
        with pytest.raises(ArtifactError, match="versions do not rise"):
            read_index(open_reader(str(tmp_path / "store")), "walk")


def test_a_checksum_of_other_content_is_refused(tmp_path: Path) -> None:
    published(tmp_path)
    path = tmp_path / "store/walk/index.json"
    text = path.read_text()
    path.write_text(text.replace('"size_bytes": ', '"size_bytes": 1'))
    with pytest.raises(ArtifactError, match="was changed, its checksum is another"):
        read_index(open_reader(str(tmp_path / "store")), "walk")


def test_a_small_file_that_was_changed_or_grew_is_refused(tmp_path: Path) -> None:
    release = published(tmp_path)
    reader = open_reader(str(tmp_path / "store"))
    path = tmp_path / "store" / release.place(release.file(FILES[0]))
    content = path.read_bytes()
    path.write_bytes(content[::-1])
    with pytest.raises(ArtifactError, match=r"manifest\.json of walk 1\.0\.0 has SHA-256"):
        read_file(reader, release, FILES[0])
    path.write_bytes(content * 2)
    with pytest.raises(ArtifactError, match="is larger than"):
        read_file(reader, release, FILES[0])


def test_a_file_that_never_ends_is_cut_off(tmp_path: Path) -> None:
    """What is fetched of it stays below the release's size."""
    release = published(tmp_path)
    path = tmp_path / "store" / release.place(release.file(FILES[1]))
    path.write_bytes(bytes(10_000_000))
    size = release.file(FILES[1]).size_bytes
    with pytest.raises(
        ArtifactError, match=rf"has at least \d{{1,6}} bytes that are not those of the release \({size} bytes"
    ):
        pull(tmp_path / "store", tmp_path / "into")


def test_equal_files_of_one_release_all_appear(tmp_path: Path) -> None:
    release = published(tmp_path)
    twin = release.file(FILES[1]).model_copy(update={"path": "twin"})
    reader = open_reader(str(tmp_path / "store"))
    pull_files(reader, release, [release.file(FILES[1]), twin], tmp_path / "into", Silent())
    assert (tmp_path / "into/twin").read_bytes() == (tmp_path / "into" / FILES[1]).read_bytes()


def test_a_folder_of_another_model_is_not_written_into(tmp_path: Path) -> None:
    published(tmp_path)
    published(tmp_path, "two", name="run")
    reader = open_reader(str(tmp_path / "store"))
    pull(tmp_path / "store", tmp_path / "into")
    release = read_release(reader, "run", read_index(reader, "run").latest)
    with pytest.raises(StorageError, match="holds the model 'walk'"):
        pull_files(reader, release, release.files, tmp_path / "into", Silent())


def test_nothing_is_fetched_through_a_link(tmp_path: Path) -> None:
    release = published(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "into").mkdir()
    (tmp_path / "into/.pull").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ArtifactError, match="is a link, nothing is written through it"):
        pull(tmp_path / "store", tmp_path / "into")
    assert not list((tmp_path / "elsewhere").iterdir())
    (tmp_path / "into/.pull").unlink()
    (tmp_path / "into/.pull").mkdir()
    (tmp_path / "mine").write_bytes(b"")
    (tmp_path / "into/.pull" / release.file(FILES[1]).sha256).symlink_to(tmp_path / "mine")
    pull(tmp_path / "store", tmp_path / "into")
    assert (tmp_path / "mine").read_bytes() == b""
    assert not (tmp_path / "into" / FILES[1]).is_symlink()


def test_a_server_that_sends_all_again_is_read_from_the_middle(
    tmp_path: Path, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    published(tmp_path)
    whole = (tmp_path / "store/walk/index.json").read_bytes()

    class Plain(requests.Session):
        def prepare_request(self, request: requests.Request) -> requests.PreparedRequest:
            request.headers = {"Accept-Encoding": "identity"}
            return super().prepare_request(request)

    monkeypatch.setattr(requests, "Session", Plain)
    assert b"".join(Web(address).blocks("walk/index.json", 10)) == whole[10:]


def test_a_redirect_to_plain_http_is_refused(tmp_path: Path, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    published(tmp_path)

    def redirect(server: Server) -> None:
        server.send_response(302)
        server.send_header("Location", "http://example.org/index.json")
        server.send_header("Content-Length", "0")
        server.end_headers()

    monkeypatch.setattr(Server, "do_GET", redirect)
    with pytest.raises(StorageError, match="use its https address"):
        b"".join(Web(address).blocks("walk/index.json"))


def test_hashes_of_the_index_are_those_of_the_files(tmp_path: Path) -> None:
    published(tmp_path)
    entry = read_index(open_reader(str(tmp_path / "store")), "walk").latest
    assert entry.release == sha256_file(tmp_path / "store/walk/1.0.0/release.json")
