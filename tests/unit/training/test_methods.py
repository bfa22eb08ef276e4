"""Every method end to end on tiny windows: it trains, leaves a plain student, and is what it says it is."""

from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from pydantic import ValidationError

from factory.contracts.progress import Silent
from factory.contracts.recipe import ON_FEATURES, UNTAUGHT, MethodName, Recipe
from factory.distill.registry import METHODS, TERMS
from factory.models import build_network, load_network
from factory.training import predict, train_student, train_teacher
from factory.training.answers import ANSWERS_FILE
from factory.training.loop import one_cycle
from factory.training.teacher import load_teacher, untrained
from tests.fakes import tiny_recipe, tiny_split, tiny_windows
from tests.unit.training.few import few_recipe, few_split, wide_windows
from tests.unit.training.harness import StopAfter, rows, same_weights

_NAMES: tuple[MethodName, ...] = get_args(MethodName)
_ON_ANSWERS = tuple(name for name in _NAMES if name not in ON_FEATURES)
_WINDOWS, _WIDE = tiny_windows(), wide_windows()
_SPLIT, _FEW = tiny_split(_WINDOWS), few_split(_WIDE)
_STEPS = (len(_FEW.train) + len(_FEW.validation) + len(_FEW.unlabelled)) // 16


def by(name: MethodName, recipe: Recipe, **changes: object) -> Recipe:
    """The recipe with another method, without the int8 phase."""
    distill = recipe.distill.model_copy(update={"method": name, **changes})
    train = recipe.train.model_copy(update={"int8_epochs": 0})
    return recipe.model_copy(update={"distill": distill, "train": train})


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("beside") / "teacher"
    train_teacher(tiny_recipe(epochs=2, teachers=2), _WINDOWS, _SPLIT, folder, "cpu", Silent())
    return folder


@pytest.fixture(scope="module")
def wide_teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ahead") / "teacher"
    train_teacher(few_recipe(epochs=8), _WIDE, _FEW, folder, "cpu", Silent())
    return folder


@pytest.mark.parametrize("name", _NAMES)
def test_a_student_trains_beside_its_teacher(name: MethodName, teacher: Path, tmp_path: Path) -> None:
    summary = train_student(by(name, tiny_recipe(epochs=1)), _WINDOWS, _SPLIT, teacher, tmp_path, "cpu", Silent())
    student = load_network(tmp_path)
    assert summary.method == name
    assert student.state_dict().keys() == build_network(student.spec).state_dict().keys()
    assert np.isfinite(predict(student, _WINDOWS.x)).all()
    assert {path.name for path in tmp_path.iterdir()} == {
        "network.json",
        "network.safetensors",
        "summary.json",
        "epochs.jsonl",
    }


@pytest.mark.parametrize("name", _ON_ANSWERS)
def test_a_student_trains_on_answers_of_a_teacher_that_sees_more(
    name: MethodName, wide_teacher: Path, tmp_path: Path
) -> None:
    recipe = Recipe.model_validate(by(name, few_recipe(epochs=1)).model_dump())
    train_student(recipe, _WIDE, _FEW, wide_teacher, tmp_path, "cpu", Silent())
    assert np.isfinite(predict(load_network(tmp_path), _WIDE.x)).all()
    # the rate of the last step of one epoch tells how many steps there were: as many for every method
    assert METHODS[name].teachers_epochs or rows(tmp_path)[-1]["lr"] == one_cycle((_STEPS - 1) / _STEPS, 1e-2, 0.1)


@pytest.mark.parametrize("name", sorted(ON_FEATURES))
def test_methods_on_features_are_refused_where_answers_come_ahead(name: MethodName) -> None:
    with pytest.raises(ValidationError) as caught:
        Recipe.model_validate(by(name, few_recipe()).model_dump())
    message = str(caught.value)
    assert f"distill.method = '{name}' compares inner features batch by batch" in message
    assert "the teacher's answers are computed once, and there are none: take one of smldist, kd, dkd" in message


def test_an_unknown_method_is_answered_with_the_list() -> None:
    values = tiny_recipe().model_dump()
    values["distill"]["method"] = "hinton"
    with pytest.raises(ValidationError) as caught:
        Recipe.model_validate(values)
    assert all(f"'{name}'" in str(caught.value) for name in _NAMES)


def test_the_recipe_knows_every_method_and_what_it_needs() -> None:
    assert METHODS.keys() == set(_NAMES)
    assert {name for name, term in TERMS.items() if term.on_features} == ON_FEATURES
    assert {name for name, entry in METHODS.items() if entry.teacher == "none"} == UNTAUGHT


def test_the_document_has_a_row_for_every_method_with_its_needs_and_its_weight() -> None:
    text = (Path(__file__).parents[3] / "docs" / "baselines.md").read_text("utf-8")
    found = {cells[1].strip(" `"): cells for line in text.splitlines() if len(cells := line.split("|")) > 3}
    assert set(found) - {"method", "---"} == set(_NAMES)
    for name, term in TERMS.items():
        _, _, _, needs, weight, *_ = found[name]
        assert needs.strip().startswith("features" if term.on_features else "logits"), name
        assert float(weight.partition("[")[0]) == term.coefficient, name


def test_without_its_term_a_baseline_is_the_control_bit_by_bit(teacher: Path, tmp_path: Path) -> None:
    recipe = tiny_recipe(epochs=1)
    control = by("cross_entropy", recipe)
    train_student(control, _WINDOWS, _SPLIT, teacher, tmp_path / "control", "cpu", Silent())
    for weight, equal in ((0.0, True), (1.0, False)):
        folder = tmp_path / str(weight)
        train_student(by("kd", recipe, weight=weight), _WINDOWS, _SPLIT, teacher, folder, "cpu", Silent())
        assert same_weights(load_network(folder), load_network(tmp_path / "control")) == equal


def test_an_interrupted_student_with_a_bank_resumes_to_the_same_bits(teacher: Path, tmp_path: Path) -> None:
    recipe = by("crd", tiny_recipe(epochs=2))
    train_student(recipe, _WINDOWS, _SPLIT, teacher, tmp_path / "whole", "cpu", Silent())
    with pytest.raises(KeyboardInterrupt):
        train_student(recipe, _WINDOWS, _SPLIT, teacher, tmp_path / "cut", "cpu", StopAfter(1))
    train_student(recipe, _WINDOWS, _SPLIT, teacher, tmp_path / "cut", "cpu", Silent())
    assert rows(tmp_path / "cut") == rows(tmp_path / "whole")
    assert same_weights(load_network(tmp_path / "cut"), load_network(tmp_path / "whole"))


def test_the_control_of_equal_compute_gets_the_teachers_epochs(teacher: Path, tmp_path: Path) -> None:
    recipe = by("cross_entropy_total", tiny_recipe(epochs=2, teachers=2))
    summary = train_student(recipe, _WINDOWS, _SPLIT, teacher, tmp_path, "cpu", Silent())
    assert summary.epochs == len(rows(tmp_path)) == 2 + 2 * 2
    searched = by("cross_entropy_total", tiny_recipe(heads=("linear", "mlp"), epochs=1, teachers=2))
    assert train_student(searched, _WINDOWS, _SPLIT, teacher, tmp_path / "b", "cpu", Silent()).epochs == 1 + 2 + 1


def test_a_random_teacher_knows_nothing_and_answers_in_its_own_name(wide_teacher: Path, tmp_path: Path) -> None:
    recipe = by("smldist", few_recipe())
    train_student(recipe, _WIDE, _FEW, wide_teacher, tmp_path / "taught", "cpu", Silent())
    answers = (wide_teacher / ANSWERS_FILE).read_bytes()
    control = by("random_teacher", few_recipe())
    train_student(control, _WIDE, _FEW, wide_teacher, tmp_path / "control", "cpu", Silent())
    assert (wide_teacher / ANSWERS_FILE).read_bytes() == answers
    assert not same_weights(load_network(tmp_path / "taught"), load_network(tmp_path / "control"))
    trained, _ = load_teacher(wide_teacher)
    fresh, memory = untrained(trained, 0)
    assert fresh.first.spec == trained.first.spec
    assert len(fresh.members) == len(trained.members)
    assert not memory.training
    ours, theirs = (predict(network, _WIDE.for_teacher().x).argmax(axis=1) for network in (fresh, trained))
    assert np.mean(ours == _WIDE.y) < 0.6 < np.mean(theirs == _WIDE.y)


def test_pseudo_labels_teach_what_the_teacher_answers(wide_teacher: Path, tmp_path: Path) -> None:
    recipe = by("pseudo_labels", few_recipe(epochs=12, crops=1))
    train_student(recipe, _WIDE, _FEW, wide_teacher, tmp_path, "cpu", Silent())
    told = predict(load_teacher(wide_teacher)[0], _WIDE.for_teacher().x[_FEW.unlabelled]).argmax(axis=1)
    learnt = predict(load_network(tmp_path), _WIDE.x[_FEW.unlabelled]).argmax(axis=1)
    assert np.mean(told == learnt) > 0.8
