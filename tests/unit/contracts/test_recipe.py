"""What no training could use is refused when a recipe is read."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from factory.contracts.artifact import Precision
from factory.contracts.recipe import (
    BackboneRecipe,
    DataRecipe,
    ModelRecipe,
    Recipe,
    load_recipe,
)
from factory.contracts.window import LONGEST_NAME, Quantity, WindowSpec, name_fault
from factory.data.sources.layout import triad


def backbone(strides: tuple[int, ...], activation: str = "relu") -> BackboneRecipe:
    stages = [{"width": 8, "blocks": 1, "expansion": 1, "kernel": 3, "stride": stride} for stride in strides]
    return BackboneRecipe.model_validate({"stem": 4, "stages": stages, "features": 8, "activation": activation})


def test_student_and_teacher_need_as_many_stages() -> None:
    with pytest.raises(ValidationError, match="the student has 1 stages, the teacher 2: give both the same number"):
        ModelRecipe(student=backbone((2,)), teacher=backbone((2, 2)))
    ModelRecipe(student=backbone((2, 1)), teacher=backbone((2, 2)))


def test_a_head_is_tried_once() -> None:
    with pytest.raises(ValidationError, match="heads repeat: linear, mlp, linear: name each once"):
        ModelRecipe(heads=("linear", "mlp", "linear"))


@pytest.mark.parametrize(("window", "usable"), [(8, False), (15, False), (16, True)])
def test_a_window_outlasts_the_strides(window: int, usable: bool) -> None:
    """The default networks divide time by 8."""
    if usable:
        Recipe(name="short", summary="", data=DataRecipe(source="watch", window=window))
        return
    told = rf"data.window = {window}, but the student's strides divide it by 8 .* at least 16 samples are needed"
    with pytest.raises(ValidationError, match=told):
        Recipe(name="short", summary="", data=DataRecipe(source="watch", window=window))


def test_the_teachers_strides_count_too() -> None:
    model = ModelRecipe(student=backbone((1, 1)), teacher=backbone((2, 2)))
    with pytest.raises(ValidationError, match="the teacher's strides divide it by 8"):
        Recipe(name="short", summary="", data=DataRecipe(source="watch", window=8), model=model)


def stages_of(block: str, expansion: int | None, **more: int) -> BackboneRecipe:
    stage = {"width": 8, "blocks": 1, "kernel": 3, "stride": 2} | (
        {} if expansion is None else {"expansion": expansion}
    )
    values = {"block": block, "stem": 4, "stages": [stage, stage], "features": 8, "activation": "relu", **more}
    return BackboneRecipe.model_validate(values)


def test_dynamic_int8_is_made_where_a_recipe_asks_for_it_alone() -> None:
    data = DataRecipe(source="watch")
    assert Precision.INT8_DYNAMIC not in Recipe(name="plain", summary="", data=data).export.precisions
    asked = Recipe.model_validate(
        {"name": "asked", "summary": "", "data": {"source": "watch"}, "export": {"precisions": ["int8_dynamic"]}}
    )
    assert asked.export.precisions == (Precision.INT8_DYNAMIC,)


def test_expansion_belongs_to_inverted_residuals_alone() -> None:
    with pytest.raises(
        ValidationError, match="stage 0 has no expansion, its block is 'inverted_residual': give it one"
    ):
        stages_of("inverted_residual", None)
    with pytest.raises(ValidationError, match="stage 0 has expansion = 2, its block is 'plain': leave it out"):
        stages_of("plain", 2)
    assert stages_of("plain", None).stages[0].expansion is None


def test_the_stems_stride_counts() -> None:
    model = ModelRecipe(student=stages_of("plain", None, stem_stride=4), teacher=backbone((2, 2)))
    with pytest.raises(ValidationError, match=r"the student's strides divide it by 16 \(the stem by 4\): at least 32"):
        Recipe(name="short", summary="", data=DataRecipe(source="watch", window=31), model=model)


def test_a_plain_student_survives_being_written_and_read(tmp_path: Path) -> None:
    model = ModelRecipe(student=stages_of("plain", None), teacher=backbone((2, 2)))
    recipe = Recipe(name="plain", summary="", data=DataRecipe(source="watch"), model=model)
    path = tmp_path / "plain.toml"
    path.write_text(recipe.to_toml())
    assert load_recipe(path) == recipe


BAD_NAMES = {
    "walk\nslow": "line break",
    "walk\r": "line break",
    "walk\x1b[0m": "control character",
    "walk\u2028slow": "line break",
    "": "is empty",
    "  ": "is empty",
    " walk": "begins or ends with a blank",
    "walk ": "begins or ends with a blank",
    "w" * 65: "has 65 characters, at most 64",
}
GOOD_NAMES = ("walk", "walk, slowly", "Treppe hinauf", "\u6b65\u884c", 'a"b', "w" * LONGEST_NAME)


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_name_that_files_cannot_hold(name: str) -> None:
    assert BAD_NAMES[name] in (name_fault(name) or "")
    with pytest.raises(ValidationError, match="rename it"):
        spec((name, "run"))
    with pytest.raises(ValidationError, match="rename it"):
        DataRecipe(source="watch", merge={"row": name})
    with pytest.raises(ValidationError, match="rename it"):
        DataRecipe(source="watch", labels=(name, "row"))


@pytest.mark.parametrize("name", GOOD_NAMES)
def test_a_name_that_files_hold(name: str) -> None:
    assert name_fault(name) is None
    assert spec((name, "run")).labels == (name, "run")


def spec(labels: tuple[str, ...]) -> WindowSpec:
    channels = triad("acc", Quantity.ACCELEROMETER, "wrist")
    return WindowSpec(channels=channels, rate_hz=50, length=64, hop=32, labels=labels, axes="test")


def test_every_shipped_recipe_is_usable() -> None:
    recipes = sorted((Path(__file__).parents[3] / "factory" / "recipes").glob("*.toml"))
    assert len(recipes) >= 8
    for path in recipes:
        load_recipe(path)
