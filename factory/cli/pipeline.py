"""Which stages run for which command, in order, under one lock of the build folder."""

from dataclasses import dataclass
from pathlib import Path

from factory.artifacts.store import StageStore, open_store
from factory.cli.finish import manifest_stage, report_stage
from factory.cli.job import Job, Prepared
from factory.cli.ladder import verify_stage
from factory.cli.stages import (
    golden_stage,
    onnx_stage,
    student_stage,
    target_stage,
    teacher_stage,
    windows_stage,
    write_recipe,
)
from factory.contracts.artifact import Artifact
from factory.contracts.errors import ArtifactError, MissingToolError
from factory.contracts.manifest import Manifest
from factory.contracts.network import TrainingSummary


@dataclass(frozen=True, kw_only=True, slots=True)
class Built:
    """A finished build."""

    manifest: Manifest
    report: Path


def build(job: Job) -> Built:
    """Everything, from recordings to the report. Gates are judged by the caller, once all is written.

    Raises:
        FactoryError: Whatever stops a stage; what finished before it is kept.
    """
    require_targets(job)
    with open_store(job.build, job.progress) as store:
        prepared = Prepared(job)
        _train(store, job, prepared)
        artifacts = _export(store, job, prepared)
        golden_stage(store, job, prepared)
        verified = verify_stage(store, job, prepared, artifacts)
        manifest = manifest_stage(store, job, prepared, artifacts, verified)
        return Built(manifest=manifest, report=report_stage(store, job, manifest))


def train(job: Job) -> tuple[TrainingSummary, TrainingSummary]:
    """Teacher and student alone."""
    with open_store(job.build, job.progress) as store:
        return _train(store, job, Prepared(job))


def export(job: Job) -> tuple[Artifact, ...]:
    """The targets' files of a trained build alone; trains what is missing or outdated first.

    A manifest or report that describes other files is removed: it would be wrong.
    """
    require_targets(job)
    with open_store(job.build, job.progress) as store:
        prepared = Prepared(job)
        _train(store, job, prepared)
        artifacts = _export(store, job, prepared)
        _drop_outdated(job, artifacts)
        return artifacts


def require_targets(job: Job) -> None:
    """Refuse before training what could not be exported after it.

    Raises:
        RecipeError: No such target.
        MissingToolError: A target's SDK is not installed.
    """
    from exporters.registry import find_target

    for name in job.targets:
        target = find_target(name)
        if missing := [module for module in target.missing if module in target.exports_with]:
            raise MissingToolError(f"target {name} needs {', '.join(missing)}: {target.install}")


def _train(store: StageStore, job: Job, prepared: Prepared) -> tuple[TrainingSummary, TrainingSummary]:
    write_recipe(job)
    windows_stage(store, job, prepared)
    return teacher_stage(store, job, prepared), student_stage(store, job, prepared)


def _export(store: StageStore, job: Job, prepared: Prepared) -> tuple[Artifact, ...]:
    onnx_stage(store, job, prepared)
    return tuple(artifact for target in job.targets for artifact in target_stage(store, job, prepared, target))


def _drop_outdated(job: Job, artifacts: tuple[Artifact, ...]) -> None:
    from factory.artifacts.manifest_io import read_manifest

    path = job.build / "manifest.json"
    if not path.exists():
        return
    try:
        described = {artifact.path: artifact.sha256 for artifact in read_manifest(path).artifacts}
    except ArtifactError:
        described = {}
    if described != {artifact.path: artifact.sha256 for artifact in artifacts}:
        path.unlink()
        (job.build / "report.html").unlink(missing_ok=True)
        job.progress.say("manifest.json and report.html described other files and were removed: run factory build")
