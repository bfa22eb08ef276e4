"""The end of a build: manifest.json, report.html, and the gates' verdict."""

from pathlib import Path

from factory.artifacts.manifest_io import read_manifest, write_manifest
from factory.artifacts.store import Nothing, Stage, describe_file
from factory.contracts.code import code_hash
from factory.contracts.manifest import Baseline, BuildFile, DataSummary, Manifest, Training
from factory.contracts.network import TrainingSummary
from factory.pipeline.devices import OnDevices
from factory.pipeline.provenance import provenance
from factory.pipeline.request import SPLIT_FILE, Run
from factory.pipeline.stages import STUDENT_FILES, TEACHER_FILES, measured_control, measured_lead, sensor_contract
from factory.pipeline.targets import Exports
from factory.pipeline.verification import Verified

FILES = ("recipe.toml", SPLIT_FILE, "contract.json", "golden.npz", "onnx/model.onnx", *TEACHER_FILES, *STUDENT_FILES)


def manifest_stage(run: Run, exports: Exports, verified: Verified, on_devices: OnDevices) -> Manifest:
    """Write manifest.json; kept as it is while nothing in it changed, its date included."""
    files = tuple(describe_file(run.folder, path) for path in FILES)
    inputs = {
        "recipe": run.recipe.model_dump(mode="json"),
        "files": [file.model_dump(mode="json") for file in files],
        "artifacts": [artifact.model_dump(mode="json") for artifact in exports.artifacts],
        "exports": [check.model_dump(mode="json") for check in exports.checks],
        "verified": verified.model_dump(mode="json"),
        "devices": on_devices.model_dump(mode="json"),
        "control": control.model_dump(mode="json") if (control := measured_control(run)) else None,
        "lead": lead.model_dump(mode="json") if (lead := measured_lead(run)) else None,
        "code": code_hash(manifest_stage, __name__),
    }

    def work() -> Nothing:
        write_manifest(run.folder / "manifest.json", _manifest(run, exports, verified, on_devices, files))
        return Nothing()

    run.store.run(Stage(name="manifest", inputs=inputs, outputs=("manifest.json",), result=Nothing), work)
    return read_manifest(run.folder / "manifest.json")


def report_stage(run: Run, manifest: Manifest) -> Path:
    """Write report.html; returns its path."""
    out = run.folder / "report.html"

    def work() -> Nothing:
        from factory.reporting.html import write_report

        write_report(run.folder, manifest, out)
        return Nothing()

    inputs = {"code": code_hash(report_stage, "factory.reporting"), "manifest": run.store.hashes("manifest")}
    run.store.run(Stage(name="report", inputs=inputs, outputs=("report.html",), result=Nothing), work)
    return out


def _manifest(
    run: Run,
    exports: Exports,
    verified: Verified,
    on_devices: OnDevices,
    files: tuple[BuildFile, ...],
) -> Manifest:
    contract = sensor_contract(run)
    return Manifest(
        name=run.recipe.name,
        provenance=provenance(),
        recipe=run.recipe,
        contract=contract.window,
        normalisation=contract.normalisation,
        phone_obstacles=contract.phone_obstacles,
        rejection=contract.rejection,
        data=run.store.result("windows", DataSummary),
        training=_training(run, verified),
        artifacts=exports.artifacts,
        files=files,
        baseline=run.store.result("baseline", Baseline),
        mixed=verified.mixed,
        conversion=verified.conversion,
        verifications=verified.verifications,
        devices=on_devices.runs,
        checks=exports.checks + verified.checks + on_devices.checks,
    )


def _training(run: Run, verified: Verified) -> Training:
    teacher, student = (run.store.result(name, TrainingSummary) for name in ("teacher", "student"))
    own = {channel.name for channel in run.windows.spec.channels}
    seen = (channel.name for channel in run.windows.for_teacher().spec.channels)
    return Training(
        head=student.head,
        head_search=teacher.head_search,
        teacher=verified.teacher,
        cross_entropy=measured_control(run),
        method=student.method,
        lead=measured_lead(run),
        teacher_channels=tuple(name for name in seen if name not in own),
        savings=verified.savings,
        student_cost=verified.student_cost,
        teacher_cost=verified.teacher_cost,
        device=student.device,
        seconds=teacher.seconds + student.seconds,
    )
