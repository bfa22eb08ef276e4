"""The end of a build: manifest.json, report.html, and the gates' verdict."""

from pathlib import Path

from factory.artifacts.manifest_io import read_manifest, write_manifest
from factory.artifacts.store import Nothing, Stage, StageStore, describe_file
from factory.cli.conversion import Verified
from factory.cli.fanout import Exports
from factory.cli.job import Job, Prepared
from factory.cli.provenance import provenance
from factory.cli.stages import CODE_VERSIONS, STUDENT_FILES, TEACHER_FILES, sensor_contract
from factory.contracts.manifest import BuildFile, DataSummary, Manifest, Training
from factory.contracts.network import TrainingSummary

FILES = ("recipe.toml", "contract.json", "golden.npz", "onnx/model.onnx", *TEACHER_FILES, *STUDENT_FILES)


def manifest_stage(store: StageStore, job: Job, prepared: Prepared, exports: Exports, verified: Verified) -> Manifest:
    """Write manifest.json; kept as it is while nothing in it changed, its date included."""
    files = tuple(describe_file(job.build, path) for path in FILES)
    inputs = {
        "version": CODE_VERSIONS["manifest"],
        "recipe": job.recipe.model_dump(mode="json"),
        "files": [file.model_dump(mode="json") for file in files],
        "artifacts": [artifact.model_dump(mode="json") for artifact in exports.artifacts],
        "exports": [check.model_dump(mode="json") for check in exports.checks],
        "verified": verified.model_dump(mode="json"),
    }

    def work() -> Nothing:
        write_manifest(job.build / "manifest.json", _manifest(store, job, prepared, exports, verified, files))
        return Nothing()

    store.run(Stage(name="manifest", inputs=inputs, outputs=("manifest.json",), result=Nothing), work)
    return read_manifest(job.build / "manifest.json")


def report_stage(store: StageStore, job: Job, manifest: Manifest) -> Path:
    """Write report.html; returns its path."""
    out = job.build / "report.html"

    def work() -> Nothing:
        from factory.reporting.html import write_report

        write_report(job.build, manifest, out)
        return Nothing()

    inputs = {"version": CODE_VERSIONS["report"], "manifest": store.hashes("manifest")}
    store.run(Stage(name="report", inputs=inputs, outputs=("report.html",), result=Nothing), work)
    return out


def _manifest(
    store: StageStore,
    job: Job,
    prepared: Prepared,
    exports: Exports,
    verified: Verified,
    files: tuple[BuildFile, ...],
) -> Manifest:
    contract = sensor_contract(job, prepared)
    return Manifest(
        name=job.recipe.name,
        provenance=provenance(),
        recipe=job.recipe,
        contract=contract.window,
        normalisation=contract.normalisation,
        phone_obstacles=contract.phone_obstacles,
        data=store.result("windows", DataSummary),
        training=_training(store, verified),
        artifacts=exports.artifacts,
        files=files,
        baseline=verified.baseline,
        conversion=verified.conversion,
        verifications=verified.verifications,
        checks=exports.checks + verified.checks,
    )


def _training(store: StageStore, verified: Verified) -> Training:
    teacher, student = (store.result(name, TrainingSummary) for name in ("teacher", "student"))
    return Training(
        head=student.head,
        head_search=teacher.head_search,
        teacher=verified.teacher,
        student_cost=verified.student_cost,
        teacher_cost=verified.teacher_cost,
        device=student.device,
        seconds=teacher.seconds + student.seconds,
    )
