"""Resources, packing and checks of the apps without an Android SDK; Maven calls it, with the standard library alone.

    python3 apk.py resources --help      aapt2: R.java and resources, of an app or of the library that both share
    python3 apk.py package --help        R8, zip, signature
    python3 apk.py check --help          signature, badging, storage of models, alignment, ABIs, permissions

Needs Debian's zipalign and apksigner, and a JDK.
"""

import argparse
import os
import re
import shutil
import struct
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

GROUP, VERSION = "dev.smldist", "0.1.0"
MIN_SDK, TARGET_SDK = 26, 36
"""API levels; MIN_SDK of libraries, an app names its own."""


@dataclass(frozen=True, kw_only=True, slots=True)
class App:
    """What distinguishes an app from the other.

    Attributes:
        min_sdk: The oldest API level.
        watch: Whether it is offered to watches, and to nothing else.
        abis: Of its devices, which a release is for.
        limit: Bytes of a release without its assets.
    """

    min_sdk: int
    watch: bool
    abis: tuple[str, ...]
    limit: int


APPS = {
    "app": App(min_sdk=MIN_SDK, watch=False, abis=("arm64-v8a",), limit=5_400_000),
    # The first with Wear OS 3. Most watches run 32-bit programs on a 64-bit processor.
    "wear": App(min_sdk=30, watch=True, abis=("arm64-v8a", "armeabi-v7a"), limit=7_400_000),
}
"""By the folder of the module."""
EMULATOR = "x86_64"
"""What a debug APK is for, too."""
STORED = (".so", ".tflite", ".pte", ".ptd")
"""Read through the file's own pages: compressed, they could not be mapped."""
PAGE, WORD = 16384, 4
OLDEST_PAGE = 4096
"""Bytes; a library whose segments are aligned to less loads on no device."""
_LOAD = 1
"""p_type of a program header whose segment is mapped."""
_ELF = {
    b"\x02\x01": (32, "<Q", 54, "<2I6Q", (2, 3, 7)),
    b"\x01\x01": (28, "<I", 42, "<8I", (1, 2, 7)),
}
"""Of 64 and 32 bits: where the program headers' place stands and in what form, where their size and number, the form of
one, and where in it offset, address and alignment stand."""
_PADDING = b"\x35\xd9"
"""The extra field 0xd935, which Android's own tools pad with."""
_EPOCH = (1980, 1, 1, 0, 0, 0)
_STANDALONE = "com.google.android.wearable.standalone"


class PackingError(Exception):
    """The app cannot be packed, or is not what it should be; one line."""


def link_resources(
    app: Path, assets: Path, aars: Sequence[Path], lint: Path, aapt2: Path, framework: Path, target: Path
) -> None:
    """Merge manifests, compile and link resources and assets.

    Args:
        app: The module's folder; one that is not in `APPS` is a library.
        assets: A copy of android/ of a factory build.
        aars: Folders of unpacked AARs, whose resources and manifests the app gets, too.
        lint: File with the class path of Android Lint, which holds the manifest merger.
        aapt2: The tool, API 35 or newer.
        framework: android.jar or Robolectric's android-all.
        target: Receives AndroidManifest.xml, gen/.../R.java of app and AARs, base.apk, and aapt.pro, which keeps what
            the manifest names; of a library AndroidManifest.xml and its R.java alone, and aar/, which an app takes.

    Raises:
        PackingError: A tool refused, or there are no assets.
    """
    target.mkdir(parents=True, exist_ok=True)
    aapt2.chmod(0o755)
    if app.name not in APPS:
        _link_library(app, aapt2, framework, target)
        return
    if not (assets / "pack.json").exists():
        raise PackingError(f"{assets} has no pack.json: make android copies them")
    libraries = sorted(path for folder in aars for path in folder.iterdir() if (path / "AndroidManifest.xml").exists())
    manifest = _merge_manifests(app, libraries, lint, target)
    folders = [path / "res" for path in libraries if (path / "res").is_dir()]
    compiled = [_compile(folder, aapt2, target) for folder in (*folders, app / "src/main/res")]
    packages = {namespace(path / "AndroidManifest.xml") for path in libraries}
    _run(
        aapt2, "link", "-o", target / "base.apk", "-I", framework, "--manifest", manifest, "--java", target / "gen",
        "--extra-packages", ":".join(sorted(packages)), "--proguard", target / "aapt.pro",
        "-A", assets, *(flag for suffix in STORED for flag in ("-0", suffix)),
        "--min-sdk-version", str(APPS[app.name].min_sdk), "--target-sdk-version", str(TARGET_SDK),
        "--auto-add-overlay", *compiled,
    )  # fmt: skip


def _link_library(app: Path, aapt2: Path, framework: Path, target: Path) -> None:
    """Its R.java has no constants: the numbers are those of the app that takes it."""
    manifest, unpacked = target / "AndroidManifest.xml", target / "aar" / app.name
    named = with_package(app / "src/main/AndroidManifest.xml", app.name)
    manifest.write_text(named, encoding="utf-8")
    shutil.rmtree(unpacked, ignore_errors=True)
    shutil.copytree(app / "src/main/res", unpacked / "res")
    # Without a level, the manifest merger adds the permissions that every app had before Android 1.6.
    level = f'<uses-sdk android:minSdkVersion="{MIN_SDK}" />\n    <application'
    (unpacked / manifest.name).write_text(named.replace("<application", level, 1), encoding="utf-8")
    _run(
        aapt2, "link", "-o", target / "library.apk", "-I", framework, "--manifest", manifest, "--java", target / "gen",
        "--non-final-ids", "--min-sdk-version", str(MIN_SDK), "--target-sdk-version", str(TARGET_SDK),
        _compile(app / "src/main/res", aapt2, target),
    )  # fmt: skip


def _compile(resources: Path, aapt2: Path, target: Path) -> Path:
    compiled = target / "resources" / f"{resources.parent.name}.zip"
    compiled.parent.mkdir(exist_ok=True)
    _run(aapt2, "compile", "--dir", resources, "-o", compiled)
    return compiled


def namespace(manifest: Path) -> str:
    """The package that a library's manifest names."""
    found = re.search(r'<manifest[^>]*?\spackage="([\w.]+)"', manifest.read_text(encoding="utf-8"), re.DOTALL)
    if found is None:
        raise PackingError(f"{manifest} names no package")
    return found[1]


def _merge_manifests(app: Path, libraries: Sequence[Path], lint: Path, target: Path) -> Path:
    """The manifest that Gradle would make: the app's, its package, and what the libraries declare."""
    main, merged = target / "manifest/AndroidManifest.xml", target / "AndroidManifest.xml"
    main.parent.mkdir(exist_ok=True)
    main.write_text(with_package(app / "src/main/AndroidManifest.xml", app.name), encoding="utf-8")
    _run(
        "java", "-XX:TieredStopAtLevel=1", "-cp", lint.read_text(encoding="utf-8").strip(),
        "com.android.manifmerger.Merger", "--main", main, "--out", merged,
        "--libs", os.pathsep.join(str(path / "AndroidManifest.xml") for path in libraries),
        "--property", f"MIN_SDK_VERSION={APPS[app.name].min_sdk}", "--property", f"TARGET_SDK_VERSION={TARGET_SDK}",
    )  # fmt: skip
    return merged


def with_package(path: Path, module: str) -> str:
    """A module's manifest with the package and the placeholder that Gradle takes from elsewhere."""
    package = f"{GROUP}.{module}"
    version = f'android:versionCode="1" android:versionName="{VERSION}"'
    text = path.read_text(encoding="utf-8").replace("<manifest ", f'<manifest package="{package}" {version} ', 1)
    return text.replace("${applicationId}", package)


def shrink(app: Path, aars: Sequence[Path], rules: Path, r8: Path, framework: Path, target: Path) -> None:
    """Make the code of both APKs: what can be reached from the manifest, and no more.

    Args:
        app: The module's folder.
        aars: Folders of unpacked AARs, for their keep rules.
        rules: File with the app's own.
        r8: Its jar.
        framework: As in `link_resources`.
        target: Of the module: classes, libraries, aapt.pro; receives dex/.

    Raises:
        PackingError: R8 refused.
    """
    dex = target / "dex"
    shutil.rmtree(dex, ignore_errors=True)
    dex.mkdir(parents=True)
    java = Path(shutil.which("java") or "java").resolve()
    found = (path for folder in aars for path in sorted(folder.glob("*/proguard.txt")))
    kept = [flag for path in (rules, target / "aapt.pro", *found) for flag in ("--pg-conf", path)]
    inputs = [*sorted((target / "dexlibs").glob("*.jar")), *sorted((target / "classes").rglob("*.class"))]
    _run(
        java, "-Xmx3g", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", r8, "com.android.tools.r8.R8",
        "--release", *kept, "--min-api", str(APPS[app.name].min_sdk), "--lib", framework, "--lib", java.parents[1],
        "--output", dex, *inputs,
    )  # fmt: skip


def package(app: Path, aars: Sequence[Path], target: Path, release: bool) -> Path:
    """Make an APK of the code that `shrink` left, signed with a throw-away key.

    Args:
        app: The module's folder.
        aars: Folders of unpacked AARs, for their native libraries.
        target: Of the module: base.apk, dex/.
        release: For its devices alone; else for emulators, too.

    Returns:
        The APK.

    Raises:
        PackingError: A tool refused.
    """
    unsigned, signed = target / "unsigned.apk", _apk(app, target, release)
    _write_zip(unsigned, _entries(target / "base.apk", target / "dex", aars, _abis(app, release)))
    _sign(unsigned, signed, target / "debug.keystore")
    return signed


def check(app: Path, aapt2: Path, target: Path, release: bool) -> list[str]:
    """Prove that an APK is what a device and a store expect.

    Args:
        app: The module's folder.
        aapt2: As in `link_resources`.
        target: Holds what `package` made.
        release: As given to it.

    Returns:
        A line for each property that holds.

    Raises:
        PackingError: One does not; names it.
    """
    apk, expected, name = _apk(app, target, release), APPS[app.name], f"{GROUP}.{app.name}"
    signature = _run("apksigner", "verify", "--verbose", "--min-sdk-version", str(MIN_SDK), apk)
    _require("v2 scheme (APK Signature Scheme v2): true" in signature, "the APK has no v2 signature")
    _run("zipalign", "-c", "-p", str(WORD), apk)
    badging = _run(aapt2, "dump", "badging", apk)
    for part in (f"name='{name}'", f"'{expected.min_sdk}'", f"targetSdkVersion:'{TARGET_SDK}'", "launchable-activity"):
        _require(part in badging, f"badging lacks {part}")
    manifest = _run(aapt2, "dump", "xmltree", "--file", "AndroidManifest.xml", apk)
    _require_kind(expected, badging, manifest)
    permissions = _permissions(badging, _declared(app))
    found = sorted({name.split("/")[1] for name in zipfile.ZipFile(apk).namelist() if name.startswith("lib/")})
    abis = sorted(_abis(app, release))
    _require(found == abis, f"the APK has libraries for {found}, expected {abis}")
    counted = _require_stored(apk)
    pages = library_pages(apk)
    components = _require_components(apk, manifest)
    size, bare = apk.stat().st_size, _bytes_without_assets(apk)
    _require(
        not release or bare <= expected.limit,
        f"the APK has {bare} bytes without its assets, at most {expected.limit} are allowed",
    )
    return [
        f"{apk.name}: {size} bytes, {bare} without assets, signed (v2), aligned",
        f"{name}, SDK {expected.min_sdk} to {TARGET_SDK}, permissions: {', '.join(permissions)}",
        f"{counted} models and libraries stored, libraries at {PAGE}-byte offsets, ABIs {', '.join(found)}",
        *(f"{name}: segments for pages of up to {page} bytes" for name, page in pages.items()),
        f"{components} classes that the manifest names are there",
    ]


def _apk(app: Path, target: Path, release: bool) -> Path:
    return target / f"{app.name}-{'release' if release else 'debug'}.apk"


def _abis(app: Path, release: bool) -> tuple[str, ...]:
    return APPS[app.name].abis if release else (*APPS[app.name].abis, EMULATOR)


def _declared(app: Path) -> set[str]:
    """The permissions that our own manifests name, and the one that androidx makes of the app's name."""
    manifests = [
        (module / "src/main/AndroidManifest.xml").read_text("utf-8") for module in (app, app.parent / "common")
    ]
    named = re.findall(r'uses-permission android:name="([\w.]+)"', "".join(manifests))
    return {*named, f"{GROUP}.{app.name}.DYNAMIC_RECEIVER_NOT_EXPORTED_PERMISSION"}


def _permissions(badging: str, declared: set[str]) -> list[str]:
    """Those that are asked for: the network's must not be among them, nor any that the manifest merger added."""
    found = sorted(set(re.findall(r"uses-permission: name='([^']+)'", badging)))
    refused = [name for name in found if "INTERNET" in name or "NETWORK" in name or name not in declared]
    _require(not refused, f"the APK asks for {', '.join(refused)}")
    return found


def _require_kind(app: App, badging: str, manifest: str) -> None:
    """A store offers an app to watches if it asks for one, and Wear OS runs it without a phone if it says so."""
    watch = re.search(r"uses-feature: name='android\.hardware\.type\.watch'", badging) is not None
    _require(watch == app.watch, f"the manifest {'asks' if watch else 'does not ask'} for a watch")
    if app.watch:
        standalone = rf'name\([^)]*\)="{re.escape(_STANDALONE)}".*?\n[^\n]*?value\([^)]*\)=true'
        _require(re.search(standalone, manifest) is not None, f"the manifest lacks {_STANDALONE}, true")


def _require_components(apk: Path, manifest: str) -> int:
    """How many classes the manifest names; the code must hold each, whatever was shrunk away."""
    with zipfile.ZipFile(apk) as archive:
        code = b"".join(archive.read(name) for name in archive.namelist() if name.endswith(".dex"))
    components = r"E: (?:application|activity|service|provider|receiver)\b.*?:name\([^)]*\)=\"([\w.]+)\""
    named = set(re.findall(components, manifest, re.DOTALL))
    missing = sorted(name for name in named if f"L{name.replace('.', '/')};".encode() not in code)
    _require(bool(named) and not missing, f"the code lacks classes of the manifest: {', '.join(missing) or 'all'}")
    return len(named)


def _bytes_without_assets(apk: Path) -> int:
    with zipfile.ZipFile(apk) as archive:
        assets = sum(info.compress_size for info in archive.infolist() if info.filename.startswith("assets/"))
    return apk.stat().st_size - assets


def _require_stored(apk: Path) -> int:
    """How many entries are read through their pages; each must be uncompressed and lie at its alignment."""
    with zipfile.ZipFile(apk) as archive, apk.open("rb") as raw:
        entries = [entry for entry in archive.infolist() if entry.filename.endswith(STORED)]
        for entry in entries:
            raw.seek(entry.header_offset + 26)
            name, extra = (int.from_bytes(raw.read(2), "little") for _ in range(2))
            start = entry.header_offset + 30 + name + extra
            step = PAGE if entry.filename.endswith(".so") else WORD
            stored = entry.compress_type == zipfile.ZIP_STORED
            _require(stored and start % step == 0, f"{entry.filename} is compressed, or off a {step}-byte boundary")
    _require(any(entry.filename.startswith("assets/") for entry in entries), "the APK holds no model")
    return len(entries)


def library_pages(apk: Path) -> dict[str, int]:
    """The largest page, in bytes, on which each library of an APK can be loaded.

    Raises:
        PackingError: One is no ELF file, or aligned to less than any device's pages.
    """
    with zipfile.ZipFile(apk) as archive:
        names = [name for name in archive.namelist() if name.endswith(".so")]
        pages = {name: load_alignment(name, archive.read(name)) for name in names}
    for name, page in pages.items():
        _require(page >= OLDEST_PAGE, f"{name} has segments aligned to {page} bytes, expected {OLDEST_PAGE} or more")
    return pages


def load_alignment(name: str, content: bytes) -> int:
    """The smallest alignment of a library's LOAD segments, from its ELF program headers.

    A loader maps a segment only where its place in the file and in memory agree modulo the page: a header that claims
    more than they do counts as what they do.

    Raises:
        PackingError: It is no little-endian ELF file, is cut short, or has no LOAD segment.
    """
    _require(content[:4] == b"\x7fELF" and content[4:6] in _ELF, f"{name} is no little-endian ELF file")
    place, word, counts, header, order = _ELF[content[4:6]]
    try:
        (start,) = struct.unpack_from(word, content, place)
        size, count = struct.unpack_from("<2H", content, counts)
        headers = [struct.unpack_from(header, content, start + index * size) for index in range(count)]
    except struct.error as error:
        raise PackingError(f"{name} is cut short: {error}") from error
    segments = [[fields[at] for at in order] for fields in headers if fields[0] == _LOAD]
    _require(bool(segments), f"{name} has no LOAD segment")
    return min(_agreeing(align, offset - address) for offset, address, align in segments)


def _agreeing(align: int, difference: int) -> int:
    while align > 1 and difference % align:
        align //= 2
    return align


def _entries(base: Path, dex: Path, aars: Sequence[Path], abis: Sequence[str]) -> Iterator[tuple[str, bytes, bool]]:
    """Name, content and whether it is stored, of every file of the APK."""
    with zipfile.ZipFile(base) as linked:
        for entry in linked.infolist():
            yield entry.filename, linked.read(entry), entry.compress_type == zipfile.ZIP_STORED
    for path in sorted(dex.glob("*.dex")):
        yield path.name, path.read_bytes(), False
    for abi in abis:
        for path in sorted(path for folder in aars for path in folder.glob(f"*/jni/{abi}/*.so")):
            yield f"lib/{abi}/{path.name}", path.read_bytes(), True


def _write_zip(path: Path, entries: Iterator[tuple[str, bytes, bool]]) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content, stored in entries:
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
            if stored:
                step = PAGE if name.endswith(".so") else WORD
                start = archive.fp.tell() + 30 + len(name.encode()) + 6  # type: ignore[union-attr]
                fill = -start % step
                entry.extra = _PADDING + (2 + fill).to_bytes(2, "little") + step.to_bytes(2, "little") + bytes(fill)
            archive.writestr(entry, content)


def _sign(unsigned: Path, signed: Path, keystore: Path) -> None:
    if not keystore.exists():
        _run(
            "keytool", "-genkeypair", "-keystore", keystore, "-storepass", "android", "-keypass", "android",
            "-alias", "androiddebugkey", "-dname", "CN=Android Debug,O=Android,C=US", "-keyalg", "RSA",
            "-keysize", "2048", "-validity", "10000", "-storetype", "PKCS12",
        )  # fmt: skip
    _run(
        "apksigner", "sign", "--v1-signing-enabled", "false", "--v4-signing-enabled", "false",
        "--ks", keystore, "--ks-pass", "pass:android", "--key-pass", "pass:android",
        "--min-sdk-version", str(MIN_SDK), "--out", signed, unsigned,
    )  # fmt: skip


def _run(*command: str | Path) -> str:
    """Run a tool and return what it printed.

    Raises:
        PackingError: It is not installed, or failed; with its last lines.
    """
    try:
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise PackingError(
            f"{command[0]} is not installed: apt-get install zipalign apksigner, and a JDK 17"
        ) from error
    if done.returncode != 0:
        said = " ".join((done.stderr or done.stdout).split())[-600:]
        raise PackingError(f"{Path(command[0]).name} failed: {said}")
    return done.stdout


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise PackingError(otherwise)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Pack the Android apps without an Android SDK.")
    commands = parser.add_subparsers(dest="command", required=True)
    options = {
        "resources": ("app", "assets", "aars", "lint", "aapt2", "framework", "target"),
        "package": ("app", "aars", "rules", "r8", "framework", "target"),
        "check": ("app", "aapt2", "target"),
    }
    for command, names in options.items():
        sub = commands.add_parser(command)
        for name in names:
            sub.add_argument(f"--{name}", type=Path, required=True, action="append" if name == "aars" else "store")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line: 0, or 1 after one line on stderr."""
    given = vars(_parser().parse_args(arguments))
    command = given.pop("command")
    try:
        if command == "resources":
            link_resources(**given)
        elif command == "package":
            shrink(**given)
            for release in (False, True):
                sys.stdout.write(f"{package(given['app'], given['aars'], given['target'], release)}\n")
        else:
            for release in (False, True):
                sys.stdout.write("\n".join(check(**given, release=release)) + "\n")
    except PackingError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
