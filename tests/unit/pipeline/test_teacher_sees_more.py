"""A build whose teacher sees more than the student: nothing of it reaches the student's files, and its lead decides."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from exporters.onnx_runner import OnnxRunner
from factory.artifacts.store import open_store
from factory.contracts.artifact import Precision
from factory.contracts.dataset import Floats
from factory.contracts.network import Lead
from factory.contracts.progress import Silent
from factory.contracts.recipe import MethodName, Recipe
from factory.contracts.stored import read_json
from factory.contracts.window import SensorContract
from factory.models import load_ensemble
from factory.pipeline import stages
from factory.pipeline.explain import explain_lead
from factory.pipeline.finish import _training
from factory.pipeline.request import Run
from factory.pipeline.stages import (
    baseline_stage,
    golden_stage,
    onnx_stage,
    student_stage,
    target_stage,
    teacher_stage,
    windows_stage,
    write_recipe,
)
from factory.pipeline.verification import verify_stage
from factory.training import predict, student
from factory.training.answers import teacher_answers
from tests.unit.pipeline.conftest import request
from tests.unit.pipeline.mirror_target import NAME
from tests.unit.training.few import few_recipe, few_split, wide_windows


def recipe() -> Recipe:
    """Of both, exporting one float file."""
    few = few_recipe(epochs=8)
    return few.model_copy(update={"export": few.export.model_copy(update={"precisions": (Precision.FP32,)})})


class Few(Run):
    """Windows without recordings; the teacher sees a magnetometer that says the class."""

    windows = wide_windows()
    split = few_split(windows)


@pytest.fixture(scope="module")
def teacher_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Windows and a teacher."""
    folder = tmp_path_factory.mktemp("more")
    with open_store(folder / "build", Silent()) as store:
        run = Few(request(folder, recipe()), store)
        write_recipe(run)
        windows_stage(run)
        teacher_stage(run)
    return folder


@pytest.fixture
def run(teacher_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Few]:
    """On that folder; its one validation person is enough to judge."""
    monkeypatch.setattr(stages, "LEAST_JUDGES", 1)
    with open_store(teacher_folder / "build", Silent()) as store:
        yield Few(request(teacher_folder, recipe()), store)


def leads_by(run: Few, pp: float, neighbours: int = 0) -> Lead:
    """Record that the teacher was measured to lead by so much, and how its answers are averaged."""
    stage = stages._lead(run)
    assert stage is not None
    lead = Lead(teacher=0.5 + pp / 100, control=0.5, people=1, windows=36, epochs=1, seconds=0.0, neighbours=neighbours)
    (run.folder / ".stages" / "lead.json").unlink(missing_ok=True)
    return run.store.run(stage, lambda: lead)


@pytest.mark.parametrize(("pp", "method"), [(-0.1, "cross_entropy"), (0.1, "smldist")])
def test_a_teacher_that_is_behind_teaches_nobody(run: Few, pp: float, method: str) -> None:
    leads_by(run, pp)
    assert student_stage(run).method == method


@pytest.mark.parametrize("method", ["kd", "random_teacher", "cross_entropy"])
def test_a_baseline_is_never_replaced_by_cross_entropy(run: Few, method: MethodName) -> None:
    leads_by(run, -5.0)
    few = recipe()
    asked = few.model_copy(update={"distill": few.distill.model_copy(update={"method": method})})
    baseline = Few(replace(run.request, recipe=asked), run.store)
    assert stages.lead_stage(baseline) is None
    assert stages.measured_lead(baseline) is None
    assert student_stage(baseline).method == method


def test_one_validation_person_judges_no_teacher(run: Few, monkeypatch: pytest.MonkeyPatch) -> None:
    leads_by(run, -5.0)
    monkeypatch.setattr(stages, "LEAST_JUDGES", 2)
    assert stages.lead_stage(run) is None
    assert student_stage(run).method == "smldist"
    assert "fewer than" in explain_lead(run.recipe, windows_stage(run), None).expected


@pytest.mark.parametrize(("own", "taken"), [(None, 2), (1, 1)])
def test_the_student_is_taught_as_the_lead_was_measured(
    run: Few, own: int | None, taken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = recipe()
    asked = few.model_copy(update={"distill": few.distill.model_copy(update={"neighbours": own})})
    averaging = Few(replace(run.request, recipe=asked), run.store)
    leads_by(averaging, 5.0, neighbours=2)
    seen: list[int | None] = []

    def spy(recipe: Recipe, *rest: Any) -> Floats:
        seen.append(recipe.distill.neighbours)
        return teacher_answers(recipe, *rest)

    monkeypatch.setattr(student, "teacher_answers", spy)
    student_stage(averaging)
    assert seen == [taken]


@pytest.mark.usefixtures("mirror")
def test_the_students_files_know_nothing_of_the_teachers_channels(run: Few) -> None:
    lead = leads_by(run, 5.0)
    student_stage(run)
    onnx_stage(run)
    contract = read_json(SensorContract, run.folder / "contract.json")
    assert [channel.name for channel in contract.window.channels] == list(run.recipe.data.channels or ())
    assert len(contract.normalisation.mean) == 6
    assert "mag" not in (run.folder / "contract.json").read_text()
    with OnnxRunner(run.folder / "onnx" / "model.onnx") as onnx:
        assert onnx.run(run.windows.x[:3]).shape == (3, 3)
    golden_stage(run)
    baseline_stage(run)
    found = verify_stage(run, target_stage(run, NAME))
    test, seen = run.split.test, run.windows.for_teacher()
    answers = predict(load_ensemble(run.folder / "teacher"), seen.x[test]).argmax(axis=1)
    assert found.teacher.accuracy == pytest.approx(np.mean(answers == run.windows.y[test]))
    assert found.savings.parameters == pytest.approx(1 - found.student_cost.parameters / found.teacher_cost.parameters)
    assert found.savings.macs == pytest.approx(1 - found.student_cost.macs / found.teacher_cost.macs)
    assert found.savings.speedup == pytest.approx(found.savings.teacher_us / found.savings.student_us)
    training = _training(run, found)
    assert training.lead == lead
    assert training.teacher_channels == ("mag_x", "mag_y", "mag_z")


def test_people_without_labels_are_listed_apart(run: Few) -> None:
    data = windows_stage(run)
    assert data.unlabelled_subjects == ("s2", "s3")
    assert data.windows["unlabelled"] == len(run.split.unlabelled)
    assert "s2" not in data.train_subjects + data.validation_subjects + data.test_subjects


@pytest.mark.parametrize(
    ("pp", "says"), [(-2.0, "none: the student"), (0.5, "none to speak of"), (6.0, "between -3 and +10 pp of")]
)
def test_the_explanation_follows_the_lead(run: Few, pp: float, says: str) -> None:
    found = explain_lead(run.recipe, windows_stage(run), leads_by(run, pp))
    assert found.expected.startswith(says)
    assert found.advice[0] == "label two more people (2 are labelled)"


def test_another_share_of_unlabelled_people_is_another_student(run: Few, monkeypatch: pytest.MonkeyPatch) -> None:
    leads_by(run, 5.0)
    before = stages.student_inputs(run, run.recipe)
    monkeypatch.setattr(Few, "split", replace(run.split, unlabelled=run.split.unlabelled[:36]))
    assert stages.student_inputs(run, run.recipe) != before
