"""Android libraries (AAR) without an Android SDK; Maven calls it, with the standard library alone.

python3 aar.py models --help      the AARs of a published model, unpacked for the recogniser's tests
python3 aar.py libraries --help   AARs that an app is compiled against
python3 aar.py app --help         an app of nothing but an AAR's manifest and assets, for Robolectric
python3 aar.py pack --help        an AAR of a module's classes
"""

import argparse
import shutil
import sys
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

from apk import MIN_SDK, STORED, TARGET_SDK, PackingError, _run

_LONG_AGO = (1980, 1, 1, 0, 0, 0)


def unpack(aar: Path, target: Path) -> None:
    """Write an AAR's files into a folder, which is emptied first.

    Raises:
        PackingError: It is no AAR.
    """
    shutil.rmtree(target, ignore_errors=True)
    try:
        with zipfile.ZipFile(aar) as archive:
            if not {"AndroidManifest.xml", "classes.jar"} <= set(archive.namelist()):
                raise PackingError(f"{aar} holds no AndroidManifest.xml or no classes.jar: it is no AAR")
            archive.extractall(target)
    except (OSError, zipfile.BadZipFile) as error:
        raise PackingError(f"{aar} is no AAR: {error}") from error


def models(repository: Path, target: Path) -> None:
    """Unpack the one model of a repository to model/, and to model-executorch/ what is for that runtime.

    Raises:
        PackingError: The repository holds no model, or several.
    """
    found = sorted((repository / "dev/smldist/models").glob("*/*/*.aar"))
    for name, wanted in (("model", False), ("model-executorch", True)):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(target / name, ignore_errors=True)
        aars = [path for path in found if path.parents[1].name.endswith("-executorch") is wanted]
        if len(aars) > 1 or not (aars or wanted):
            raise PackingError(f"{repository} holds {len(aars)} models, expected one: publish into a new store")
        for aar in aars:
            unpack(aar, target / name)


def libraries(aars: Path, target: Path, classes: Path) -> None:
    """Unpack every AAR of a folder, and put the classes of all into one folder.

    Args:
        aars: Folder of AARs, each named as its artifact.
        target: Receives a folder for each; emptied first.
        classes: Receives the classes, and what says where Kotlin's functions outside classes are.

    Raises:
        PackingError: A file is no AAR, or a class stands in two.
    """
    shutil.rmtree(target, ignore_errors=True)
    shutil.rmtree(classes, ignore_errors=True)
    for aar in sorted(aars.glob("*.aar")):
        unpack(aar, target / aar.stem)
        for jar in (target / aar.stem / "classes.jar", *sorted((target / aar.stem / "libs").glob("*.jar"))):
            with zipfile.ZipFile(jar) as archive:
                taken = [name for name in archive.namelist() if name.endswith((".class", ".kotlin_module"))]
                twice = [name for name in taken if (classes / name).exists()]
                if twice:
                    raise PackingError(f"{twice[0]} of {aar.name} stands in another AAR, too")
                archive.extractall(classes, taken)


def app(aar: Path, aapt2: Path, framework: Path, out: Path) -> None:
    """Link the manifest and the assets of an unpacked AAR to an app, as Gradle would merge them.

    Args:
        aar: Folder that `unpack` wrote.
        aapt2: The tool.
        framework: android.jar or Robolectric's android-all.
        out: The app, not signed.

    Raises:
        PackingError: aapt2 refused.
    """
    aapt2.chmod(0o755)
    _run(
        aapt2, "link", "-o", out, "-I", framework, "--manifest", aar / "AndroidManifest.xml", "-A", aar / "assets",
        *(flag for suffix in STORED for flag in ("-0", suffix)),
        "--min-sdk-version", str(MIN_SDK), "--target-sdk-version", str(TARGET_SDK),
    )  # fmt: skip


def pack(
    namespace: str,
    rules: Path,
    classes: Sequence[Path],
    out: Path,
    only: Sequence[str] = (),
    without: str | None = None,
) -> None:
    """Make an AAR that is the same whenever it is made.

    Args:
        namespace: Of the library; the modules have no manifest, as Gradle wants it.
        rules: Keep rules for the apps that use it.
        classes: Folders of compiled classes; no class may stand in two of them.
        out: The AAR.
        only: Beginnings of the paths to take; empty is all.
        without: Beginning of the paths to leave out.

    Raises:
        PackingError: There are no classes, or one is there twice.
    """
    found: dict[str, bytes] = {}
    for folder in classes:
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder).as_posix()
            # Without .kotlin_module no compiler finds functions outside classes.
            taken = not only if path.suffix == ".kotlin_module" else path.suffix == ".class"
            if not taken or not name.startswith(tuple(only) or "") or name.startswith(without or "\n"):
                continue
            if name in found:
                raise PackingError(f"{name} stands in two of {', '.join(map(str, classes))}")
            found[name] = path.read_bytes()
    if not any(name.endswith(".class") for name in found):
        raise PackingError(f"{', '.join(map(str, classes))} hold no class: mvn compile makes them")
    jar = out.with_suffix(".jar")
    _zip(jar, found)
    parts = {"proguard.txt": rules, "classes.jar": jar}
    _zip(out, {name: path.read_bytes() for name, path in parts.items()} | {"R.txt": b""} | _manifest(namespace))
    jar.unlink()


def _manifest(namespace: str) -> dict[str, bytes]:
    text = (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        f'<manifest xmlns:android="http://schemas.android.com/apk/res/android" package="{namespace}">\n'
        f'    <uses-sdk android:minSdkVersion="{MIN_SDK}" />\n'
        "</manifest>\n"
    )
    return {"AndroidManifest.xml": text.encode()}


def _zip(path: Path, entries: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            entry = zipfile.ZipInfo(name, _LONG_AGO)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)


_COMMANDS: dict[str, Callable[..., None]] = {"models": models, "libraries": libraries, "app": app, "pack": pack}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Android libraries without an Android SDK.")
    commands = parser.add_subparsers(dest="command", required=True)
    for command, names in {
        "models": ("repository", "target"),
        "libraries": ("aars", "target", "classes"),
        "app": ("aar", "aapt2", "framework", "out"),
        "pack": ("rules", "out"),
    }.items():
        sub = commands.add_parser(command)
        for name in names:
            sub.add_argument(f"--{name}", type=Path, required=True)
        if command == "pack":
            sub.add_argument("--namespace", required=True)
            sub.add_argument("--classes", type=Path, nargs="+", required=True)
            sub.add_argument("--only", action="append", default=[])
            sub.add_argument("--without")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line: 0, or 1 after one line on stderr."""
    given = vars(_parser().parse_args(arguments))
    try:
        _COMMANDS[given.pop("command")](**given)
    except PackingError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
