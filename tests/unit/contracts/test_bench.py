"""Specifications of benches: what is refused, and how changes are laid over a recipe."""

import re
from pathlib import Path
from typing import Any

import pytest

from factory.benches import find_bench, shipped_benches
from factory.contracts.bench import BenchSpec, changed, flatten, load_bench
from factory.contracts.errors import RecipeError
from factory.contracts.recipe import validate

VALUES: dict[str, Any] = {
    "name": "tiny",
    "summary": "two methods",
    "data": [{"label": "watch", "recipe": "demo"}],
    "methods": [{"label": "cross_entropy"}, {"label": "smldist"}],
}


def refusal(**more: Any) -> str:
    with pytest.raises(RecipeError) as caught:
        validate(BenchSpec, VALUES | more, "tiny.toml")
    return str(caught.value)


def methods(**second: Any) -> list[dict[str, Any]]:
    return [{"label": "cross_entropy"}, {"label": "other", "method": "smldist"} | second]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"sedes": [0]}, "unknown key 'sedes'"),
        ({"control": "kd"}, "control = 'kd' is no method here: name one of cross_entropy, smldist"),
        ({"seeds": [0, 0]}, "seeds repeat: 0, 0"),
        ({"protocol": {"kind": "few"}}, "that kind needs it: people = [2, 3, 5, 10]"),
        ({"protocol": {"people": [2]}}, "people goes with kind = 'few'"),
        ({"protocol": {"stress": ["heat"]}}, "got 'heat'"),
        ({"common": {"seed": 3}}, "common changes seed, which seeds and protocol decide"),
        ({"common": {"split": {"fold": 1}}}, "common changes split.fold"),
        ({"methods": methods(changes={"train": {"student_epochs": 99}})}, "vary = ['train.student_epochs']"),
        ({"methods": methods(changes={"train.augment.shift": 0})}, "vary = ['train.augment.shift']"),
        ({"methods": methods(changes={"model.student.stem": 8})}, "vary = ['model.student.stem']"),
        ({"methods": methods(tune={"train.lr": [0.1]})}, "there is no [tuning] with draws"),
        (
            {"tuning": {"draws": 2}, "methods": methods(tune={"train.lr": [0.1]})},
            "without values to tune: cross_entropy",
        ),
        ({"methods": methods(teacher=False, lead="decide")}, "method 'other' has no teacher"),
        ({"methods": methods(method="trees", changes={"distill.logits": 0.5})}, "which a recipe does not change"),
        ({"methods": methods(method="trees", lead="measure")}, "method 'other' has no teacher"),
        (
            {"tuning": {"draws": 2, "values": {"train.lr": [0.1]}}, "methods": methods(method="trees")},
            "method 'other' has nothing that [tuning] could draw",
        ),
        ({"tuning": {"draws": 2, "values": {"seed": [1]}}}, "changes seed, which seeds and protocol decide"),
        ({"tuning": {"draws": 2, "values": {"train.batch": [8]}}}, "vary = ['train.batch']"),
        ({"tuning": {"draws": 2, "values": {"train.lr": []}}}, "tune of train.lr lists no value"),
    ],
)
def test_what_is_wrong_is_named(more: dict[str, Any], said: str) -> None:
    assert said in refusal(**more)


def test_a_method_may_differ_in_what_vary_names() -> None:
    more = {"methods": methods(changes={"train.student_epochs": 9}), "vary": ["train.student_epochs"]}
    assert validate(BenchSpec, VALUES | more, "x").method("other").changes


def test_a_method_may_choose_what_its_teacher_sees() -> None:
    more = {"methods": methods(changes={"data.teacher_channels": "default"})}
    assert validate(BenchSpec, VALUES | more, "x")


def test_only_cross_entropy_needs_no_teacher_unless_it_is_said() -> None:
    spec = validate(BenchSpec, VALUES | {"methods": [*methods(), {"label": "smooth", "teacher": False}]}, "x")
    assert [method.taught for method in spec.methods] == [False, True, False]


def test_later_changes_go_over_earlier_ones_and_default_takes_a_key_out() -> None:
    values = {"train": {"lr": 1, "batch": 2}, "name": "a"}
    assert changed(values, {"train": {"lr": 3}}, {"train.lr": 4, "train.batch": "default"}) == {
        "train": {"lr": 4},
        "name": "a",
    }
    assert values["train"] == {"lr": 1, "batch": 2}


def test_nested_and_dotted_changes_are_the_same() -> None:
    assert flatten({"train": {"augment": {"shift": 1}}}) == flatten({"train.augment.shift": 1})


def test_the_example_of_the_documents_is_valid(tmp_path: Path) -> None:
    text = (Path(__file__).parents[3] / "docs" / "bench.md").read_text("utf-8")
    (example,) = re.findall(r"^```toml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    (tmp_path / "mine.toml").write_text(example, "utf-8")
    spec = load_bench(tmp_path / "mine.toml")
    assert spec.method("cool").tune == {"distill.logits": (0.2, 0.5, 0.8)}
    assert spec.tuning is not None
    assert spec.tuning.values == {"train.lr": (0.001, 0.003, 0.01)}


def test_values_to_tune_are_a_table_of_lists() -> None:
    assert "'tuning.values'" in refusal(tuning={"draws": 2, "values": [0.1]})


def test_a_change_below_a_value_is_refused() -> None:
    with pytest.raises(RecipeError, match="'name' is a value and no table"):
        changed({"name": "a"}, {"name.first": 1})


def test_a_recipe_file_lies_beside_the_specification(tmp_path: Path) -> None:
    (tmp_path / "b.toml").write_text(
        'name = "b"\nsummary = ""\n'
        'data = [{label = "d", recipe = "mine.toml"}]\nmethods = [{label = "cross_entropy"}]\n'
    )
    assert load_bench(tmp_path / "b.toml").data[0].recipe == str(tmp_path / "mine.toml")


def test_shipped_specifications_are_found_by_name() -> None:
    assert {"quick", "few_labels", "ablation", "whar", "widths"} <= set(shipped_benches())
    for name in shipped_benches():
        assert find_bench(name).name == name


def test_an_unknown_specification_names_those_there_are() -> None:
    with pytest.raises(RecipeError, match=r"no bench 'quik': choose one of .*quick"):
        find_bench("quik")


@pytest.mark.parametrize(
    ("labels", "data", "methods"),
    [
        ([], ["uci_har", "hapt", "motionsense", "dsads"], ["cross_entropy", "smldist", "trees"]),
        (["dsads", "hapt"], ["hapt", "dsads"], ["cross_entropy", "smldist", "trees"]),
        (["trees"], ["uci_har", "hapt", "motionsense", "dsads"], ["cross_entropy", "trees"]),
        (["hapt", "cross_entropy"], ["hapt"], ["cross_entropy"]),
    ],
)
def test_only_a_part_keeps_the_control(labels: list[str], data: list[str], methods: list[str]) -> None:
    part = find_bench("whar").only(labels)
    assert [item.label for item in part.data] == data
    assert [item.label for item in part.methods] == methods


def test_only_takes_a_data_set_as_tables_name_it() -> None:
    few = find_bench("few_labels_acc")
    few = few.model_copy(update={"protocol": few.protocol.model_copy(update={"people": (2, 3)})})
    part = few.only(["waist_6_3people", "wide"])
    assert [item.label for item in part.data] == ["waist_6"]
    assert [item.label for item in part.methods] == ["cross_entropy", "wide"]
    assert part.protocol.people == (3,)
    assert few.only(["waist_6"]).protocol.people == (2, 3)
    with pytest.raises(RecipeError, match="no data set or method 'waist_6_5people'"):
        few.only(["waist_6_5people"])


def test_only_of_an_unknown_label_is_refused() -> None:
    with pytest.raises(
        RecipeError, match="bench 'whar' has no data set or method 'wisdm': name some of cross_entropy, dsads"
    ):
        find_bench("whar").only(["hapt", "wisdm"])
