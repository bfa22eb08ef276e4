"""tools/apk.py: an APK that a phone or a store would refuse is refused here."""

import shutil
import struct
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


def elf(*segments: tuple[int, int, int, int], kind: int = 3) -> bytes:
    """A 64-bit ELF file of program headers alone; a segment is p_type, p_offset, p_vaddr and p_align."""
    head = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    head += struct.pack("<2HI3QI6H", kind, 183, 1, 0, 64, 0, 0, 64, 56, len(segments), 64, 0, 0)
    return head + b"".join(
        struct.pack("<2I6Q", p, 5, at, where, where, 8, 8, align) for p, at, where, align in segments
    )


def refused(target: Path, match: str, release: bool = False) -> None:
    with pytest.raises(apk.PackingError, match=match):
        apk.check(target / "aapt2", target, release=release)


@pytest.mark.parametrize("release", [False, True])
def test_what_was_packed_passes(target: Path, release: bool) -> None:
    found = "\n".join(apk.check(target / "aapt2", target, release=release))
    assert ("ABIs arm64-v8a, x86_64" in found) is not release
    assert "7 classes" in found


def test_repacking_alone_changes_nothing_that_is_checked(target: Path) -> None:
    repack(target, lambda entry: entry)
    assert apk.check(target / "aapt2", target, release=False)


def test_a_library_loads_on_pages_as_large_as_its_least_aligned_segment() -> None:
    wide, narrow = (1, 0, 0, 16384), (1, 0x1000, 0x2000, 4096)
    assert apk.load_alignment("a.so", elf(wide, wide)) == 16384
    assert apk.load_alignment("a.so", elf(wide, narrow)) == 4096
    assert apk.load_alignment("a.so", elf((2, 8, 8, 8), wide)) == 16384


def test_an_alignment_that_the_offsets_contradict_does_not_count() -> None:
    assert apk.load_alignment("a.so", elf((1, 0x1000, 0x2000, 16384))) == 4096
    assert apk.load_alignment("a.so", elf((1, 0x1000, 0x5000, 16384))) == 16384


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"PK", "no little-endian 64-bit ELF"),
        (elf((1, 0, 0, 16384)).replace(b"ELF\x02", b"ELF\x01"), "no little-endian 64-bit ELF"),
        (elf((1, 0, 0, 16384))[:100], "cut short"),
        (elf((2, 0, 0, 8)), "no LOAD segment"),
    ],
)
def test_what_is_no_library_is_refused(content: bytes, match: str) -> None:
    with pytest.raises(apk.PackingError, match=match):
        apk.load_alignment("a.so", content)


def test_pages_are_those_of_the_libraries_not_of_their_place_in_the_zip(tmp_path: Path) -> None:
    path = tmp_path / "app.apk"
    libraries = {"lib/arm64-v8a/a.so": 4096, "lib/arm64-v8a/b.so": 65536}
    apk._write_zip(path, ((name, elf((1, 0, 0, align)), True) for name, align in libraries.items()))
    assert apk.library_pages(path) == libraries
    apk._write_zip(path, iter([("lib/arm64-v8a/c.so", elf((1, 0, 0, 64)), True)]))
    with pytest.raises(apk.PackingError, match=r"c\.so has segments aligned to 64 bytes"):
        apk.library_pages(path)


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
    refused(target, "lacks classes of the manifest: dev.smldist.app.VerifyActivity")


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
