"""Fetching, against a server on this machine: what breaks on the way must leave nothing behind."""

import io
import json
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from factory.contracts.errors import ArtifactError, DataError, StorageError
from factory.contracts.progress import Silent
from factory.data.fetch import RECORD, Download, fetch


class Served:
    """What the server answers."""

    body = b""
    announced: int | None = None
    location: str | None = None
    status = 200
    requests = 0


@pytest.fixture
def served() -> Served:
    return Served()


@pytest.fixture
def url(served: Served) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.requests += 1
            self.send_response(served.status)
            if served.location is not None:
                self.send_header("Location", served.location)
            self.send_header("Content-Length", str(served.announced or len(served.body)))
            self.end_headers()
            self.wfile.write(served.body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/tiny.zip"
    server.shutdown()
    server.server_close()
    thread.join()


def zipped(members: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


def tiny(url: str) -> Download:
    def complete(folder: Path) -> None:
        if not (folder / "Tiny Set" / "a.txt").is_file():
            raise DataError(f"tiny: found no 'Tiny Set' in {folder}")

    return Download(name="tiny", urls=(url,), complete=complete)


def nothing_left(data: Path) -> bool:
    return {path.name for path in data.iterdir()} <= {".fetch.lock"}


GOOD = zipped({"Tiny Set/a.txt": b"1 2 3\n", "Tiny Set/deep/b.txt": b"4\n", "__MACOSX/._a": b"litter"})


def test_an_archive_is_unpacked_and_its_hash_recorded(served: Served, url: str, tmp_path: Path) -> None:
    served.body = GOOD
    folder = fetch(tiny(url), tmp_path / "data", Silent())
    assert (folder / "Tiny Set" / "a.txt").read_bytes() == b"1 2 3\n"
    assert not (folder / "__MACOSX").exists()
    record = json.loads((tmp_path / "data" / RECORD).read_text())
    assert record["archives"][url]["size_bytes"] == len(GOOD)
    assert not list((tmp_path / "data").glob(".fetch-*"))


def test_a_zip_inside_the_zip_is_unpacked_too(served: Served, url: str, tmp_path: Path) -> None:
    served.body = zipped({"Tiny Set.zip": GOOD, "names.txt": b"hello"})
    folder = fetch(tiny(url), tmp_path, Silent())
    assert (folder / "Tiny Set" / "a.txt").is_file()
    assert not (folder / "Tiny Set.zip").exists()


def test_what_is_there_is_not_downloaded_again(served: Served, url: str, tmp_path: Path) -> None:
    served.body = GOOD
    fetch(tiny(url), tmp_path, Silent())
    fetch(tiny(url), tmp_path, Silent())
    assert served.requests == 1


def test_a_changed_download_is_refused_and_the_old_data_stay(served: Served, url: str, tmp_path: Path) -> None:
    served.body = GOOD
    fetch(tiny(url), tmp_path, Silent())
    served.body = zipped({"Tiny Set/a.txt": b"other"})
    with pytest.raises(ArtifactError, match="not what was downloaded first"):
        fetch(tiny(url), tmp_path, Silent(), again=True)
    assert (tmp_path / "tiny" / "Tiny Set" / "a.txt").read_bytes() == b"1 2 3\n"


def test_an_equal_download_replaces_the_old_data(served: Served, url: str, tmp_path: Path) -> None:
    served.body = GOOD
    fetch(tiny(url), tmp_path, Silent())
    (tmp_path / "tiny" / "Tiny Set" / "a.txt").write_text("damaged")
    fetch(tiny(url), tmp_path, Silent(), again=True)
    assert (tmp_path / "tiny" / "Tiny Set" / "a.txt").read_bytes() == b"1 2 3\n"


def test_a_broken_off_transfer_leaves_nothing(served: Served, url: str, tmp_path: Path) -> None:
    served.body, served.announced = GOOD[:100], len(GOOD)
    with pytest.raises(DataError, match=r"broke off.*unpack it into"):
        fetch(tiny(url), tmp_path, Silent())
    assert nothing_left(tmp_path)


def test_a_truncated_archive_leaves_nothing(served: Served, url: str, tmp_path: Path) -> None:
    served.body = GOOD[:-40]
    with pytest.raises(DataError, match=r"not a complete zip.*download it again"):
        fetch(tiny(url), tmp_path, Silent())
    assert nothing_left(tmp_path)


def test_a_damaged_deflate_stream_leaves_nothing(served: Served, url: str, tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("Tiny Set/a.txt", " ".join(str(number * 7919 % 1000) for number in range(500)))
    start = 30 + len("Tiny Set/a.txt")
    served.body = packed.getvalue()[:start] + b"\xff" * 20 + packed.getvalue()[start + 20 :]
    with pytest.raises(DataError, match=r"not a complete zip.*download it again"):
        fetch(tiny(url), tmp_path, Silent())
    assert nothing_left(tmp_path)


def test_a_damaged_member_is_noticed(served: Served, url: str, tmp_path: Path) -> None:
    stored = io.BytesIO()
    with zipfile.ZipFile(stored, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("Tiny Set/a.txt", "0123456789" * 10)
    served.body = stored.getvalue().replace(b"0123456789", b"0123456780", 1)
    with pytest.raises(DataError, match="not a complete zip"):
        fetch(tiny(url), tmp_path, Silent())
    assert nothing_left(tmp_path)


@pytest.mark.parametrize("name", ["../escaped.txt", "/escaped.txt", "a/../../escaped.txt", "..\\escaped.txt", "C:/x"])
def test_a_member_outside_the_folder_is_refused(served: Served, url: str, tmp_path: Path, name: str) -> None:
    served.body = zipped({"Tiny Set/a.txt": b"1", name: b"evil"})
    with pytest.raises(ArtifactError, match="outside its folder"):
        fetch(tiny(url), tmp_path / "data", Silent())
    assert nothing_left(tmp_path / "data")
    assert not (tmp_path / "escaped.txt").exists()


def test_a_link_is_refused(served: Served, url: str, tmp_path: Path) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        link = zipfile.ZipInfo("Tiny Set/link")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    served.body = stream.getvalue()
    with pytest.raises(ArtifactError, match="outside its folder"):
        fetch(tiny(url), tmp_path, Silent())


def test_an_archive_of_another_layout_is_refused(served: Served, url: str, tmp_path: Path) -> None:
    served.body = zipped({"other/a.txt": b"1"})
    with pytest.raises(DataError, match=r"not laid out.*Tiny Set"):
        fetch(tiny(url), tmp_path, Silent())
    assert nothing_left(tmp_path)


def test_no_server_names_the_address_and_the_folder(url: str, tmp_path: Path) -> None:
    dead = "http://127.0.0.1:9/tiny.zip"
    with pytest.raises(DataError) as caught:
        fetch(tiny(dead), tmp_path, Silent())
    assert dead in str(caught.value)
    assert str(tmp_path / "tiny") in str(caught.value)
    assert "\n" not in str(caught.value)
    assert nothing_left(tmp_path)


def test_a_missing_page_names_the_status(served: Served, url: str, tmp_path: Path) -> None:
    served.status = 404
    with pytest.raises(DataError, match="404"):
        fetch(tiny(url), tmp_path, Silent())


def test_plain_http_is_not_fetched(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="only https"):
        fetch(tiny("http://example.org/tiny.zip"), tmp_path, Silent())


def test_a_damaged_record_is_named(served: Served, url: str, tmp_path: Path) -> None:
    served.body = GOOD
    (tmp_path / RECORD).write_text('{"archives": 3}')
    with pytest.raises(ArtifactError, match=RECORD):
        fetch(tiny(url), tmp_path, Silent())


def test_two_fetches_at_once_are_refused(served: Served, url: str, tmp_path: Path) -> None:
    from filelock import FileLock

    served.body = GOOD
    with FileLock(tmp_path / ".fetch.lock"), pytest.raises(StorageError, match="another process"):
        fetch(tiny(url), tmp_path, Silent())


def test_a_redirect_to_an_unencrypted_address_is_refused(served: Served, url: str, tmp_path: Path) -> None:
    served.status, served.location = 302, "http://example.invalid/tiny.zip"
    with pytest.raises(DataError, match=r"http://example.invalid/tiny.zip is not fetched: only https"):
        fetch(tiny(url), tmp_path, Silent())
    assert served.requests == 1
    assert nothing_left(tmp_path)
