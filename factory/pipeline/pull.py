"""Looking into a store and pulling from it: which release, is it newer than what was seen, which of its files."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from factory.artifacts.pulling import pull_files
from factory.artifacts.reader import Reader, open_reader, read_catalogue, read_file, read_index, read_release
from factory.artifacts.seen import Memory, user_memory
from factory.artifacts.signing import public_key
from factory.contracts.artifact import Artifact
from factory.contracts.errors import ArtifactError
from factory.contracts.manifest import Manifest
from factory.contracts.progress import Progress
from factory.contracts.release import CARD, CONTRACT, MANIFEST, Index, Release, ReleaseFile, split_reference
from factory.contracts.stored import parse_json


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishedModel:
    """One release in a store.

    Attributes:
        store: Where it was found.
        index: Every version of that model.
        release: The files of this one.
        manifest: Of its build.
        key: Public key that the index was checked against; None if none is pinned.
    """

    store: Reader
    index: Index
    release: Release
    manifest: Manifest
    key: str | None

    @property
    def published(self) -> Manifest:
        """The manifest with those of its files that are published; all, unless its publisher chose."""
        there = {file.path for file in self.release.files}
        chosen = tuple(
            artifact.model_copy(update={"beside": tuple(file for file in artifact.beside if file.path in there)})
            for artifact in self.manifest.artifacts
            if artifact.path in there
        )
        return self.manifest.model_copy(update={"artifacts": chosen})

    @property
    def card(self) -> str:
        """The model card, Markdown.

        Raises:
            ArtifactError: It was changed.
        """
        return read_file(self.store, self.release, CARD).decode("utf-8")


@dataclass(frozen=True, kw_only=True, slots=True)
class PulledModel:
    """What a pull wrote.

    Attributes:
        path: The folder.
        version: Of the model.
        models: The model files, those that `factory.Model` opens.
    """

    path: Path
    version: str
    models: tuple[Path, ...]


def list_models(store: str | None) -> tuple[Index, ...]:
    """The index of every model of a store; None is the one that ships with this tool.

    Raises:
        ArtifactError: It is no store, or an index was changed.
        StorageError: It cannot be read.
    """
    reader = open_reader(store)
    return tuple(read_index(reader, name) for name in read_catalogue(reader).models)


def find_model(
    reference: str, store: str | None, trust: str | None = None, memory: Memory | None = None
) -> PublishedModel:
    """The release that NAME[@VERSION] names.

    Args:
        reference: Without a version, the latest.
        store: A folder, an https address, s3://... or gs://...; None is the one that ships with this tool, which is
            as old as the tool: of it nothing is remembered.
        trust: Public key that must have signed the model's index, as digits or a PEM file; None takes the one of the
            last time, if there was one.
        memory: What was seen of stores before; None is this user's.

    Raises:
        ArtifactError: There is none such, a document was changed, is not signed by the trusted key, or older than one
            that was seen.
        StorageError: The store cannot be read.
    """
    name, version = split_reference(reference)
    reader, seen = open_reader(store), memory if memory is not None else user_memory()
    before = seen.of(reader.address, name) if store is not None else None
    key = public_key(trust) if trust is not None else before.key if before is not None else None
    index = read_index(reader, name, key)
    seen.require_not_older(reader.address, index, before)
    entry = index.find(version)
    release = read_release(reader, name, entry)
    content = read_file(reader, release, MANIFEST)
    manifest = parse_json(
        Manifest,
        content,
        f"{reader.address}: {MANIFEST} of {name} {entry.version}",
        "update this tool, or choose another",
    )
    if store is not None:
        seen.remember(reader.address, index, entry, key)
    return PublishedModel(store=reader, index=index, release=release, manifest=manifest, key=key)


def pull(
    model: PublishedModel, folder: Path, target: str | None, precision: str | None, progress: Progress
) -> PulledModel:
    """Write a release into a folder: the files of a target and precision, or the whole build.

    Raises:
        ArtifactError: It has no such file, or a file is not the published one.
        StorageError: The folder holds something else, the disk is full, or the transfer broke off.
    """
    release = model.release
    artifacts = chosen_artifacts(model.published, target, precision)
    files = release.files if target is None and precision is None else _files(release, artifacts)
    pull_files(model.store, release, files, folder, progress)
    models = tuple(folder / artifact.path for artifact in artifacts)
    return PulledModel(path=folder, version=release.version, models=models)


def chosen_artifacts(manifest: Manifest, target: str | None, precision: str | None) -> tuple[Artifact, ...]:
    """Those of a target and of a precision, where they are named.

    Raises:
        ArtifactError: There is none; lists those there are.
    """
    chosen = tuple(
        artifact
        for artifact in manifest.artifacts
        if target in (None, artifact.target) and precision in (None, artifact.precision)
    )
    if not chosen:
        there = ", ".join(dict.fromkeys(f"{a.target} {a.precision}" for a in manifest.artifacts))
        wanted = " ".join(filter(None, (target, precision)))
        raise ArtifactError(f"{manifest.name} has no {wanted}: choose one of {there}")
    return chosen


def _files(release: Release, artifacts: Sequence[Artifact]) -> tuple[ReleaseFile, ...]:
    paths = [CARD, MANIFEST, CONTRACT]
    for artifact in artifacts:
        paths += [artifact.path, *(file.path for file in artifact.beside)]
    return tuple(release.file(path) for path in paths)
