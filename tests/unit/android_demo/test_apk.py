"""tools/apk.py: an APK that a phone or a store would refuse is refused here."""

import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.unit.android_demo.test_tools import DEMO, tool

apk = tool("apk")
TARGET = DEMO / "app" / "target"
AAPT2 = TARGET / "tools/prebuilt/linux/aapt2"
Entry = tuple[str, bytes, bool]


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """What `make android` packed, to be damaged."""
    packed = [TARGET / "app-debug.apk", TARGET / "app-release.apk", TARGET / "debug.keystore", AAPT2]
    if not all(path.exists() for path in packed):
        pytest.skip("make android writes it")
    for path in packed:
        shutil.copyfile(path, tmp_path / path.name)
    (tmp_path / "aapt2").chmod(0o755)
    return tmp_path


def repack(target: Path, change: Callable[[Entry], Entry | None]) -> None:
    """The debug APK anew, each entry changed or left out; aligned and signed as before."""

    def entries() -> Iterator[Entry]:
        with zipfile.ZipFile(target / "app-debug.apk") as whole:
            for info in whole.infolist():
                entry = change((info.filename, whole.read(info), info.compress_type == zipfile.ZIP_STORED))
                if entry is not None and not info.filename.startswith("META-INF/"):
                    yield entry

    unsigned = target / "unsigned.apk"
    apk._write_zip(unsigned, entries())
    apk._sign(unsigned, target / "app-debug.apk", target / "debug.keystore")


def refused(target: Path, match: str, release: bool = False) -> None:
    with pytest.raises(apk.PackingError, match=match):
        apk.check(target / "aapt2", target, release=release)


@pytest.mark.parametrize("release", [False, True])
def test_what_was_packed_passes(target: Path, release: bool) -> None:
    found = "\n".join(apk.check(target / "aapt2", target, release=release))
    assert ("ABIs arm64-v8a, x86_64" in found) is not release
    assert "5 classes" in found


def test_repacking_alone_changes_nothing_that_is_checked(target: Path) -> None:
    repack(target, lambda entry: entry)
    assert apk.check(target / "aapt2", target, release=False)


def test_a_changed_byte_breaks_the_signature(target: Path) -> None:
    path = target / "app-debug.apk"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    refused(target, "apksigner failed")


def test_a_compressed_model_is_refused(target: Path) -> None:
    repack(target, lambda entry: (*entry[:2], entry[2] and not entry[0].endswith(".tflite")))
    refused(target, r"\.tflite is compressed")


def test_another_set_of_libraries_is_refused(target: Path) -> None:
    repack(target, lambda entry: None if "/x86_64/" in entry[0] else entry)
    refused(target, r"libraries for \['arm64-v8a'\]")


def test_a_class_that_was_shrunk_away_is_missed(target: Path) -> None:
    gone = b"Ldev/smldist/app/VerifyActivity;"
    repack(target, lambda entry: (entry[0], entry[1].replace(gone, gone[:-2] + b"X;"), entry[2]))
    refused(target, "lacks classes of the manifest: VerifyActivity")


def test_a_permission_for_the_network_is_refused(target: Path) -> None:
    asked, network = (f"android.permission.{name}".encode("utf-16-le") for name in ("WAKE_LOCK", "A_NETWORK"))

    def change(entry: Entry) -> Entry:
        name, content, stored = entry
        return name, content.replace(asked, network) if name == "AndroidManifest.xml" else content, stored

    repack(target, change)
    refused(target, r"asks for android\.permission\.A_NETWORK")


def test_a_release_that_grew_too_large_is_refused(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apk, "RELEASE_LIMIT", 1_000_000)
    refused(target, "at most 1000000 are allowed", release=True)
