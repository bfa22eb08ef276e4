"""What `data check` finds nothing wrong with is trained, and what stops a build before training is found by it."""

from pathlib import Path

import pytest
import tomli_w

from factory.contracts.errors import FactoryError, RecipeError
from factory.contracts.progress import Silent
from factory.contracts.recipe import Recipe, load_recipe
from factory.contracts.report import DataReport
from factory.data.checks import check
from factory.pipeline.build import train
from factory.pipeline.request import BuildRequest
from tests.unit.data.tables import Rows, description

STAGE = [{"width": 8, "blocks": 1, "expansion": 1, "kernel": 3, "stride": 2}]
NETWORK: dict[str, object] = {"stem": 4, "features": 8, "stages": STAGE}
SAMPLES = 70
"""Of each recording: one window of 64 each, so two a person."""


def recipe(folder: Path, split: dict[str, object], **training: object) -> Recipe:
    """A recipe as small as can be, of rows.csv in `folder`."""
    heads = training.pop("heads", ["linear"])
    epochs = dict.fromkeys(("teacher_epochs", "student_epochs", "search_epochs", "int8_epochs"), 1)
    values = {
        "name": "small",
        "summary": "",
        "data": {"source": "table", "description": "data.toml", "window": 64, "hop": 32},
        "split": split,
        "model": {
            "student": NETWORK | {"activation": "relu"},
            "teacher": NETWORK | {"activation": "hardswish"},
            "heads": heads,
        },
        "train": {"teachers": 1, **epochs, **training},
    }
    (folder / "data.toml").write_text(tomli_w.dumps(description().model_dump(mode="json", exclude_none=True)), "utf-8")
    path = folder / "recipe.toml"
    path.write_text(tomli_w.dumps(values), "utf-8")
    return load_recipe(path)


def look(chosen: Recipe, folder: Path) -> DataReport:
    return check(chosen, None, folder / "cache", Silent(), folder)


def start(chosen: Recipe, folder: Path) -> None:
    """Train as a build does."""
    moved = chosen.data.model_copy(update={"description": "../data.toml"})
    request = BuildRequest(
        recipe=chosen.model_copy(update={"data": moved}), build=folder / "build", cache=folder / "cache", device="cpu"
    )
    train(request)


LOSO: dict[str, object] = {"kind": "loso"}


@pytest.mark.parametrize(
    "training",
    [{"batch": 4}, {"batch": 2, "refit": False}, {"batch": 2, "heads": ["linear", "mlp"]}],
    ids=["all windows", "without validation", "head search"],
)
def test_the_fewest_windows_that_check_allows_are_trained(training: dict[str, object], tmp_path: Path) -> None:
    Rows.moving(SAMPLES, people=("ann", "bob", "cid")).write(tmp_path)
    chosen = recipe(tmp_path, LOSO, **training)
    assert look(chosen, tmp_path).errors == ()
    start(chosen, tmp_path)


REFUSED: dict[str, tuple[dict[str, object], dict[str, object], str]] = {
    "a batch too many": (LOSO, {"batch": 5}, "split.too_small"),
    "without validation": (LOSO, {"batch": 3, "refit": False}, "split.too_small"),
    "head search": (LOSO, {"batch": 3, "heads": ["linear", "mlp"]}, "split.too_small"),
    "nobody selects": ({"kind": "subjects", "test_subjects": ["ann", "bob"]}, {"batch": 2}, "split.impossible"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_stops_a_build_is_found_before(kind: str, tmp_path: Path) -> None:
    split, training, code = REFUSED[kind]
    Rows.moving(SAMPLES, people=("ann", "bob", "cid")).write(tmp_path)
    chosen = recipe(tmp_path, split, **training)
    (found,) = look(chosen, tmp_path).errors
    assert found.code == code
    with pytest.raises(FactoryError) as refused:
        start(chosen, tmp_path)
    assert str(refused.value) == found.message


@pytest.mark.parametrize(
    "split",
    [{"kind": "groups", "groups": 4}, {"kind": "loso", "fold": 3}, {"kind": "subjects", "test_subjects": ["zoe"]}],
    ids=lambda split: str(split["kind"]),
)
def test_a_split_that_the_recipe_gets_wrong_is_refused_by_both(split: dict[str, object], tmp_path: Path) -> None:
    Rows.moving(SAMPLES, people=("ann", "bob", "cid")).write(tmp_path)
    chosen = recipe(tmp_path, split, batch=2)
    with pytest.raises(RecipeError, match="subjects") as found:
        look(chosen, tmp_path)
    with pytest.raises(RecipeError) as refused:
        start(chosen, tmp_path)
    assert str(found.value) == str(refused.value)


def test_a_person_without_windows_is_a_finding_beside_others(tmp_path: Path) -> None:
    rows = Rows.moving(SAMPLES, people=("ann", "bob", "cid", "dee"))
    rows.lines = [line for line in rows.lines if not line.startswith("dee") or int(line.split(",")[2]) < 600]
    rows.write(tmp_path)
    chosen = recipe(tmp_path, {"kind": "subjects", "test_subjects": ["dee"]}, batch=2)
    found = {finding.code: finding for finding in look(chosen, tmp_path).findings}
    assert found["subject.empty"].where == "dee"
    assert "subjects with windows are ann, bob, cid" in found["split.impossible"].message


def test_a_person_with_time_in_another_unit_is_a_finding(tmp_path: Path) -> None:
    rows = Rows.moving(SAMPLES, people=("ann", "bob", "cid", "dee"))
    for line in range(2, len(rows.lines) + 1):
        if rows.lines[line - 1].startswith("dee"):
            rows.replace(line, 2, f"{int(rows.lines[line - 1].split(',')[2]) * 1000}")
    rows.write(tmp_path)
    found = {finding.code: finding for finding in look(recipe(tmp_path, LOSO, batch=2), tmp_path).findings}
    assert found["timing.unit_mixed"].where == "subject dee"
    assert "further apart than data.max_gap_s" in found["window.none"].message
