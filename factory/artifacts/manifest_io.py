"""manifest.json on disk, and whether a build's files are still the ones it names."""

import json
from pathlib import Path

from pydantic import ValidationError

from factory.contracts.artifact import Artifact, SideFile
from factory.contracts.errors import ArtifactError
from factory.contracts.files import atomic_write, sha256_file
from factory.contracts.manifest import BuildFile, Manifest
from factory.contracts.recipe import explain

_SCHEMA_VERSION = 2
_REMEDY = "rebuild with `factory build`"


def write_manifest(path: Path, manifest: Manifest) -> None:
    """Write `manifest` as indented UTF-8 JSON; equal manifests give equal bytes.

    Raises:
        StorageError: The disk is full or not writable.
    """
    with atomic_write(path) as temporary:
        temporary.write_text(manifest.model_dump_json(indent=2) + "\n", encoding="utf-8")


def read_manifest(path: Path) -> Manifest:
    """Read and check a manifest.

    Raises:
        ArtifactError: Missing, not JSON, of a newer schema, or with wrong keys; names file and key.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ArtifactError(f"{path} does not exist: name a build folder, or {_REMEDY}") from error
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ArtifactError(f"{path} is corrupt, not JSON ({error}): {_REMEDY}") from error
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read: {error.strerror}") from error
    _require_schema(path, values)
    try:
        return Manifest.model_validate(values)
    except ValidationError as error:
        raise ArtifactError(f"{path} is not a manifest of this tool: {explain(error)}: {_REMEDY}") from error


def verify_files(build: Path, manifest: Manifest) -> None:
    """Compare every artifact, the files beside it and every other file of a build with the manifest's size and SHA-256.

    Raises:
        ArtifactError: Missing, of another size or content, or outside the build; names the file, what was got, what
            was expected and the remedy.
    """
    beside = (file for artifact in manifest.artifacts for file in artifact.beside)
    named: tuple[Artifact | SideFile | BuildFile, ...] = (*manifest.artifacts, *beside, *manifest.files)
    for file in named:
        path = _inside(build, file.path)
        try:
            size = path.stat().st_size
        except OSError as error:
            raise ArtifactError(
                f"{path} is missing, the manifest expects {file.size_bytes} bytes: {_REMEDY}"
            ) from error
        if not path.is_file():
            raise ArtifactError(f"{path} is missing, a folder is in its place: {_REMEDY}")
        if size != file.size_bytes:
            raise ArtifactError(f"{path} has {size} bytes, the manifest expects {file.size_bytes}: {_REMEDY}")
        digest = sha256_file(path)
        if digest != file.sha256:
            raise ArtifactError(f"{path} has SHA-256 {digest}, the manifest expects {file.sha256}: {_REMEDY}")


def _inside(build: Path, relative: str) -> Path:
    """A manifest is data from elsewhere: its paths stay below the build folder."""
    path = build / relative
    if not path.resolve().is_relative_to(build.resolve()):
        raise ArtifactError(f"the manifest names {relative!r}, outside of {build}: do not use this build; {_REMEDY}")
    return path


def _require_schema(path: Path, values: object) -> None:
    version = values.get("schema_version") if isinstance(values, dict) else None
    if not isinstance(version, int) or isinstance(version, bool):
        raise ArtifactError(f"{path} has no schema_version, so it is not a manifest of this tool: {_REMEDY}")
    if version > _SCHEMA_VERSION:
        raise ArtifactError(
            f"{path} has schema version {version}, this tool reads up to {_SCHEMA_VERSION}: "
            "update it with `pip install --upgrade smldist-factory`"
        )
    if version < _SCHEMA_VERSION:
        raise ArtifactError(
            f"{path} has schema version {version}, of an older release; this tool reads {_SCHEMA_VERSION}: {_REMEDY}"
        )
