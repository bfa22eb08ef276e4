"""tools/apk.py: an APK that a phone, a watch or a store would refuse is refused here."""

import shutil
import struct
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.android_demo.test_tools import DEMO, tool

apk = tool("apk")
APP, WEAR = DEMO / "app", DEMO / "wear"
Entry = tuple[str, bytes, bool]


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """What `make android` packed, to be damaged."""
    for app in (APP, WEAR):
        names = (f"{app.name}-debug.apk", f"{app.name}-release.apk", "debug.keystore", "tools/prebuilt/linux/aapt2")
        packed = [app / "target" / name for name in names]
        if not all(path.exists() for path in packed):
            pytest.skip("make android writes it")
        for path in packed:
            shutil.copyfile(path, tmp_path / path.name)
    (tmp_path / "aapt2").chmod(0o755)
    return tmp_path


def repack(target: Path, change: Callable[[Entry], Entry | None], app: Path = APP) -> None:
    """The debug APK anew, each entry changed or left out; aligned and signed as before."""

    def entries() -> Iterator[Entry]:
        with zipfile.ZipFile(target / f"{app.name}-debug.apk") as whole:
            for info in whole.infolist():
                entry = change((info.filename, whole.read(info), info.compress_type == zipfile.ZIP_STORED))
                if entry is not None and not info.filename.startswith("META-INF/"):
                    yield entry

    unsigned = target / "unsigned.apk"
    apk._write_zip(unsigned, entries())
    apk._sign(unsigned, target / f"{app.name}-debug.apk", target / "debug.keystore")


def renamed(target: Path, app: Path, before: str, after: str) -> None:
    """The debug APK with a word of its manifest replaced by one of the same length."""
    old, new = (word.encode("utf-16-le") for word in (before, after))
    assert len(old) == len(new)

    def change(entry: Entry) -> Entry:
        name, content, stored = entry
        if name != "AndroidManifest.xml":
            return entry
        assert old in content
        return name, content.replace(old, new), stored

    repack(target, change, app)


def elf32(*segments: tuple[int, int, int, int]) -> bytes:
    """As `elf`, of 32 bits."""
    head = b"\x7fELF\x01\x01\x01".ljust(16, b"\0")
    head += struct.pack("<2H5I6H", 3, 40, 1, 0, 52, 0, 0, 52, 32, len(segments), 40, 0, 0)
    return head + b"".join(struct.pack("<8I", p, at, where, where, 8, 8, 5, align) for p, at, where, align in segments)


def elf(*segments: tuple[int, int, int, int], kind: int = 3) -> bytes:
    """A 64-bit ELF file of program headers alone; a segment is p_type, p_offset, p_vaddr and p_align."""
    head = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    head += struct.pack("<2HI3QI6H", kind, 183, 1, 0, 64, 0, 0, 64, 56, len(segments), 64, 0, 0)
    return head + b"".join(
        struct.pack("<2I6Q", p, 5, at, where, where, 8, 8, align) for p, at, where, align in segments
    )


def refused(target: Path, match: str, release: bool = False, app: Path = APP) -> None:
    with pytest.raises(apk.PackingError, match=match):
        apk.check(app, target / "aapt2", target, release=release)


@pytest.mark.parametrize(
    ("app", "release", "abis", "classes"),
    [
        (APP, False, "arm64-v8a, x86_64", 7),
        (APP, True, "arm64-v8a", 7),
        (WEAR, False, "arm64-v8a, armeabi-v7a, x86_64", 6),
        (WEAR, True, "arm64-v8a, armeabi-v7a", 6),
    ],
)
def test_what_was_packed_passes(target: Path, app: Path, release: bool, abis: str, classes: int) -> None:
    found = apk.check(app, target / "aapt2", target, release=release)
    assert any(line.endswith(f"ABIs {abis}") for line in found)
    assert found[-1].startswith(f"{classes} classes")
    assert found[1].startswith(f"dev.smldist.{app.name}, SDK {apk.APPS[app.name].min_sdk} to 36")


@pytest.mark.parametrize("app", [APP, WEAR])
def test_repacking_alone_changes_nothing_that_is_checked(target: Path, app: Path) -> None:
    repack(target, lambda entry: entry, app)
    assert apk.check(app, target / "aapt2", target, release=False)


def test_a_watch_app_that_stores_would_offer_to_phones_is_refused(target: Path) -> None:
    renamed(target, WEAR, "android.hardware.type.watch", "android.hardware.type.phone")
    refused(target, "does not ask for a watch", app=WEAR)


def test_a_watch_app_that_needs_a_phone_is_refused(target: Path) -> None:
    renamed(target, WEAR, "com.google.android.wearable.standalone", "com.google.android.wearable.companions")
    refused(target, r"lacks com\.google\.android\.wearable\.standalone", app=WEAR)


def test_a_phone_app_that_stores_would_offer_to_watches_alone_is_refused() -> None:
    badging = "uses-feature: name='android.hardware.type.watch'"
    with pytest.raises(apk.PackingError, match="asks for a watch"):
        apk._require_kind(apk.APPS["app"], badging, "")
    apk._require_kind(apk.APPS["app"], "uses-feature: name='android.hardware.sensor.gyroscope'", "")


@pytest.mark.parametrize(
    ("name", "declared"), [("INTERNET", True), ("ACCESS_NETWORK_STATE", True), ("READ_PHONE_STATE", False)]
)
def test_the_network_and_what_no_manifest_of_ours_names_is_not_asked_for(name: str, declared: bool) -> None:
    asked, lock = "uses-permission: name='android.permission.{}'\n", "android.permission.WAKE_LOCK"
    allowed = {lock, f"android.permission.{name}"} if declared else {lock}
    assert apk._permissions(asked.format("WAKE_LOCK"), allowed) == [lock]
    with pytest.raises(apk.PackingError, match=rf"asks for android\.permission\.{name}$"):
        apk._permissions(asked.format("WAKE_LOCK") + asked.format(name), allowed)


@pytest.mark.parametrize("app", [APP, WEAR])
def test_both_apps_ask_for_what_the_library_declares(app: Path) -> None:
    declared = apk._declared(app)
    assert "android.permission.FOREGROUND_SERVICE_HEALTH" in declared
    assert f"dev.smldist.{app.name}.DYNAMIC_RECEIVER_NOT_EXPORTED_PERMISSION" in declared


@pytest.mark.parametrize(("value", "holds"), [("true", True), ("false", False)])
def test_a_watch_app_says_that_it_needs_no_phone(value: str, holds: bool) -> None:
    badging = "uses-feature: name='android.hardware.type.watch'"
    manifest = f"""E: meta-data (line=1)
  A: http://schemas.android.com/apk/res/android:name(0x01010003)="com.google.android.wearable.standalone" (Raw: "x")
  A: http://schemas.android.com/apk/res/android:value(0x01010024)={value}
"""
    if holds:
        apk._require_kind(apk.APPS["wear"], badging, manifest)
    else:
        with pytest.raises(apk.PackingError, match=r"lacks com\.google\.android\.wearable\.standalone"):
            apk._require_kind(apk.APPS["wear"], badging, manifest)


@pytest.mark.parametrize("made", [elf, elf32])
def test_a_library_loads_on_pages_as_large_as_its_least_aligned_segment(made: Callable[..., bytes]) -> None:
    wide, narrow = (1, 0, 0, 16384), (1, 0x1000, 0x2000, 4096)
    assert apk.load_alignment("a.so", made(wide, wide)) == 16384
    assert apk.load_alignment("a.so", made(wide, narrow)) == 4096
    assert apk.load_alignment("a.so", made((2, 8, 8, 8), wide)) == 16384


@pytest.mark.parametrize("made", [elf, elf32])
def test_an_alignment_that_the_offsets_contradict_does_not_count(made: Callable[..., bytes]) -> None:
    assert apk.load_alignment("a.so", made((1, 0x1000, 0x2000, 16384))) == 4096
    assert apk.load_alignment("a.so", made((1, 0x1000, 0x5000, 16384))) == 16384


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"PK", "no little-endian ELF"),
        (elf((1, 0, 0, 16384)).replace(b"ELF\x02\x01", b"ELF\x02\x02"), "no little-endian ELF"),
        (elf32((1, 0, 0, 16384))[:60], "cut short"),
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
    gone = b"Ldev/smldist/common/VerifyActivity;"
    repack(target, lambda entry: (entry[0], entry[1].replace(gone, gone[:-2] + b"X;"), entry[2]))
    refused(target, "lacks classes of the manifest: dev.smldist.common.VerifyActivity")


@pytest.mark.parametrize("app", [APP, WEAR])
def test_a_permission_for_the_network_is_refused(target: Path, app: Path) -> None:
    renamed(target, app, "android.permission.WAKE_LOCK", "android.permission.A_NETWORK")
    refused(target, r"asks for android\.permission\.A_NETWORK", app=app)


def test_a_release_that_grew_too_large_is_refused(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(apk.APPS, "app", replace(apk.APPS["app"], limit=1_000_000))
    refused(target, "at most 1000000 are allowed", release=True)
