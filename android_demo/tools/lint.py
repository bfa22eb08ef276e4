"""Android Lint over a module, without an Android SDK; Maven calls it, with the standard library alone.

    python3 lint.py --help

Fails on errors and on warnings; what is right as it is stands in apk/lint.xml, with the reason. Checks of API
levels need the SDK's database and are left to animal-sniffer.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from apk import APPS, PackingError, _run


def project(app: Path, target: Path, framework: Path, classpath: Sequence[Path], aars: Path) -> str:
    """Lint's own description of a module that no Gradle describes.

    Args:
        app: The module's folder.
        target: Receives what lint writes; holds the merged manifest.
        framework: In the place of android.jar.
        classpath: Jars that the sources are compiled against.
        aars: Folder of unpacked AARs; lint runs the checks that they bring.
    """
    root = ElementTree.Element("project")
    ElementTree.SubElement(root, "root", dir=str(app))
    library = app.name not in APPS
    named = {"name": app.name, "android": "true", "library": str(library).lower(), "compile-sdk-version": "35"}
    module = ElementTree.SubElement(root, "module", named)
    manifest = target / ("AndroidManifest.xml" if library else "manifest/AndroidManifest.xml")
    ElementTree.SubElement(module, "manifest", file=str(manifest))
    ElementTree.SubElement(module, "merged-manifest", file=str(target / "AndroidManifest.xml"))
    for folder in ("src/main/res", "src/main/kotlin"):
        for path in sorted((app / folder).rglob("*.*")):
            kind = "resource" if folder.endswith("res") else "src"
            ElementTree.SubElement(module, kind, file=str(path))
    for jar in (framework, *classpath):
        ElementTree.SubElement(module, "classpath", jar=str(jar))
    for path in sorted(aars.glob("*/lint.jar")):
        ElementTree.SubElement(module, "lint-checks", jar=str(path))
    return ElementTree.tostring(root, encoding="unicode")


def check(app: Path, config: Path, target: Path, framework: Path, classpath: str, aars: Path, lint: Path) -> None:
    """Run lint.

    Args:
        app: As in `project`.
        config: Says which findings are right as they are.
        target: As in `project`; receives lint.txt, too.
        framework: As in `project`.
        classpath: Jars, separated as the system's paths are.
        aars: As in `project`.
        lint: File with lint's own class path.

    Raises:
        PackingError: Lint found something; with the last lines of it.
    """
    described, report = target / "lint-project.xml", target / "lint.txt"
    jars = [Path(name) for name in classpath.split(os.pathsep)]
    described.write_text(project(app, target, framework, jars, aars), encoding="utf-8")
    report.unlink(missing_ok=True)
    try:
        _run(
            "java", "-Xmx2g", "-XX:TieredStopAtLevel=1", "-cp", lint.read_text(encoding="utf-8").strip(),
            "com.android.tools.lint.Main", "--project", described, "--config", config, "--text", report,
            "--fullpath", "--exitcode", "--quiet", "-Werror",
        )  # fmt: skip
    except PackingError as error:
        found = report.read_text(encoding="utf-8") if report.exists() else str(error)
        raise PackingError(f"lint: {found}") from error


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line: 0, or 1 after the findings on stderr."""
    parser = argparse.ArgumentParser(description="Android Lint without an Android SDK.")
    for name in ("app", "config", "target", "framework", "aars", "lint"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--classpath", required=True)
    try:
        check(**vars(parser.parse_args(arguments)))
    except PackingError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
