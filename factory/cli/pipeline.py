"""Which stages run for which command, in order, under one lock of the build folder."""

from dataclasses import dataclass, replace
from pathlib import Path

from factory.artifacts.store import StageStore, open_store
from factory.cli.android import android_stage
from factory.cli.board import BOARD_GATE, TARGET, Board, board_stage, require_board_target
from factory.cli.conversion import Verified, make_bench, verify_stage
from factory.cli.fanout import ANDROID, Chosen, Exports, choose_targets, export_targets
from factory.cli.finish import manifest_stage, report_stage
from factory.cli.job import Job, Prepared
from factory.cli.stages import (
    golden_stage,
    onnx_stage,
    student_stage,
    teacher_stage,
    windows_stage,
    write_recipe,
)
from factory.contracts.artifact import Artifact
from factory.contracts.errors import ArtifactError, FactoryError, RecipeError
from factory.contracts.manifest import Check, Manifest, Outcome
from factory.contracts.network import TrainingSummary


@dataclass(frozen=True, kw_only=True, slots=True)
class Built:
    """A finished build.

    Attributes:
        manifest: Also written; lists what failed.
        report: The HTML file.
        android: The folder that an Android app ships, if that target was asked for and its gates held.
        failures: What targets raised that could not be exported; the others are whole.
    """

    manifest: Manifest
    report: Path
    android: Path | None
    failures: tuple[Exception, ...]


def build(job: Job) -> Built:
    """Everything, from recordings to the report. Gates are judged by the caller, once all is written.

    Raises:
        FactoryError: Whatever stops a stage; what finished before it is kept.
    """
    chosen = choose_targets(job.targets, job.recipe.export.precisions)
    require_board_target(job.board, chosen.names)
    with open_store(job.build, job.progress) as store:
        prepared = Prepared(job)
        if ANDROID in job.targets:
            prepared.windows.spec.require_phone()
        _train(store, job, prepared)
        exports = _export(store, job, prepared, chosen)
        golden_stage(store, job, prepared)
        verified = verify_stage(store, job, prepared, exports.artifacts)
        exports = _on_board(store, job, prepared, exports, verified)
        manifest = manifest_stage(store, job, prepared, exports, verified)
        report = report_stage(store, job, manifest)
        android = android_stage(store, job, manifest)
        return Built(manifest=manifest, report=report, android=android, failures=exports.failures)


def train(job: Job) -> tuple[TrainingSummary, TrainingSummary]:
    """Teacher and student alone."""
    with open_store(job.build, job.progress) as store:
        return _train(store, job, Prepared(job))


def export(job: Job) -> Exports:
    """The targets' files of a trained build alone; trains what is missing or outdated first.

    A manifest or report that describes other files is removed: it would be wrong.

    Raises:
        RecipeError: For `android`, whose folder holds verified files.
    """
    if ANDROID in job.targets:
        raise RecipeError(
            f"target {ANDROID} packs verified files: factory build {job.build / 'recipe.toml'} --out {job.build} "
            f"--target {ANDROID}"
        )
    chosen = choose_targets(job.targets, job.recipe.export.precisions)
    with open_store(job.build, job.progress) as store:
        prepared = Prepared(job)
        _train(store, job, prepared)
        exports = _export(store, job, prepared, chosen)
        _drop_outdated(job, chosen.names, exports.artifacts)
        return exports


def _train(store: StageStore, job: Job, prepared: Prepared) -> tuple[TrainingSummary, TrainingSummary]:
    write_recipe(job)
    windows_stage(store, job, prepared)
    return teacher_stage(store, job, prepared), student_stage(store, job, prepared)


def _export(store: StageStore, job: Job, prepared: Prepared, chosen: Chosen) -> Exports:
    onnx_stage(store, job, prepared)
    return export_targets(store, job, prepared, chosen)


def _on_board(store: StageStore, job: Job, prepared: Prepared, exports: Exports, verified: Verified) -> Exports:
    """The board's checks added; a board that fails leaves the build whole, as a target does."""
    if job.board is None:
        return exports
    bench = make_bench(job, prepared, verified.conversion[0].accuracy)
    board = Board(url=job.board, name=job.recipe.name)
    try:
        report = board_stage(store, board, bench, exports.artifacts, verified.verifications)
    except FactoryError as error:
        failed = Check(gate=BOARD_GATE, target=TARGET, outcome=Outcome.FAILED, where=job.board, note=str(error))
        return replace(exports, checks=(*exports.checks, failed), failures=(*exports.failures, error))
    return replace(exports, checks=exports.checks + report.checks)


def _drop_outdated(job: Job, targets: tuple[str, ...], artifacts: tuple[Artifact, ...]) -> None:
    """Remove a manifest that describes files of these targets which are no longer there."""
    from factory.artifacts.manifest_io import read_manifest

    path = job.build / "manifest.json"
    if not path.exists():
        return
    written = {(artifact.path, artifact.sha256) for artifact in artifacts}
    try:
        described = {(a.path, a.sha256) for a in read_manifest(path).artifacts if a.target in targets}
        outdated = not described <= written
    except ArtifactError:
        outdated = True
    if outdated:
        path.unlink()
        (job.build / "report.html").unlink(missing_ok=True)
        job.progress.say("manifest.json and report.html described other files and were removed: run factory build")
