"""Publishing a build: only one whose gates held, under terms that its publisher accepted."""

import hashlib
import json
from pathlib import Path

from factory.artifacts.publishing import Draft, publish_draft
from factory.contracts.errors import DataError, GateError
from factory.contracts.manifest import Manifest, Outcome
from factory.contracts.release import MANIFEST, Release
from factory.contracts.window import WindowSpec
from factory.pipeline.consistency import require_consistent
from factory.pipeline.result import Build
from factory.reporting.card import model_card
from factory.reporting.trailer import require_report
from factory.verification.golden import read_golden


def publish(
    build: Build, store: Path, version: str | None = None, key: Path | None = None, accept_terms: bool = False
) -> Release:
    """Add a build to a store as a new version of the model of its name.

    Args:
        build: From `open_build`, so that every file is the manifest's.
        store: A folder; made if it is not there.
        version: Three numbers; None is the next minor one, or the next major one if the contract changed.
        key: Private key that signs.
        accept_terms: The publisher honours terms that forbid commercial use.

    Raises:
        GateError: A gate broke, or an artifact was never verified.
        DataError: The recordings' terms forbid commercial use and were not accepted.
        ArtifactError: Files contradict each other, or the store refuses the version.
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
    draft = Draft(
        name=manifest.name,
        contract=contract_hash(manifest.contract),
        terms=terms.text,
        commercial_use=terms.commercial_use,
        folder=build.path,
        files=published_files(manifest),
        card=lambda number: model_card(manifest, number, terms.text, terms.licence, terms.cite),
    )
    return publish_draft(store, draft, version, key)


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


def contract_hash(spec: WindowSpec) -> str:
    """SHA-256 of a sensor contract; a field that a later release of this tool adds changes it only where it is used."""
    values = spec.model_dump(mode="json", exclude_defaults=True)
    return hashlib.sha256(json.dumps(values, sort_keys=True, separators=(",", ":")).encode("ascii")).hexdigest()
