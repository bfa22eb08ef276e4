"""A build's models as Android libraries (AAR), for `implementation("dev.smldist.models:<name>:<version>")`.

An AAR holds one model with pack.json, manifest.json and selftest.npz below assets/smldist/<name>, and the classes that
the recogniser takes (android_demo/recognizer). Nothing but this package is needed to make it.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from factory.artifacts.classfile import ClassFileError
from factory.artifacts.kotlin_model import ModelClasses, compiled, sources
from factory.artifacts.kotlin_names import GROUP, names_of
from factory.artifacts.maven import Coordinates, Pom, announce, deploy, zipped
from factory.artifacts.reader import open_reader, read_index
from factory.contracts.android import Pack, PackedFile, PackedModel
from factory.contracts.errors import ArtifactError
from factory.contracts.files import sha256_file
from factory.contracts.manifest import Manifest
from factory.contracts.stored import read_json
from factory.contracts.window import SensorContract
from factory.pipeline.result import Build
from factory.pipeline.targets import ANDROID

if TYPE_CHECKING:
    from factory.data.sources import Terms

REPOSITORY = "maven-repository"
"""Below a store; no model can have this name."""
RECOGNIZER_VERSION = "0.2.0"
"""Of dev.smldist:recognizer, whose classes those of a model extend; the test holds it equal to android_demo/pom.xml."""
_NEEDS = {"tflite": "recognizer", "executorch": "recognizer-executorch"}
_SUFFIX = {"tflite": "", "executorch": "-executorch"}
_STORED = (".tflite", ".pte")
_MIN_SDK = 26


@dataclass(frozen=True, kw_only=True, slots=True)
class Library:
    """One AAR in the making.

    Attributes:
        target: Format of its model.
        model: The model, as packed.
        assets: Content by path, without pack.json.
        manifest: Of the build.
        contract: contract.json.
        terms: Of the recordings.
    """

    target: str
    model: PackedModel
    assets: Mapping[str, bytes]
    manifest: Manifest
    contract: SensorContract
    terms: "Terms"

    @property
    def name(self) -> str:
        """Of the artifact."""
        return self.manifest.name + _SUFFIX[self.target]


def libraries(build: Build, terms: "Terms") -> tuple[Library, ...]:
    """What can be published of a build: for each target the smallest model that was packed for phones.

    Args:
        build: Verified.
        terms: Of its recordings.

    Raises:
        ArtifactError: The build was not packed for phones, or `android/` is not of this build.
    """
    folder, manifest = build.path / ANDROID, build.manifest
    if not (folder / "pack.json").is_file():
        raise ArtifactError(f"{build.path} has no folder {ANDROID}: factory build --target {ANDROID} writes it")
    pack = read_json(Pack, folder / "pack.json")
    for file in pack.files:
        if not (folder / file.path).is_file() or sha256_file(folder / file.path) != file.sha256:
            raise ArtifactError(
                f"{folder / file.path} is not what was packed: factory build --target {ANDROID} mends it"
            )
    if (folder / "manifest.json").read_bytes() != (build.path / "manifest.json").read_bytes():
        raise ArtifactError(f"{folder} is of an earlier build: run factory build with --target {ANDROID} again")
    contract = read_json(SensorContract, build.path / "contract.json")
    packed = {model.path: model for model in pack.models}
    found = []
    for target in _NEEDS:
        models = [one for one in manifest.artifacts if one.target == target and one.path in packed]
        if models:
            chosen = packed[min(models, key=lambda one: (one.size_bytes, one.path)).path]
            names = ("manifest.json", "selftest.npz", chosen.path)
            assets = {name: (folder / name).read_bytes() for name in names}
            found.append(
                Library(target=target, model=chosen, assets=assets, manifest=manifest, contract=contract, terms=terms)
            )
    return tuple(found)


def deploy_library(repository: Path, library: Library, version: str, replace: bool = False) -> Path:
    """Write AAR, POM and sources of one version; returns its folder.

    Raises:
        ArtifactError: The version is there with other content, or the labels are too many for a class.
        StorageError: The disk is full or not writable.
    """
    at = Coordinates(group=GROUP, name=library.name, version=version)
    return deploy(repository, at, files_of(library, version), replace)


def announce_libraries(store: Path, found: tuple[Library, ...]) -> None:
    """List the store's versions for Maven."""
    for library in found:
        name = library.manifest.name

        def published(name: str = name) -> list[str]:
            return [entry.version for entry in read_index(open_reader(str(store)), name).versions]

        announce(store / REPOSITORY, GROUP, library.name, published)


def files_of(library: Library, version: str) -> dict[str, bytes]:
    """Content of a version's files, by the end of their names."""
    hashes = tuple(PackedFile(path=path, sha256=_sha256(content)) for path, content in library.assets.items())
    pack = Pack(build=library.manifest.name, files=hashes, models=(library.model,)).model_dump_json(indent=1).encode()
    given = ModelClasses(
        names=names_of(library.manifest.name, library.contract.window.labels),
        labels=library.contract.window.labels,
        name=library.manifest.name,
        version=version,
        pack=_sha256(pack),
        contract=library.contract.model_dump_json(),
        max_gap_s=library.manifest.recipe.data.max_gap_s,
    )
    try:
        classes = compiled(given)
    except ClassFileError as error:
        raise ArtifactError(f"{library.manifest.name}: {error}") from error
    assets = {
        f"assets/smldist/{given.name}/{path}": each for path, each in {"pack.json": pack, **library.assets}.items()
    }
    aar = {
        "AndroidManifest.xml": _manifest(given.names.package).encode(),
        "classes.jar": zipped(classes),
        "R.txt": b"",
        **assets,
    }
    return {
        ".aar": zipped(aar, _STORED),
        ".pom": _pom(library, version).to_xml().encode(),
        "-sources.jar": zipped({path: text.encode() for path, text in sources(given).items()}),
    }


def _pom(library: Library, version: str) -> Pom:
    manifest, terms = library.manifest, library.terms
    return Pom(
        at=Coordinates(group=GROUP, name=library.name, version=version, type="aar"),
        description=f"{' '.join(manifest.recipe.summary.split())}: {library.model.path}",
        licences=((terms.licence, f"Of the recordings that it was made from: {terms.text}"),),
        needs=(Coordinates(group="dev.smldist", name=_NEEDS[library.target], version=RECOGNIZER_VERSION, type="aar"),),
    )


def _manifest(package: str) -> str:
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        f'<manifest xmlns:android="http://schemas.android.com/apk/res/android" package="{package}">\n'
        f'    <uses-sdk android:minSdkVersion="{_MIN_SDK}" />\n'
        "</manifest>\n"
    )


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
