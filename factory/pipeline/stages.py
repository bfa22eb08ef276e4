"""The stages of a build up to the exported files, each a key, a list of files and a function that makes them.

A key holds what decides the files: the recipe's parts, hashes of earlier files, tool versions and the stage's own code.
"""

from typing import Any

from factory.artifacts.store import Nothing, Stage
from factory.contracts.artifact import Artifact
from factory.contracts.base import Contract
from factory.contracts.code import code_hash
from factory.contracts.dataset import Split, WindowSet
from factory.contracts.files import atomic_write
from factory.contracts.manifest import Accuracy, Baseline, DataSummary, SplitRecord
from factory.contracts.network import Lead, NetworkSpec, TrainingSummary
from factory.contracts.recipe import Recipe
from factory.contracts.stored import read_json, write_json
from factory.contracts.window import SensorContract
from factory.pipeline.provenance import versions
from factory.pipeline.request import SPLIT_FILE, Run

NETWORK_FILES = ("network.safetensors", "network.json", "summary.json", "epochs.jsonl")
TEACHER_FILES = tuple(f"teacher/{name}" for name in (*NETWORK_FILES, "ensemble.safetensors", "memory.safetensors"))
STUDENT_FILES = tuple(f"student/{name}" for name in NETWORK_FILES)
CONTROL = "cross_entropy"
LEAD = "lead"
LEAST_JUDGES = 3
"""Validation people without whom a lead is not measured: that of one or two says more of them than of the teacher."""


class Exported(Contract):
    """What a target wrote."""

    artifacts: tuple[Artifact, ...]


def write_recipe(run: Run) -> None:
    """Put the resolved recipe into the build folder, if it is not there already."""
    path, text = run.folder / "recipe.toml", run.recipe.to_toml()
    if not path.is_file() or path.read_bytes() != text.encode():
        with atomic_write(path) as temporary:
            temporary.write_text(text, "utf-8")


def windows_stage(run: Run) -> DataSummary:
    """Prepare windows into the cache and split them; always looks at the files, since they may have changed."""

    def work() -> DataSummary:
        found = summarise(run.windows, run.split)
        record = SplitRecord(
            split=run.recipe.split,
            seed=run.recipe.seed,
            train=found.train_subjects,
            validation=found.validation_subjects,
            test=found.test_subjects,
            unlabelled=found.unlabelled_subjects,
        )
        write_json(record, run.folder / SPLIT_FILE)
        return found

    inputs = _windows_inputs(run, run.recipe)
    return run.store.run(Stage(name="windows", inputs=inputs, outputs=(SPLIT_FILE,), result=DataSummary), work)


def summarise(windows: WindowSet, split: Split) -> DataSummary:
    """Who trains, who selects, who tests, and with how much of each class."""
    from factory.data.counts import count_classes
    from factory.data.leakage import parts_of
    from factory.data.splits import subjects_of

    parts = parts_of(split)
    order = {subject: place for place, subject in enumerate(subjects_of(windows))}
    names = {
        part: tuple(sorted(set(windows.subject[index].tolist()), key=order.__getitem__))
        for part, index in parts.items()
    }
    counts = {part: len(index) for part, index in parts.items()}
    if len(split.unlabelled):
        counts["unlabelled"] = len(split.unlabelled)
    alone = set(windows.subject[split.unlabelled].tolist()) - set(names["train"])
    return DataSummary(
        content_hash=windows.content_hash,
        train_subjects=names["train"],
        validation_subjects=names["validation"],
        test_subjects=names["test"],
        unlabelled_subjects=tuple(sorted(alone, key=order.__getitem__)),
        windows=counts,
        classes=count_classes(windows, split),
        lost=windows.lost,
    )


def baseline_stage(run: Run) -> Baseline:
    """Fit trees on statistics of the same windows and split: what the student must not fall below."""

    def work() -> Baseline:
        from factory.verification.baseline import fit_baseline

        return fit_baseline(run.windows, run.split, run.recipe.seed)

    inputs = {
        **_windows_inputs(run, run.recipe),
        "tools": versions("scikit-learn", "numpy"),
        "code": code_hash(baseline_stage, "factory.verification.baseline"),
    }
    return run.store.run(Stage(name="baseline", inputs=inputs, outputs=(), result=Baseline), work)


def teacher_stage(run: Run) -> TrainingSummary:
    """Train the teacher and search its head."""
    recipe = run.recipe
    inputs = {
        **_windows_inputs(run, recipe),
        "model": recipe.model.model_dump(mode="json", exclude={"student"}),
        "train": recipe.train.model_dump(mode="json", exclude={"student_epochs", "int8_epochs"}),
        "patterns": recipe.distill.patterns,
        "tools": versions("torch"),
        "code": code_hash(teacher_stage, "factory.training.teacher"),
    }

    def work() -> TrainingSummary:
        from factory.devices.host import choose_device
        from factory.training import train_teacher

        device, folder = choose_device(run.request.device), run.folder / "teacher"
        request = run.request
        return train_teacher(
            recipe, run.windows, run.split, folder, device, run.progress, request.tensorboard, request.cancel
        )

    stage = Stage(name="teacher", inputs=inputs, outputs=TEACHER_FILES, result=TrainingSummary, folder="teacher")
    return run.store.run(stage, work)


def lead_stage(run: Run) -> Lead | None:
    """Whether the teacher knows more than the student would find out alone; None where nobody could tell.

    Trained apart from teacher/ and student/, on training people alone, so that validation people can judge.
    """
    if (stage := _lead(run)) is None:
        return None

    def work() -> Lead:
        from factory.devices.host import choose_device
        from factory.training.lead import measure_lead

        request, device = run.request, choose_device(run.request.device)
        return measure_lead(run.recipe, run.windows, run.split, run.folder / LEAD, device, run.progress, request.cancel)

    return run.store.run(stage, work)


def measured_lead(run: Run) -> Lead | None:
    """What `lead_stage` found in this build; None if it measured nothing."""
    return run.store.result(LEAD, Lead) if _lead(run) is not None else None


def can_judge_lead(recipe: Recipe, windows: WindowSet, split: Split) -> bool:
    """Whether there are people enough to judge by, and windows enough to train on without them."""
    judges = set(windows.subject[split.validation].tolist())
    return len(judges) >= LEAST_JUDGES and len(split.train) >= recipe.train.batch


def _lead(run: Run) -> Stage[Lead] | None:
    recipe = run.recipe
    # A baseline or a control is trained as it was asked for: only SMLDist gives way to cross-entropy.
    if recipe.distill.method != "smldist" or recipe.distill.lead == 0:
        return None
    if not can_judge_lead(recipe, run.windows, run.split):
        return None
    inputs = {
        **_windows_inputs(run, recipe),
        "model": _json(recipe.model),
        "train": _json(recipe.train),
        "distill": _json(recipe.distill),
        "tools": versions("torch"),
        "code": code_hash(lead_stage, "factory.training.lead"),
    }
    return Stage(name=LEAD, inputs=inputs, outputs=(), result=Lead, folder=LEAD)


def student_stage(run: Run) -> TrainingSummary:
    """Distil the student, or train it by cross-entropy where the teacher is not ahead."""
    lead, recipe = measured_lead(run), run.recipe
    if lead is not None:
        recipe = lead.followed(recipe)
        if not lead.distils:
            run.progress.say(lead.verdict)

    def work() -> TrainingSummary:
        from factory.devices.host import choose_device
        from factory.training import train_student

        device, teacher, folder = choose_device(run.request.device), run.folder / "teacher", run.folder / "student"
        request = run.request
        return train_student(
            recipe, run.windows, run.split, teacher, folder, device, run.progress, request.tensorboard, request.cancel
        )

    inputs = student_inputs(run, recipe)
    stage = Stage(name="student", inputs=inputs, outputs=STUDENT_FILES, result=TrainingSummary, folder="student")
    return run.store.run(stage, work)


def student_inputs(run: Run, recipe: Recipe) -> dict[str, Any]:
    """What decides a student's weights; `recipe` need not be the run's, so that a control can be trained beside."""
    return {
        **_windows_inputs(run, recipe),
        "model": _json(recipe.model),
        "train": recipe.train.model_dump(mode="json", exclude={"teacher_epochs", "search_epochs"}),
        "distill": _json(recipe.distill),
        "teacher": _weights(run, "teacher"),
        "tools": versions("torch"),
        "code": code_hash(student_stage, "factory.training.student"),
    }


def control_stage(run: Run) -> Accuracy:
    """Train the control, the same student by cross-entropy alone, and measure it on test people."""

    def work() -> Accuracy:
        from factory.devices.host import choose_device
        from factory.models import load_network
        from factory.training import predict, train_student
        from factory.verification.accuracy import measure

        windows, split, folder = run.windows, run.split, run.folder / CONTROL
        teacher, device = run.folder / "teacher", choose_device(run.request.device)
        train_student(run.recipe.by_cross_entropy(), windows, split, teacher, folder, device, run.progress)
        logits = predict(load_network(folder), windows.x[split.test])
        return measure(logits, windows.y[split.test], windows.subject[split.test], windows.spec.labels)

    return run.store.run(_control(run), work)


def measured_control(run: Run) -> Accuracy | None:
    """The control's accuracy, if `factory benchmark` trained it in this folder and it is current."""
    record = run.store.current(_control(run))
    return Accuracy.model_validate(record.result) if record is not None else None


def _control(run: Run) -> Stage[Accuracy]:
    return Stage(
        name=CONTROL,
        inputs=student_inputs(run, run.recipe.by_cross_entropy()),
        outputs=(f"{CONTROL}/network.safetensors",),
        result=Accuracy,
        folder=CONTROL,
    )


def onnx_stage(run: Run) -> None:
    """Fold the student into the hand-off graph, and write the contract that apps read."""
    spec = run.windows.spec

    def work() -> Nothing:
        from exporters.onnx import export_onnx
        from factory.models import fold, load_network

        network = fold(load_network(run.folder / "student"))
        export_onnx(network, len(spec.channels), spec.length, run.folder / "onnx" / "model.onnx")
        with atomic_write(run.folder / "contract.json") as temporary:
            temporary.write_text(sensor_contract(run).model_dump_json(indent=2) + "\n", "utf-8")
        return Nothing()

    inputs = {
        "student": _weights(run, "student"),
        "contract": _json(spec),
        "name": run.recipe.name,
        "tools": versions("torch", "onnx"),
        "code": code_hash(onnx_stage, "exporters.onnx", "factory.models"),
    }
    outputs = ("onnx/model.onnx", "contract.json")
    run.store.run(Stage(name="onnx", inputs=inputs, outputs=outputs, result=Nothing, folder="onnx"), work)


def golden_stage(run: Run) -> None:
    """Choose held-out windows and write them with the eager student's logits."""
    verify = run.recipe.verify

    def work() -> Nothing:
        from factory.models import load_network
        from factory.training import predict
        from factory.verification.golden import write_golden
        from factory.verification.selection import select_golden

        test = run.split.test
        logits = predict(load_network(run.folder / "student"), run.windows.x[test])
        pack = select_golden(run.windows, test, verify.golden_windows, run.recipe.seed, logits)
        write_golden(run.folder / "golden.npz", pack)
        return Nothing()

    inputs = {
        **_windows_inputs(run, run.recipe),
        "student": _weights(run, "student"),
        "count": verify.golden_windows,
        "code": code_hash(golden_stage, "factory.verification.selection", "factory.training.predict", "factory.models"),
    }
    run.store.run(Stage(name="golden", inputs=inputs, outputs=("golden.npz",), result=Nothing), work)


def target_stage(run: Run, target: str) -> tuple[Artifact, ...]:
    """Convert the hand-off graph into one target's artifacts; of the recipe's precisions, those that it makes.

    Raises:
        ExportError: The converter refused.
        MissingToolError: The target's SDK is not installed.
    """
    from exporters.registry import find_target

    export, row = run.recipe.export, find_target(target)
    precisions = tuple(precision for precision in export.precisions if precision in row.precisions)

    def work() -> Exported:
        from exporters.registry import load_exporter
        from factory.contracts.exporter import ExportRequest
        from factory.quantize.calibration import choose_calibration

        windows, train = run.windows, run.split.train
        request = ExportRequest(
            onnx=run.folder / "onnx" / "model.onnx",
            student=run.folder / "student",
            spec=windows.spec,
            calibration=choose_calibration(windows, train, export.calibration_windows, run.recipe.seed),
            build=run.folder,
            precisions=precisions,
            progress=run.progress,
            cancel=run.request.cancel,
        )
        return Exported(artifacts=load_exporter(target).export(request))

    inputs = {
        **_windows_inputs(run, run.recipe),
        "onnx": run.store.hashes("onnx"),
        "student": _weights(run, "student"),
        "precisions": precisions,
        "calibration_windows": export.calibration_windows,
        "tools": versions(*row.packages),
        "code": code_hash(target_stage, row.package, "factory.quantize.calibration"),
    }
    stage = Stage(
        name=target,
        inputs=inputs,
        outputs=(),
        result=Exported,
        named=lambda exported: tuple(path for artifact in exported.artifacts for path in files_of(artifact)),
        folder=target,
    )
    return run.store.run(stage, work).artifacts


def files_of(artifact: Artifact) -> tuple[str, ...]:
    """An artifact's own path and those of the files beside it."""
    return artifact.path, *(file.path for file in artifact.beside)


def sensor_contract(run: Run) -> SensorContract:
    """What contract.json says."""
    spec = run.windows.spec
    student = read_json(NetworkSpec, run.folder / "student" / "network.json")
    return SensorContract(
        name=run.recipe.name,
        window=spec,
        normalisation=student.normalisation,
        phone_obstacles=tuple(spec.phone_obstacles()),
        rejection=run.recipe.rejection,
    )


def _windows_inputs(run: Run, recipe: Recipe) -> dict[str, Any]:
    """What decides the windows and who trains, selects and tests."""
    from factory.data.leakage import parts_of

    parts = (*parts_of(run.split).values(), run.split.unlabelled)
    people = [sorted(set(run.windows.subject[index].tolist())) for index in parts]
    return {
        "content": run.windows.content_hash,
        "windows": run.windows.digest,
        "split": _json(recipe.split),
        "people": people,
        "seed": recipe.seed,
    }


def _weights(run: Run, which: str) -> dict[str, str]:
    """Hashes of a network's weights and specification; its history and timing decide nothing."""
    deciding = (".safetensors", "network.json")
    return {path: digest for path, digest in run.store.hashes(which).items() if path.endswith(deciding)}


def _json(model: Contract) -> dict[str, Any]:
    return model.model_dump(mode="json")
