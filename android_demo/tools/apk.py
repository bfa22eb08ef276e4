"""Resources, packing and checks of the app without an Android SDK; Maven calls it, with the standard library alone.

    python3 apk.py resources --help      aapt2: R.java and resources
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
from pathlib import Path

GROUP, VERSION = "dev.smldist", "0.1.0"
PACKAGE = f"{GROUP}.app"
MIN_SDK, TARGET_SDK = 26, 36
ABIS = {False: ("arm64-v8a", "x86_64"), True: ("arm64-v8a",)}
"""Of debug and release: phone and emulator, or the phone alone."""
RELEASE_LIMIT = 5_400_000
"""Bytes of a release APK of one ABI without its assets; with the demonstration's models, 5.7 MB."""
STORED = (".so", ".tflite", ".pte", ".ptd")
"""Read through the file's own pages: compressed, they could not be mapped."""
PAGE, WORD = 16384, 4
OLDEST_PAGE = 4096
"""Bytes; a library whose segments are aligned to less loads on no phone."""
_LOAD = 1
"""p_type of a program header whose segment is mapped."""
_PADDING = b"\x35\xd9"
"""The extra field 0xd935, which Android's own tools pad with."""
_EPOCH = (1980, 1, 1, 0, 0, 0)


class PackingError(Exception):
    """The app cannot be packed, or is not what it should be; one line."""


def link_resources(app: Path, assets: Path, aars: Path, lint: Path, aapt2: Path, framework: Path, target: Path) -> None:
    """Merge manifests, compile and link resources and assets.

    Args:
        app: The module's folder.
        assets: A copy of android/ of a factory build.
        aars: Folder of unpacked AARs, whose resources and manifests the app gets, too.
        lint: File with the class path of Android Lint, which holds the manifest merger.
        aapt2: The tool, API 35 or newer.
        framework: android.jar or Robolectric's android-all.
        target: Receives AndroidManifest.xml, base.apk, gen/.../R.java of app and AARs, and aapt.pro, which keeps what
            the manifest names.

    Raises:
        PackingError: A tool refused, or there are no assets.
    """
    if not (assets / "pack.json").exists():
        raise PackingError(f"{assets} has no pack.json: make android copies them")
    target.mkdir(parents=True, exist_ok=True)
    libraries = sorted(path for path in aars.iterdir() if (path / "AndroidManifest.xml").exists())
    manifest = _merge_manifests(app, libraries, lint, target)
    aapt2.chmod(0o755)
    compiled: list[Path] = []
    for folder in (*(path / "res" for path in libraries), app / "src/main/res"):
        if folder.is_dir():
            compiled.append(target / f"resources/{len(compiled):02}.zip")
            compiled[-1].parent.mkdir(exist_ok=True)
            _run(aapt2, "compile", "--dir", folder, "-o", compiled[-1])
    packages = {namespace(path / "AndroidManifest.xml") for path in libraries}
    _run(
        aapt2, "link", "-o", target / "base.apk", "-I", framework, "--manifest", manifest, "--java", target / "gen",
        "--extra-packages", ":".join(sorted(packages)), "--proguard", target / "aapt.pro",
        "-A", assets, *(flag for suffix in STORED for flag in ("-0", suffix)),
        "--min-sdk-version", str(MIN_SDK), "--target-sdk-version", str(TARGET_SDK),
        "--auto-add-overlay", *compiled,
    )  # fmt: skip


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
        "--property", f"MIN_SDK_VERSION={MIN_SDK}", "--property", f"TARGET_SDK_VERSION={TARGET_SDK}",
    )  # fmt: skip
    return merged


def with_package(path: Path, module: str) -> str:
    """A module's manifest with the package and the placeholder that Gradle takes from elsewhere."""
    package = f"{GROUP}.{module}"
    version = f'android:versionCode="1" android:versionName="{VERSION}"'
    text = path.read_text(encoding="utf-8").replace("<manifest ", f'<manifest package="{package}" {version} ', 1)
    return text.replace("${applicationId}", package)


def shrink(app: Path, aars: Sequence[Path], r8: Path, framework: Path, target: Path) -> None:
    """Make the code of both APKs: what can be reached from the manifest, and no more.

    Args:
        app: The module's folder, for its keep rules.
        aars: Folders of unpacked AARs, for theirs.
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
    rules = [flag for path in (app / "keep.pro", target / "aapt.pro", *found) for flag in ("--pg-conf", path)]
    inputs = [*sorted((target / "dexlibs").glob("*.jar")), *sorted((target / "classes").rglob("*.class"))]
    _run(
        java, "-Xmx3g", "-cp", r8, "com.android.tools.r8.R8", "--release", *rules, "--min-api", str(MIN_SDK),
        "--lib", framework, "--lib", java.parents[1], "--output", dex, *inputs,
    )  # fmt: skip


def package(aars: Sequence[Path], target: Path, release: bool) -> Path:
    """Make an APK of the code that `shrink` left, signed with a throw-away key.

    Args:
        aars: Folders of unpacked AARs, for their native libraries.
        target: Of the module: base.apk, dex/.
        release: For one ABI; else for two.

    Returns:
        The APK.

    Raises:
        PackingError: A tool refused.
    """
    unsigned, signed = target / "app-unsigned.apk", _apk(target, release)
    _write_zip(unsigned, _entries(target / "base.apk", target / "dex", aars, ABIS[release]))
    _sign(unsigned, signed, target / "debug.keystore")
    return signed


def check(aapt2: Path, target: Path, release: bool) -> list[str]:
    """Prove that an APK is what a phone and a store expect.

    Args:
        aapt2: As in `link_resources`.
        target: Holds what `package` made.
        release: As given to it.

    Returns:
        A line for each property that holds.

    Raises:
        PackingError: One does not; names it.
    """
    apk = _apk(target, release)
    signature = _run("apksigner", "verify", "--verbose", "--min-sdk-version", str(MIN_SDK), apk)
    _require("v2 scheme (APK Signature Scheme v2): true" in signature, "the APK has no v2 signature")
    _run("zipalign", "-c", "-p", str(WORD), apk)
    badging = _run(aapt2, "dump", "badging", apk)
    for expected in (f"name='{PACKAGE}'", f"'{MIN_SDK}'", f"targetSdkVersion:'{TARGET_SDK}'", "launchable-activity"):
        _require(expected in badging, f"badging lacks {expected}")
    permissions = set(re.findall(r"uses-permission: name='([^']+)'", badging))
    network = {name for name in permissions if "INTERNET" in name or "NETWORK" in name}
    _require(not network, f"the APK asks for {', '.join(sorted(network))}")
    found = sorted({name.split("/")[1] for name in zipfile.ZipFile(apk).namelist() if name.startswith("lib/")})
    _require(found == sorted(ABIS[release]), f"the APK has libraries for {found}, expected {sorted(ABIS[release])}")
    counted = _require_stored(apk)
    pages = library_pages(apk)
    components = _require_components(apk, _run(aapt2, "dump", "xmltree", "--file", "AndroidManifest.xml", apk))
    size, bare = apk.stat().st_size, _bytes_without_assets(apk)
    _require(
        not release or bare <= RELEASE_LIMIT,
        f"the APK has {bare} bytes without its assets, at most {RELEASE_LIMIT} are allowed",
    )
    return [
        f"{apk.name}: {size} bytes, {bare} without assets, signed (v2), aligned",
        f"{PACKAGE}, SDK {MIN_SDK} to {TARGET_SDK}, permissions: {', '.join(sorted(permissions))}",
        f"{counted} models and libraries stored, libraries at {PAGE}-byte offsets, ABIs {', '.join(found)}",
        *(f"{name}: segments for pages of up to {page} bytes" for name, page in pages.items()),
        f"{components} classes that the manifest names are there",
    ]


def _apk(target: Path, release: bool) -> Path:
    return target / f"app-{'release' if release else 'debug'}.apk"


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
        PackingError: One is no 64-bit ELF file, or aligned to less than any phone's pages.
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
        PackingError: It is no little-endian 64-bit ELF file, is cut short, or has no LOAD segment.
    """
    _require(content[:6] == b"\x7fELF\x02\x01", f"{name} is no little-endian 64-bit ELF file")
    try:
        (start,) = struct.unpack_from("<Q", content, 32)
        size, count = struct.unpack_from("<2H", content, 54)
        headers = [struct.unpack_from("<2I6Q", content, start + index * size) for index in range(count)]
    except struct.error as error:
        raise PackingError(f"{name} is cut short: {error}") from error
    found = [
        _agreeing(align, offset - address) for kind, _, offset, address, _, _, _, align in headers if kind == _LOAD
    ]
    _require(bool(found), f"{name} has no LOAD segment")
    return min(found)


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
    parser = argparse.ArgumentParser(description="Pack the Android app without an Android SDK.")
    commands = parser.add_subparsers(dest="command", required=True)
    options = {
        "resources": ("app", "assets", "aars", "lint", "aapt2", "framework", "target"),
        "package": ("app", "aars", "r8", "framework", "target"),
        "check": ("aapt2", "target"),
    }
    for command, names in options.items():
        sub = commands.add_parser(command)
        for name in names:
            several = command == "package" and name == "aars"
            sub.add_argument(f"--{name}", type=Path, required=True, action="append" if several else "store")
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
            for release in ABIS:
                sys.stdout.write(f"{package(given['aars'], given['target'], release)}\n")
        else:
            for release in ABIS:
                sys.stdout.write("\n".join(check(**given, release=release)) + "\n")
    except PackingError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
