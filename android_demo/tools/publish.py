"""Adds the recogniser to a Maven repository, beside the models that `factory publish --maven` writes.

    python android_demo/tools/publish.py --to models/maven-repository

Takes what `make android` compiled. A version that is there already never changes: raise it in android_demo/pom.xml.
"""

import argparse
import re
import sys
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from factory.artifacts.maven import Coordinates, Pom, announce, deploy, zipped
from factory.contracts.errors import FactoryError

DEMO = Path(__file__).parents[1]
GROUP = "dev.smldist"


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """An artifact of the recogniser.

    Attributes:
        name: Of the artifact.
        file: What Maven made of it.
        about: One line.
        sources: Folders of its Kotlin.
        needs: Other parts, or `group:name` of libraries, whose versions the build names.
    """

    name: str
    file: str
    about: str
    sources: tuple[str, ...]
    needs: tuple[str, ...]


PARTS = (
    Part(
        name="sensing",
        file="sensing/target/sensing-{version}.jar",
        about="Sensor events to the windows a model was trained on; pure Kotlin, no Android.",
        sources=("sensing",),
        needs=("org.jetbrains.kotlin:kotlin-stdlib", "org.jetbrains.kotlinx:kotlinx-serialization-json-jvm"),
    ),
    Part(
        name="inference",
        file="inference/target/inference-{version}.jar",
        about="What every classifier shares: checked assets, golden windows, self-test; pure Kotlin.",
        sources=("inference",),
        needs=("sensing",),
    ),
    Part(
        name="recognizer",
        file="recognizer/target/recognizer.aar",
        about="A published model recognises what the phone's owner does.",
        sources=("recognizer", "litert"),
        needs=("inference", "org.jetbrains.kotlinx:kotlinx-coroutines-core-jvm", "com.google.ai.edge.litert:litert"),
    ),
    Part(
        name="recognizer-executorch",
        file="recognizer/target/recognizer-executorch.aar",
        about="The recogniser with models for ExecuTorch.",
        sources=("executorch",),
        needs=("recognizer", "org.pytorch:executorch-android"),
    ),
)


def versions() -> dict[str, str]:
    """Version of each library, as android_demo/pom.xml and Gradle's catalogue name them."""
    pom = (DEMO / "pom.xml").read_text("utf-8")
    named = dict(re.findall(r"<([a-z.]+)\.version>(.+?)<", pom))
    catalogue = tomllib.loads((DEMO / "gradle/libs.versions.toml").read_text("utf-8"))["versions"]
    own = re.findall(r"<artifactId>smldist-android</artifactId>\s*<version>(.+?)<", pom)[0]
    return {
        **{part.name: own for part in PARTS},
        "org.jetbrains.kotlin:kotlin-stdlib": named["kotlin.stdlib"],
        "org.jetbrains.kotlinx:kotlinx-serialization-json-jvm": named["serialization"],
        "org.jetbrains.kotlinx:kotlinx-coroutines-core-jvm": named["coroutines"],
        "com.google.ai.edge.litert:litert": catalogue["litert"],
        "org.pytorch:executorch-android": catalogue["executorch"],
    }


def publish(repository: Path) -> list[Coordinates]:
    """Add every part.

    Raises:
        ArtifactError: A version is there with other content.
        StorageError: The disk is full or not writable.
        SystemExit: The recogniser was not compiled; one line.
    """
    named = versions()
    found = []
    for part in PARTS:
        at = _coordinates(part.name, named[part.name])
        file = DEMO / part.file.format(version=at.version)
        if not file.is_file():
            raise SystemExit(f"error: {file} is missing: make android compiles it")
        needs = [_coordinates(name, named[name]) for name in part.needs]
        pom = Pom(at=at, description=part.about, licences=(("Apache-2.0", ""),), needs=needs)
        files = {file.suffix: file.read_bytes(), ".pom": pom.to_xml().encode(), "-sources.jar": _sources(part)}
        folder = deploy(repository, at, files)
        announce(repository, GROUP, part.name, partial(_versions, folder.parent))
        found.append(at)
    return found


def _coordinates(name: str, version: str) -> Coordinates:
    group, _, artifact = name.rpartition(":")
    libraries = {part.name for part in PARTS if part.file.endswith(".aar")} | {"litert", "executorch-android"}
    kind = "aar" if artifact in libraries else "jar"
    return Coordinates(group=group or GROUP, name=artifact, version=version, type=kind)


def _versions(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name[0].isdigit()]


def _sources(part: Part) -> bytes:
    entries: dict[str, bytes] = {}
    for module in part.sources:
        folder = DEMO / module / "src/main/kotlin"
        entries |= {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*.kt"))}
    return zipped(entries)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line: 0, or 1 after one line on stderr."""
    parser = argparse.ArgumentParser(description="Add the recogniser to a Maven repository.")
    parser.add_argument("--to", type=Path, required=True, help="a folder, for example models/maven-repository")
    try:
        for at in publish(parser.parse_args(arguments).to):
            sys.stdout.write(f"{at}\n")
    except FactoryError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
