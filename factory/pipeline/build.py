"""A build from recordings to the report. Open this file to see the machine: each line of `build` is one stage.

    recordings -> windows -> lead -> teacher -> student -> ONNX graph -> a target's files -> golden pack -> baseline
    -> verification -> devices -> board, if one is named -> manifest.json -> report.html -> android/, if asked for

What a stage does stands in the package that it belongs to; what decides whether it runs again, in stages.py and its
neighbours. Everything is written into one folder, under one lock.
"""

from dataclasses import replace
from pathlib import Path

from factory.artifacts.manifest_io import read_manifest
from factory.artifacts.store import open_store
from factory.contracts.artifact import Artifact
from factory.contracts.errors import ArtifactError, FactoryError, RecipeError, StorageError
from factory.contracts.manifest import Check, DataSummary, Outcome
from factory.contracts.network import TrainingSummary
from factory.data.splits import require_trainable
from factory.pipeline.android import android_stage
from factory.pipeline.board import BOARD_GATE, TARGET, Board, board_stage, require_board_target
from factory.pipeline.devices import SETUP_GATE, OnDevices, devices_stage, require_device_name, with_cost
from factory.pipeline.explain import Explanation, explain_lead
from factory.pipeline.finish import manifest_stage, report_stage
from factory.pipeline.on_devices import on_devices
from factory.pipeline.request import BuildRequest, Run
from factory.pipeline.result import Build
from factory.pipeline.stages import (
    baseline_stage,
    golden_stage,
    lead_stage,
    onnx_stage,
    student_stage,
    teacher_stage,
    windows_stage,
    write_recipe,
)
from factory.pipeline.targets import ANDROID, Chosen, Exports, choose_targets, export_targets
from factory.pipeline.verification import Verified, verify_request, verify_stage


def build(request: BuildRequest) -> Build:
    """Run every stage that is not current. Gates are judged by the caller, once all is written.

    Raises:
        FactoryError: Whatever stops a stage; what finished before it is kept.
    """
    chosen = choose_targets(request.targets, request.recipe.export.precisions)
    require_board_target(request.board, chosen.names)
    require_device_name(request.verify_on)
    with open_store(request.build, request.progress) as store:
        run = _in_time(Run(request, store))
        if ANDROID in request.targets:
            run.windows.spec.require_phone()
        _train(run)
        exports = _export(run, chosen)
        golden_stage(run)
        baseline_stage(run)
        request.cancel.raise_if_set()
        verified = verify_stage(run, exports.artifacts)
        exports, on_devices = _on_devices(run, exports, verified)
        exports = _on_board(run, exports, verified)
        manifest = manifest_stage(run, exports, verified, on_devices)
        report_stage(run, manifest)
        android_stage(run, manifest)
        return Build(path=request.build, manifest=manifest, failures=exports.failures)


def train(request: BuildRequest) -> tuple[TrainingSummary, TrainingSummary]:
    """Teacher and student alone."""
    with open_store(request.build, request.progress) as store:
        return _train(_in_time(Run(request, store)))


def explain(request: BuildRequest) -> Explanation:
    """Measure the teacher's lead, which a later build takes over, and say what it means."""
    with open_store(request.build, request.progress) as store:
        run = Run(request, store)
        data = _prepare(run)
        recipe, base = run.recipe, run.folder
        if recipe.data.description is not None:
            described = recipe.data.model_copy(update={"description": str(base / recipe.data.description)})
            recipe = recipe.model_copy(update={"data": described})
        return explain_lead(recipe, data, lead_stage(run))


def export(request: BuildRequest) -> Exports:
    """The targets' files of a trained build alone; trains what is missing or outdated first.

    A manifest or report that describes other files is removed: it would be wrong.

    Raises:
        RecipeError: For `android`, whose folder holds verified files.
    """
    if ANDROID in request.targets:
        raise RecipeError(
            f"target {ANDROID} packs verified files: factory build {request.build / 'recipe.toml'} --out "
            f"{request.build} --target {ANDROID}"
        )
    chosen = choose_targets(request.targets, request.recipe.export.precisions)
    with open_store(request.build, request.progress) as store:
        run = Run(request, store)
        _train(run)
        exports = _export(run, chosen)
        _drop_outdated(run, chosen.names, exports.artifacts)
        return exports


def _in_time(run: Run) -> Run:
    """The run with as many epochs as there is time for."""
    from factory.pipeline.budget import within

    return run if run.request.minutes is None else within(run, run.request.minutes)


def _prepare(run: Run) -> DataSummary:
    _require_same_recipe(run)
    write_recipe(run)
    data = windows_stage(run)
    require_trainable(run.windows, run.split, run.recipe)
    run.request.cancel.raise_if_set()
    return data


def _train(run: Run) -> tuple[TrainingSummary, TrainingSummary]:
    _prepare(run)
    with on_devices(run, networks):
        return networks(run)


def networks(run: Run) -> tuple[TrainingSummary, TrainingSummary]:
    """The stages that train, of a run whose windows are at hand."""
    lead_stage(run)
    return teacher_stage(run), student_stage(run)


def _export(run: Run, chosen: Chosen) -> Exports:
    onnx_stage(run)
    return export_targets(run, chosen)


def _require_same_recipe(run: Run) -> None:
    """Refuse to replace the models of another recipe, unless that was asked for.

    Raises:
        StorageError: The folder holds a build of a recipe of another name.
    """
    from factory.contracts.recipe import load_recipe

    path = run.folder / "recipe.toml"
    if run.request.force or not path.is_file():
        return
    try:
        there = load_recipe(path).name
    except RecipeError:  # of an older release, or edited: whose it was cannot be told from it
        return
    if there != run.recipe.name:
        raise StorageError(
            f"{run.folder} holds a build of recipe {there}, this is {run.recipe.name}: choose another --out, or "
            "replace it with --force"
        )


def _on_devices(run: Run, exports: Exports, verified: Verified) -> tuple[Exports, OnDevices]:
    """What devices answered; a device that fails leaves the build whole, as a target does."""
    bounds = run.recipe.export.max_instructions
    try:
        found = devices_stage(run, exports.artifacts, verified)
    except FactoryError as error:
        where = run.request.verify_on
        failed = Check(gate=SETUP_GATE, target="device", outcome=Outcome.FAILED, where=where, note=str(error))
        found = OnDevices(checks=(failed,))
        exports = replace(exports, failures=(*exports.failures, error))
    return exports, with_cost(found, exports.artifacts, bounds)


def _on_board(run: Run, exports: Exports, verified: Verified) -> Exports:
    """The board's checks added; a board that fails leaves the build whole, as a target does."""
    if run.request.board is None:
        return exports
    request = verify_request(run, verified.conversion[0].accuracy)
    board = Board(url=run.request.board, name=run.recipe.name)
    try:
        report = board_stage(run.store, board, request, exports.artifacts, verified.verifications)
    except FactoryError as error:
        failed = Check(gate=BOARD_GATE, target=TARGET, outcome=Outcome.FAILED, where=board.url, note=str(error))
        return replace(exports, checks=(*exports.checks, failed), failures=(*exports.failures, error))
    return replace(exports, checks=exports.checks + report.checks)


def _drop_outdated(run: Run, targets: tuple[str, ...], artifacts: tuple[Artifact, ...]) -> None:
    """Remove a manifest that describes files of these targets which are no longer there."""
    path: Path = run.folder / "manifest.json"
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
        (run.folder / "report.html").unlink(missing_ok=True)
        run.progress.say("manifest.json and report.html described other files and were removed: run factory build")
