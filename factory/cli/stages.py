"""The stages of a build, each a key, a list of files and a function that makes them.

windows -> teacher -> student -> onnx -> golden -> one stage a target -> verify -> manifest -> report
(the last three in factory/cli/verification.py and factory/cli/finish.py)
"""

from typing import Any

from factory.artifacts.store import Nothing, Stage, StageStore
from factory.cli.job import Job, Prepared
from factory.cli.provenance import versions
from factory.contracts.artifact import Artifact
from factory.contracts.base import Contract
from factory.contracts.files import atomic_write
from factory.contracts.manifest import DataSummary
from factory.contracts.network import TRAINING_VERSION, NetworkSpec, TrainingSummary
from factory.contracts.recipe import Recipe
from factory.contracts.window import SensorContract

CODE_VERSIONS = {"windows": 1, "onnx": 2, "golden": 1, "calibration": 2, "verify": 5, "manifest": 1, "report": 3}
"""Part of each stage's key. Raise one when a change of its code changes what it writes; a target's is in its row."""

NETWORK_FILES = ("network.safetensors", "network.json", "summary.json", "epochs.jsonl")
TEACHER_FILES = tuple(f"teacher/{name}" for name in (*NETWORK_FILES, "ensemble.safetensors", "memory.safetensors"))
STUDENT_FILES = tuple(f"student/{name}" for name in NETWORK_FILES)


class Exported(Contract):
    """What a target wrote."""

    artifacts: tuple[Artifact, ...]


def write_recipe(job: Job) -> None:
    """Put the resolved recipe into the build folder, if it is not there already."""
    path, text = job.build / "recipe.toml", job.recipe.to_toml()
    if not path.is_file() or path.read_bytes() != text.encode():
        with atomic_write(path) as temporary:
            temporary.write_text(text, "utf-8")


def windows_stage(store: StageStore, job: Job, prepared: Prepared) -> DataSummary:
    """Prepare windows into the cache and split them; always looks at the files, since they may have changed."""
    stage = Stage(
        name="windows",
        inputs={
            "version": CODE_VERSIONS["windows"],
            "content": prepared.windows.content_hash,
            "split": _json(job.recipe.split),
            "seed": job.recipe.seed,
        },
        outputs=(),
        result=DataSummary,
    )
    return store.run(stage, prepared.summary)


def teacher_stage(store: StageStore, job: Job, prepared: Prepared) -> TrainingSummary:
    """Train the teacher and search its head."""
    recipe = job.recipe
    inputs = {
        **_training_inputs(recipe, prepared),
        "model": recipe.model.model_dump(mode="json", exclude={"student"}),
        "train": recipe.train.model_dump(mode="json", exclude={"student_epochs", "int8_epochs"}),
        "patterns": recipe.distill.patterns,
    }

    def work() -> TrainingSummary:
        from factory.devices.host import choose_device
        from factory.train import train_teacher

        device = choose_device(job.device)
        folder = job.build / "teacher"
        return train_teacher(recipe, prepared.windows, prepared.split, folder, device, job.progress, job.tensorboard)

    stage = Stage(name="teacher", inputs=inputs, outputs=TEACHER_FILES, result=TrainingSummary, folder="teacher")
    return store.run(stage, work)


def student_stage(store: StageStore, job: Job, prepared: Prepared) -> TrainingSummary:
    """Distil the student."""
    recipe = job.recipe

    def work() -> TrainingSummary:
        from factory.devices.host import choose_device
        from factory.train import train_student

        device, teacher, folder = choose_device(job.device), job.build / "teacher", job.build / "student"
        return train_student(
            recipe, prepared.windows, prepared.split, teacher, folder, device, job.progress, job.tensorboard
        )

    inputs = student_inputs(store, recipe, prepared)
    stage = Stage(name="student", inputs=inputs, outputs=STUDENT_FILES, result=TrainingSummary, folder="student")
    return store.run(stage, work)


def student_inputs(store: StageStore, recipe: Recipe, prepared: Prepared) -> dict[str, Any]:
    """What decides a student's weights; `recipe` need not be the job's, so that a control can be trained beside."""
    return {
        **_training_inputs(recipe, prepared),
        "model": _json(recipe.model),
        "train": recipe.train.model_dump(mode="json", exclude={"teacher_epochs", "search_epochs"}),
        "distill": _json(recipe.distill),
        "teacher": _weights(store, "teacher"),
    }


def onnx_stage(store: StageStore, job: Job, prepared: Prepared) -> None:
    """Fold the student into the hand-off graph, and write the contract that apps read."""
    spec = prepared.windows.spec

    def work() -> Nothing:
        from exporters.onnx import export_onnx
        from factory.models import fold, load_network

        network = fold(load_network(job.build / "student"))
        export_onnx(network, len(spec.channels), spec.length, job.build / "onnx" / "model.onnx")
        _write_contract(job, prepared)
        return Nothing()

    inputs = {
        "version": CODE_VERSIONS["onnx"],
        "student": _weights(store, "student"),
        "contract": _json(spec),
        "name": job.recipe.name,
        "tools": versions("torch", "onnx"),
    }
    outputs = ("onnx/model.onnx", "contract.json")
    store.run(Stage(name="onnx", inputs=inputs, outputs=outputs, result=Nothing, folder="onnx"), work)


def golden_stage(store: StageStore, job: Job, prepared: Prepared) -> None:
    """Choose held-out windows and write them with the eager student's logits."""
    verify = job.recipe.verify

    def work() -> Nothing:
        from factory.models import load_network
        from factory.train import predict
        from factory.verify.golden import write_golden
        from factory.verify.selection import select_golden

        test = prepared.split.test
        logits = predict(load_network(job.build / "student"), prepared.windows.x[test])
        pack = select_golden(prepared.windows, test, verify.golden_windows, job.recipe.seed, logits)
        write_golden(job.build / "golden.npz", pack)
        return Nothing()

    inputs = {
        "version": CODE_VERSIONS["golden"],
        "student": _weights(store, "student"),
        "windows": _windows_key(store),
        "count": verify.golden_windows,
        "seed": job.recipe.seed,
    }
    store.run(Stage(name="golden", inputs=inputs, outputs=("golden.npz",), result=Nothing), work)


def target_stage(store: StageStore, job: Job, prepared: Prepared, target: str) -> tuple[Artifact, ...]:
    """Convert the hand-off graph into one target's artifacts; of the recipe's precisions, those that it makes.

    Raises:
        ExportError: The converter refused.
        MissingToolError: The target's SDK is not installed.
    """
    from exporters.registry import find_target

    export, row = job.recipe.export, find_target(target)
    precisions = tuple(precision for precision in export.precisions if precision in row.precisions)

    def work() -> Exported:
        from exporters.registry import load_exporter
        from factory.contracts.exporter import ExportRequest
        from factory.quantize.calibration import choose_calibration

        windows, train = prepared.windows, prepared.split.train
        request = ExportRequest(
            onnx=job.build / "onnx" / "model.onnx",
            student=job.build / "student",
            spec=windows.spec,
            calibration=choose_calibration(windows, train, export.calibration_windows, job.recipe.seed),
            build=job.build,
            precisions=precisions,
            progress=job.progress,
        )
        return Exported(artifacts=load_exporter(target).export(request))

    inputs = {
        "version": row.version,
        "onnx": store.hashes("onnx"),
        "student": _weights(store, "student"),
        "precisions": precisions,
        "calibration": CODE_VERSIONS["calibration"],
        "calibration_windows": export.calibration_windows,
        "windows": _windows_key(store),
        "seed": job.recipe.seed,
        "tools": versions(*row.packages),
    }
    stage = Stage(
        name=target,
        inputs=inputs,
        outputs=(),
        result=Exported,
        named=lambda exported: tuple(path for artifact in exported.artifacts for path in files_of(artifact)),
        folder=target,
    )
    return store.run(stage, work).artifacts


def files_of(artifact: Artifact) -> tuple[str, ...]:
    """An artifact's own path and those of the files beside it."""
    return artifact.path, *(file.path for file in artifact.beside)


def read_spec(job: Job, which: str) -> NetworkSpec:
    """network.json of the teacher or student of a build whose training stages are current."""
    return NetworkSpec.model_validate_json((job.build / which / "network.json").read_bytes())


def sensor_contract(job: Job, prepared: Prepared) -> SensorContract:
    """What contract.json says."""
    spec = prepared.windows.spec
    return SensorContract(
        name=job.recipe.name,
        window=spec,
        normalisation=read_spec(job, "student").normalisation,
        phone_obstacles=tuple(spec.phone_obstacles()),
    )


def _write_contract(job: Job, prepared: Prepared) -> None:
    with atomic_write(job.build / "contract.json") as temporary:
        temporary.write_text(sensor_contract(job, prepared).model_dump_json(indent=2) + "\n", "utf-8")


def _training_inputs(recipe: Recipe, prepared: Prepared) -> dict[str, Any]:
    return {
        "version": TRAINING_VERSION,
        "content": prepared.windows.content_hash,
        "split": _json(recipe.split),
        "seed": recipe.seed,
        "tools": versions("torch"),
    }


def _weights(store: StageStore, which: str) -> dict[str, str]:
    """Hashes of a network's weights and specification; its history and timing decide nothing."""
    deciding = (".safetensors", "network.json")
    return {path: digest for path, digest in store.hashes(which).items() if path.endswith(deciding)}


def _windows_key(store: StageStore) -> str | None:
    record = store.record("windows")
    return record.key if record is not None else None


def _json(model: Contract) -> dict[str, Any]:
    return model.model_dump(mode="json")
