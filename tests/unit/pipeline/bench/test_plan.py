"""From a specification to cells: which recipe each trains, and who tests."""

from pathlib import Path
from typing import Any

import pytest

from factory.benches import find_bench, shipped_benches
from factory.contracts.errors import RecipeError
from factory.contracts.progress import Silent
from factory.contracts.recipe import ModelRecipe
from factory.pipeline.bench.plan import Places, Plan
from factory.pipeline.bench.splits import shared_split
from tests.unit.pipeline.bench.conftest import MakePlan

NOWHERE = Places(out=Path("out"), data=None, cache=Path("cache"))


def test_every_data_set_fold_seed_and_method_is_a_cell(make_plan: MakePlan) -> None:
    cells = make_plan(seeds=[0, 1]).cells()
    assert len({cell.path for cell in cells}) == len(cells) == 3 * 2 * 2
    assert [cell.method.label for cell in cells[:2]] == ["cross_entropy", "smldist"], "those that share a teacher"


@pytest.mark.parametrize("protocol", [{"kind": "groups", "groups": 3}, {"kind": "loso"}, {"kind": "whar"}])
def test_no_test_person_trains_and_each_tests_once(
    make_plan: MakePlan, protocol: dict[str, Any], tmp_path: Path
) -> None:
    plan = make_plan(protocol=protocol, seeds=[0, 7])
    tested: dict[int, list[str]] = {}
    for cell in plan.cells():
        recipe = plan.with_split(cell, plan.recipe(cell.arm, cell.method))
        windows = plan.windows(recipe)
        split = shared_split(tmp_path / "splits", windows, recipe)
        parts = [set(windows.subject[rows].tolist()) for rows in (split.train, split.validation, split.test)]
        assert sum(len(part) for part in parts) == len(set.union(*parts))
        assert parts[2] == set(recipe.split.test_subjects)
        if cell.method.label == "cross_entropy":
            tested.setdefault(cell.seed, []).extend(sorted(parts[2]))
    for people in tested.values():
        assert sorted(people) == ["s1", "s2", "s3", "s4", "s5", "s6"]
    assert tested[0] == tested[7], "folds are the same for every seed"


def test_official_people_are_the_recipes(make_plan: MakePlan) -> None:
    plan = make_plan(protocol={"kind": "official"})
    (cell, _) = plan.cells()
    assert plan.with_split(cell, plan.recipe(cell.arm, cell.method)).split.test_subjects == ("s5", "s6")


def test_few_labelled_people_are_data_sets_of_their_own(make_plan: MakePlan) -> None:
    methods = [{"label": "cross_entropy"}, {"label": "smldist", "changes": {"distill": {"stage": 0.0, "memory": 0.0}}}]
    plan = make_plan(protocol={"kind": "few", "groups": 3, "people": [2, 3]}, methods=methods)
    assert [arm.label for arm in plan.arms] == ["motions_2people", "motions_3people"]
    assert [plan.recipe(arm, plan.spec.methods[0]).split.labelled_people for arm in plan.arms] == [2, 3]


def test_changes_of_common_data_and_method_are_laid_over_each_other(make_plan: MakePlan) -> None:
    plan = make_plan(
        common={"train": {"lr": 0.1, "weight_decay": 0.2, "batch": 8}},
        methods=[{"label": "cross_entropy"}, {"label": "other", "method": "smldist", "changes": {"train.lr": 0.3}}],
    )
    arm, method = plan.arms[0], plan.spec.method("other")
    train = plan.recipe(arm, method).train
    assert (train.lr, train.weight_decay, train.batch, train.int8_epochs) == (0.3, 0.2, 8, 0)
    assert plan.recipe(arm, method, {"train.lr": 0.5}).train.lr == 0.5
    assert plan.recipe(arm, method).distill.method == "smldist"
    assert plan.recipe(arm, method).model.heads == ("linear",)


def test_a_wrong_key_names_data_set_and_method(make_plan: MakePlan) -> None:
    with pytest.raises(RecipeError, match=r"data 'motions', method 'smldist': unknown key 'distill.temprature'"):
        make_plan(methods=[{"label": "cross_entropy"}, {"label": "smldist", "changes": {"distill.temprature": 2.0}}])


@pytest.mark.parametrize(("key", "value"), [("train.lrr", 0.1), ("train.lr", "fast"), ("train.lr", -1.0)])
def test_a_value_to_tune_that_no_recipe_takes_is_refused_before_anything_is_trained(
    make_plan: MakePlan, key: str, value: object
) -> None:
    with pytest.raises(RecipeError, match=r"data 'motions', method 'cross_entropy': .*'" + key):
        make_plan(tuning={"draws": 2, "values": {"train.lr": [0.1], key: [value]}})


def test_a_fold_that_is_not_there_is_refused(make_plan: MakePlan) -> None:
    with pytest.raises(RecipeError, match=r"motions has 3 folds, protocol\.folds names 3"):
        make_plan(protocol={"kind": "groups", "groups": 3, "folds": [0, 3]}).cells()


def test_whar_windows_are_three_seconds_at_the_sources_rate(tmp_path: Path) -> None:
    plan = Plan(find_bench("whar"), NOWHERE, Silent())
    data = {arm.label: plan.recipe(arm, plan.spec.methods[0]).data for arm in plan.arms}
    assert {name: (d.rate_hz, d.window, d.hop) for name, d in data.items()} == {
        "uci_har": (50.0, 128, 64),
        "hapt": (50.0, 150, 75),
        "motionsense": (50.0, 150, 75),
        "dsads": (25.0, 75, 38),
    }


@pytest.mark.parametrize("name", shipped_benches())
def test_shipped_specifications_resolve(name: str) -> None:
    spec = find_bench(name)
    plan = Plan(spec, NOWHERE, Silent())
    students = {plan.recipe(plan.arms[0], method).model.student for method in spec.methods}
    assert len(students) == (3 if name == "widths" else 1)


@pytest.mark.parametrize(("label", "share"), [("050", 0.5), ("100", 1), ("150", 1.5)])
def test_widths_are_shares_of_the_default_students(label: str, share: float) -> None:
    plan, default = Plan(find_bench("widths"), NOWHERE, Silent()), ModelRecipe().student
    for method in (f"cross_entropy_{label}", f"smldist_{label}"):
        student = plan.recipe(plan.arms[0], plan.spec.method(method)).model.student
        assert (student.stem, student.features) == (share * default.stem, share * default.features)
        assert [stage.width for stage in student.stages] == [share * stage.width for stage in default.stages]


def test_few_labels_compares_a_teacher_of_all_sensors_with_one_of_the_students() -> None:
    plan = Plan(find_bench("few_labels"), NOWHERE, Silent())
    (arm,) = plan.arms
    seen = {method.label: plan.recipe(arm, method).data.teacher_channels for method in plan.spec.methods}
    assert seen["own"] is None
    assert len(seen["wide"] or ()) == 45
    assert plan.recipe(arm, plan.spec.method("wide")).split.labelled_people == 2
