"""Publishing a build: only one whose gates held, under terms that its publisher accepted."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from factory.artifacts.publishing import Draft, publish_draft
from factory.artifacts.remote import is_remote, publish_remote
from factory.contracts.artifact import Artifact
from factory.contracts.errors import ArtifactError, DataError, GateError
from factory.contracts.manifest import Manifest, Outcome
from factory.contracts.release import CONTRACT, MANIFEST, Release
from factory.contracts.window import WindowSpec
from factory.pipeline.aar import REPOSITORY, announce_libraries, deploy_library, libraries
from factory.pipeline.consistency import require_consistent
from factory.pipeline.result import Build
from factory.reporting.card import model_card
from factory.reporting.trailer import require_report
from factory.verification.golden import read_golden


def publish(
    build: Build,
    store: str,
    version: str | None = None,
    key: Path | None = None,
    accept_terms: bool = False,
    only: Sequence[str] = (),
    maven: bool = False,
) -> Release:
    """Add a build to a store as a new version of the model of its name.

    Args:
        build: From `open_build`, so that every file is the manifest's.
        store: A folder, made if it is not there, or s3://... or gs://...
        version: Three numbers; None is the next minor one, or the next major one if the contract changed.
        key: Private key that signs.
        accept_terms: The publisher honours terms that forbid commercial use.
        only: Model files as TARGET/PRECISION: these with contract, manifest and card, without what `factory verify`
            asks for, recorded windows among it. Empty is the whole build.
        maven: Write Android libraries of that version into the store's Maven repository, too.

    Raises:
        GateError: A gate broke, or an artifact was never verified.
        DataError: The recordings' terms forbid commercial use and were not accepted.
        ArtifactError: Files contradict each other, there is no such model file, the store refuses the version, or
            nothing was packed for phones.
        StorageError: The disk is full or not writable.
    """
    from factory.data.sources import terms_of

    manifest = build.manifest
    build.require()
    require_verified(manifest)
    require_consistent(build, read_golden(build.path / "golden.npz"))
    require_report(build.report, manifest)
    terms = terms_of(manifest.recipe.data.source)
    if not (terms.commercial_use or accept_terms):
        raise DataError(
            f"{manifest.name} was made from {manifest.recipe.data.source}, {terms.text}: publish it with "
            "--accept-terms if you and those who pull it honour that"
        )
    if maven and is_remote(store):
        raise ArtifactError(
            f"{store}: Android libraries are written into folders: publish --maven --to FOLDER, copy it"
        )
    artifacts = _only(manifest, only)
    shown = manifest.model_copy(update={"artifacts": artifacts})
    found = libraries(build, terms) if maven else ()

    def write_libraries(number: str) -> None:
        for library in found:
            deploy_library(Path(store) / REPOSITORY, library, number, replace=True)

    draft = Draft(
        name=manifest.name,
        contract=contract_hash(manifest.contract),
        terms=terms.text,
        commercial_use=terms.commercial_use,
        folder=build.path,
        files=model_files(artifacts) if only else published_files(manifest),
        card=lambda number: model_card(shown, number, terms.text, terms.licence, terms.cite),
        beside=write_libraries,
    )
    if is_remote(store):
        return publish_remote(store, draft, version, key)
    release = publish_draft(Path(store), draft, version, key)
    announce_libraries(Path(store), found)
    return release


def require_verified(manifest: Manifest) -> None:
    """Let only builds pass in which every artifact passed a gate; what could not run is no pass.

    Raises:
        GateError: Names the artifacts that nothing was measured of.
    """
    passed = {(c.target, c.precision, c.variant) for c in manifest.checks if c.outcome is Outcome.PASSED}
    never = [a.path for a in manifest.artifacts if (a.target, a.precision, a.variant) not in passed]
    if never:
        raise GateError(
            f"{manifest.name}: {', '.join(never)} passed no gate, its runtime was not at hand: "
            "run factory verify --update where it is"
        )


def published_files(manifest: Manifest) -> tuple[str, ...]:
    """Everything that `factory verify` asks for, so that a pulled build can be verified."""
    paths = [MANIFEST, "report.html", *(file.path for file in manifest.files)]
    for artifact in manifest.artifacts:
        paths += [artifact.path, *(file.path for file in artifact.beside)]
    return tuple(dict.fromkeys(paths))


def model_files(artifacts: Sequence[Artifact]) -> tuple[str, ...]:
    """What an app needs of a build, and what says what it is."""
    return (MANIFEST, CONTRACT, *(artifact.path for artifact in artifacts))


def _only(manifest: Manifest, kinds: Sequence[str]) -> tuple[Artifact, ...]:
    """The artifacts of these kinds, each TARGET/PRECISION; all where none is named."""
    there = {
        f"{artifact.target}/{artifact.precision}": artifact for artifact in manifest.artifacts if not artifact.variant
    }
    if missing := [kind for kind in kinds if kind not in there]:
        raise ArtifactError(f"{manifest.name} has no {', '.join(missing)}: choose from {', '.join(there)}")
    return tuple(there[kind] for kind in dict.fromkeys(kinds)) if kinds else manifest.artifacts


def contract_hash(spec: WindowSpec) -> str:
    """SHA-256 of a sensor contract; a field that a later release of this tool adds changes it only where it is used."""
    values = spec.model_dump(mode="json", exclude_defaults=True)
    return hashlib.sha256(json.dumps(values, sort_keys=True, separators=(",", ":")).encode("ascii")).hexdigest()
