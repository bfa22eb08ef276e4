"""Window lengths are compared at the same moments, on people who do not test, in bounded memory."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tomli_w

import factory
from factory.contracts.dataset import Recording
from factory.contracts.progress import Progress, Silent
from factory.contracts.recipe import DataRecipe, Recipe, SplitRecipe
from factory.contracts.report import DataReport, Finding, Severity, WindowLengthReport
from factory.contracts.window import WindowSpec
from factory.data.checks import check
from factory.data.sources import SOURCES
from factory.data.sources.watch import Watch
from factory.pipeline.window_lengths import (
    _Drawing,
    _finding,
    _folds,
    _Moments,
    _scores,
    describe,
    with_window_lengths,
)
from tests.unit.data.tables import Rows, description
from tests.unit.data.test_checks import CHANNELS

TESTED = ("3", "6", "9")
RECIPE = Recipe(
    name="short",
    summary="",
    data=DataRecipe(source="watch", channels=("acc_x", "acc_y", "acc_z"), window=32, hop=32),
    split=SplitRecipe(kind="subjects", test_subjects=TESTED),
)


class Spoilt(Watch):
    """Recordings of the people who test cannot be cut: their samples are not finite."""

    def recordings(self, folder: Path | None, progress: Progress) -> Iterator[Recording]:
        for item in super().recordings(folder, progress):
            unusable = np.full_like(item.samples, np.nan)
            yield replace(item, samples=unusable) if item.subject in TESTED else item


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> DataReport:
    return check(RECIPE, None, tmp_path_factory.mktemp("cache"), Silent())


@pytest.fixture(scope="module")
def compared(plain: DataReport) -> DataReport:
    return with_window_lengths(plain, RECIPE, None, Silent())


def test_half_and_double_are_compared_and_a_short_window_would_gain_by_doubling(compared: DataReport) -> None:
    half, double = compared.window_lengths
    assert [(row.window, row.seconds, row.folds) for row in (half, double)] == [(16, 0.32, 3), (64, 1.28, 3)]
    assert half.gain_pp < -1
    assert double.gain_pp > 1
    assert double.gain_pp == pytest.approx(100 * (double.macro_f1 - double.recipe_macro_f1))
    assert not half.without
    assert 1000 < half.moments <= 3000
    found = [finding.message for finding in compared.findings if finding.code == "window.length"]
    assert any("64 samples (1.28 s) would gain" in text and "answers 0.64 s later" in text for text in found)
    assert any("16 samples (0.32 s) would lose" in text and "answers 0.32 s sooner" in text for text in found)


def test_recordings_of_people_who_test_are_never_cut(
    plain: DataReport, compared: DataReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SOURCES, "watch", f"{__name__}:Spoilt")
    assert with_window_lengths(plain, RECIPE, None, Silent()) == compared


def test_nothing_is_compared_where_data_are_unusable(plain: DataReport) -> None:
    error = Finding(severity=Severity.ERROR, code="channel.dead", where="acc_x", message="constant")
    broken = plain.model_copy(update={"findings": (error,)})
    assert with_window_lengths(broken, RECIPE, None, Silent()) == broken
    unsplit = plain.model_copy(update={"split": None})
    assert with_window_lengths(unsplit, RECIPE, None, Silent()) == unsplit


def test_windows_are_not_halved_below_what_the_networks_take(plain: DataReport) -> None:
    recipe = RECIPE.model_copy(update={"data": RECIPE.data.model_copy(update={"window": 16})})
    assert [row.window for row in with_window_lengths(plain, recipe, None, Silent()).window_lengths] == [32]


def table(folder: Path) -> Recipe:
    """Of each of five people 1200 samples: jumping for 100, walking for 250 and rest for 250, twice."""
    rows = Rows.moving(1200, people=[f"p{number}" for number in range(5)])
    rows.lines = [line for index, line in enumerate(rows.lines) if not index or line.split(",")[1] == "1"]
    for index, line in enumerate(rows.lines[1:], 1):
        place = (index - 1) % 600
        label = "jump" if place < 100 else "walk" if place < 350 else "rest"
        rows.lines[index] = line.rpartition(",")[0] + f",{label}"
    rows.write(folder)
    described = description(labels=["rest", "walk", "jump"]).model_dump(mode="json", exclude_none=True)
    (folder / "data.toml").write_text(tomli_w.dumps(described))
    recipe = Recipe(
        name="table",
        summary="",
        data=DataRecipe(source="table", description=str(folder / "data.toml"), window=64, hop=8),
        split=SplitRecipe(kind="groups", groups=5),
    )
    return recipe.model_copy(update={"train": recipe.train.model_copy(update={"batch": 16})})


def test_class_that_a_longer_window_would_lose_is_named(tmp_path: Path) -> None:
    report = factory.check(table(tmp_path), cache=tmp_path / "cache")
    assert not report.errors
    half, double = report.window_lengths
    assert (half.window, half.without) == (32, ())
    assert (double.window, double.without) == (128, ("jump",))


def test_check_without_windows_compares_none(tmp_path: Path) -> None:
    assert not factory.check(RECIPE, cache=tmp_path, windows=False).window_lengths


def test_published_windows_are_not_compared(plain: DataReport) -> None:
    recipe = Recipe(name="published", summary="", data=DataRecipe(source="uci_har"))
    assert with_window_lengths(plain, recipe, None, Silent()) == plain


def test_a_drawing_keeps_the_same_number_of_each_class_and_any_of_them() -> None:
    drawing = _Drawing(each=20, seed=0)
    for number in range(50):
        y = np.array([0] * 30 + [1] * 3, np.int64)
        drawing.add(np.full((33, 1, 4), number, np.float32), y, f"p{number}")
        assert sum(len(part.y) for part in drawing._parts) <= 2 * 40 + 33
    moments = drawing.moments()
    assert moments is not None
    assert np.bincount(moments.y).tolist() == [20, 20]
    assert np.ptp(moments.x[:, 0, 0]) > 25
    assert [f"p{int(value)}" for value in moments.x[:, 0, 0]] == moments.subject.tolist()


def test_folds_keep_people_whole_and_judge_each_once() -> None:
    subject = np.repeat([f"p{number}" for number in range(7)], 5)
    folds = list(_folds(subject, 0))
    assert len(folds) == 3
    assert np.sum(folds, axis=0).tolist() == [1] * 35
    assert all(set(subject[judged]).isdisjoint(subject[~judged]) for judged in folds)
    assert len(list(_folds(subject[:10], 0))) == 2


def test_a_shorter_window_is_the_last_part_of_the_longer_one() -> None:
    rng = np.random.default_rng(0)
    y = np.arange(120, dtype=np.int64) % 2
    x = rng.normal(size=(120, 6, 32)).astype(np.float32)
    x[:, :, 16:] += 4 * y[:, None, None]
    spec = WindowSpec(channels=CHANNELS, rate_hz=50, length=16, hop=8, labels=("walk", "rest"), axes="any")
    subject = np.repeat(["a", "b", "c"], 40)
    folds = list(_folds(subject, 0))
    last = _scores(_Moments(x=x, y=y, subject=subject), 16, spec, folds, 0)
    first = _scores(_Moments(x=np.ascontiguousarray(x[:, :, ::-1]), y=y, subject=subject), 16, spec, folds, 0)
    assert min(last) > 0.95
    assert max(first) < 0.8


def row(**changes: object) -> WindowLengthReport:
    values: dict[str, object] = {
        "window": 256,
        "seconds": 5.12,
        "recipe_window": 128,
        "moments": 900,
        "folds": 3,
        "macro_f1": 0.85,
        "recipe_macro_f1": 0.82,
        "gain_pp": 3.1,
        "spread_pp": 1.2,
        "without": (),
    }
    return WindowLengthReport.model_validate(values | changes)


def test_finding_says_gain_spread_and_delay() -> None:
    assert describe(row()) == (
        "a window of 256 samples (5.12 s) would gain 3.1 +- 1.2 pp macro-F1 (ExtraTrees on statistics, training "
        "people only, 3 folds); it also answers 2.56 s later"
    )
    assert "no clear difference" in describe(row(gain_pp=1.0))
    assert describe(row(without=("jump",))).endswith("later; jump would have no window")


@pytest.mark.parametrize(
    ("changes", "severity"),
    [
        ({}, Severity.WARNING),
        ({"gain_pp": 2.9}, Severity.INFO),
        ({"spread_pp": 1.6}, Severity.INFO),
        ({"without": ("jump",)}, Severity.INFO),
        ({"gain_pp": -9.0}, Severity.INFO),
    ],
)
def test_only_a_clear_gain_that_costs_no_class_is_a_warning(changes: dict[str, object], severity: Severity) -> None:
    assert _finding(row(**changes)).severity is severity
