"""Two models side by side: does a newer one take the same input, how good and how large is it?"""

from pathlib import Path
from typing import Literal

from pydantic import Field

from factory.artifacts.manifest_io import read_manifest
from factory.contracts.artifact import Artifact, Precision
from factory.contracts.base import Contract
from factory.contracts.errors import ArtifactError
from factory.contracts.manifest import Manifest, Verification
from factory.contracts.release import MANIFEST
from factory.pipeline.consistency import differences


class Figures(Contract):
    """Of one artifact; None where it was not measured."""

    size_bytes: int
    accuracy: float | None
    macro_f1: float | None
    instructions: dict[str, int] = Field(default_factory=dict, description="of one inference, by device that counted")


class FileDifference(Contract):
    """One target, precision and variant of both; None where a side lacks it."""

    target: str
    precision: Precision
    variant: str = ""
    a: Figures | None
    b: Figures | None


class ModelDifference(Contract):
    """What `diff` found."""

    a: str
    b: str
    contract: tuple[str, ...] = Field(description="each difference of the sensor contracts, in words; empty: alike")
    next_version: Literal["major", "minor"] = Field(description="what b must raise, published after a")
    same_test_people: bool = Field(description="whether figures of both are of the same windows")
    parameters: tuple[int, int]
    macs: tuple[int, int]
    files: tuple[FileDifference, ...]


def compare(name_a: str, a: Manifest, name_b: str, b: Manifest) -> ModelDifference:
    """Compare two manifests; the names are how the caller calls them."""
    contract = tuple(differences(name_a, a.contract, name_b, b.contract))
    cost_a, cost_b = a.training.student_cost, b.training.student_cost
    one, other = _figures(a), _figures(b)
    kinds = dict.fromkeys((*one, *other))
    return ModelDifference(
        a=name_a,
        b=name_b,
        contract=contract,
        next_version="major" if contract else "minor",
        same_test_people=a.data.content_hash == b.data.content_hash and a.data.test_subjects == b.data.test_subjects,
        parameters=(cost_a.parameters, cost_b.parameters),
        macs=(cost_a.macs, cost_b.macs),
        files=tuple(
            FileDifference(target=kind[0], precision=kind[1], variant=kind[2], a=one.get(kind), b=other.get(kind))
            for kind in kinds
        ),
    )


def local_manifest(path: Path) -> Manifest:
    """Of a build folder or a pulled one.

    Raises:
        ArtifactError: It is neither.
    """
    if not (path / MANIFEST).is_file():
        raise ArtifactError(f"{path} holds no {MANIFEST}: name a build, a pulled folder, or NAME@VERSION with --from")
    return read_manifest(path / MANIFEST)


def _figures(manifest: Manifest) -> dict[tuple[str, Precision, str], Figures]:
    seen = {verification.subject: verification for verification in manifest.verifications}
    counted: dict[str, dict[str, int]] = {}
    for run in manifest.devices:
        for one in run.artifacts:
            if one.instructions is not None:
                counted.setdefault(one.subject, {})[run.device] = one.instructions
    return {
        (a.target, a.precision, a.variant): _of(a, seen.get(a.path), counted.get(a.path, {}))
        for a in manifest.artifacts
    }


def _of(artifact: Artifact, seen: Verification | None, instructions: dict[str, int]) -> Figures:
    accuracy = seen.accuracy if seen is not None else None
    return Figures(
        size_bytes=artifact.size_bytes,
        accuracy=accuracy.accuracy if accuracy is not None else None,
        macro_f1=accuracy.macro_f1 if accuracy is not None else None,
        instructions=instructions,
    )
