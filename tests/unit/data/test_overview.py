"""Recordings reduced to what is drawn: runs, gaps, tables, and a bounded amount of data."""

from pathlib import Path

import numpy as np
import pytest

from factory.contracts.dataset import NULL, UNLABELLED
from factory.contracts.errors import DataError
from factory.contracts.overview import SEVERAL, Overview
from factory.contracts.progress import Silent
from factory.contracts.recipe import Recipe
from factory.data import overview as module
from factory.data.overview import overview
from factory.data.sources import open_source
from factory.data.sources.watch import Watch
from factory.recipes import find_recipe
from tests.unit.data.exercises import PAUSE, RATE_HZ, STRETCH, Exercises

WORKED = STRETCH / RATE_HZ


@pytest.fixture
def exercises() -> Exercises:
    return Exercises.of_watch(people=2)


def look(exercises: Exercises, folder: Path, *subjects: str, null: tuple[str, ...] = (), **changes: object) -> Overview:
    recipe = find_recipe(exercises.write(folder, null))
    data = recipe.data.model_copy(update=changes)
    source = open_source(data.source, data.description)
    return overview(source, data, recipe.name, None, Silent(), subjects)


def test_every_stretch_is_a_run_and_no_label_is_none(exercises: Exercises, tmp_path: Path) -> None:
    seen = look(exercises, tmp_path)
    assert [(item.subject, item.session) for item in seen.recordings] == list(exercises.held)
    for item in seen.recordings:
        names = exercises.held[item.subject, item.session].labels[PAUSE :: PAUSE + STRETCH]
        assert item.runs.label[0::2].tolist() == [UNLABELLED] * 7
        assert [seen.labels[label] for label in item.runs.label[1::2]] == names.tolist()
        np.testing.assert_allclose(item.runs.begin_s, np.arange(14) // 2 * 11 + np.arange(14) % 2, atol=1e-6)
        np.testing.assert_allclose(item.runs.end_s[:-1], item.runs.begin_s[1:], atol=1e-6)
        assert item.rate_hz == pytest.approx(50)
        assert (item.gap_count, item.gaps, item.not_finite, item.off_share) == (0, (), 0, 0)


def test_a_gap_is_told_and_splits_the_stretch_and_the_line(exercises: Exercises, tmp_path: Path) -> None:
    exercises.pause("1", "a", PAUSE + 100, 3)
    seen = look(exercises, tmp_path)
    item = seen.recordings[0]
    assert item.gap_count == 1
    assert item.gaps[0] == pytest.approx((2.98, 6.0))
    assert item.runs.label[1] == item.runs.label[2] >= 0
    assert item.runs.end_s[1] == pytest.approx(3.0)
    assert item.runs.begin_s[2] == pytest.approx(6.0)
    (place,) = item.line.breaks
    assert item.line.time_s[place] == pytest.approx(6.0)
    cut = seen.classes[item.runs.label[1]]
    assert cut.shortest_s == pytest.approx(2.0)
    assert cut.seconds == pytest.approx(cut.stretches * WORKED - WORKED)


def test_classes_and_people_are_counted(exercises: Exercises, tmp_path: Path) -> None:
    exercises.mislabel("2", "b", 0, "row")
    seen = look(exercises, tmp_path)
    by_name = {seen.labels[item.label]: item for item in seen.classes if item.label >= 0}
    assert [item.label for item in seen.classes] == [*range(7), UNLABELLED]
    assert seen.classes[-1].stretches == 4 * 7
    assert seen.classes[-1].seconds == pytest.approx(4 * 7 * PAUSE / RATE_HZ)
    assert set(by_name) == set(Watch.labels)
    row = by_name["row"]
    assert (row.stretches, row.people) == (5, 2)
    assert row.seconds == pytest.approx(5 * WORKED)
    assert row.shortest_s == row.median_s == row.longest_s == pytest.approx(WORKED)
    assert [(person.subject, person.recordings) for person in seen.people] == [("1", 2), ("2", 2)]
    assert seen.people[1].class_seconds[row.label] == pytest.approx(3 * WORKED)
    assert sum(seen.people[0].class_seconds) == pytest.approx(14 * WORKED)


def test_labels_that_the_recipe_leaves_out_are_still_shown_behind_its_own(exercises: Exercises, tmp_path: Path) -> None:
    seen = look(exercises, tmp_path, labels=("row", "pendulum"))
    assert seen.labels[:2] == ("row", "pendulum")
    assert (seen.classes_kept, len(seen.labels)) == (2, 7)


def test_a_null_class_is_neither_a_class_nor_unlabelled(exercises: Exercises, tmp_path: Path) -> None:
    exercises.rename("", "Other")
    exercises.held["1", "a"].labels[:PAUSE] = ""
    seen = look(exercises, tmp_path, null=("Other",))
    assert seen.recordings[0].runs.label[0::2].tolist() == [UNLABELLED] + [NULL] * 6
    assert "Other" not in seen.labels
    assert [(item.label, item.stretches) for item in seen.classes[-2:]] == [(NULL, 27), (UNLABELLED, 1)]
    assert all(suspect.label >= 0 for suspect in seen.suspects)


def test_only_the_wanted_people_are_drawn_and_compared_with_all(exercises: Exercises, tmp_path: Path) -> None:
    everybody = look(exercises, tmp_path)
    wrong = exercises.mislabel("2", "a", 3, "pendulum")
    seen = look(exercises, tmp_path, "2")
    assert {item.subject for item in seen.recordings} == {person.subject for person in seen.people} == {"2"}
    assert seen.classes[0].people == 1
    found = [item for item in seen.suspects if item.begin_s == pytest.approx(wrong.begin_s)]
    assert [seen.labels[item.label] for item in found] == ["pendulum"]
    assert all(seen.recordings[item.recording].subject == "2" for item in seen.suspects)
    assert len(everybody.recordings) == 4
    with pytest.raises(DataError, match=r"no subject 'eve': choose of 1, 2"):
        look(exercises, tmp_path, "2", "eve")


def test_many_recordings_share_a_bounded_amount_of_data(
    exercises: Exercises, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exercises.held["2", "b"].samples[3333, 2] = 700
    monkeypatch.setattr(module, "MOST_BYTES", 40_000)
    seen = look(exercises, tmp_path)
    stored = sum(len(item.line.time_s) * (4 + 2 * 6) for item in seen.recordings)
    assert 20_000 < stored <= 40_000
    assert seen.recordings[-1].line.every > 1
    assert max(float(item.line.values[:, 2].max()) for item in seen.recordings) == 700
    monkeypatch.setattr(module, "MOST_RECORDINGS", 3)
    fewer = look(exercises, tmp_path)
    assert (len(fewer.recordings), fewer.left_out) == (3, 1)
    assert fewer.people[1].recordings == 2, "the tables count what is not drawn"


def test_thousands_of_short_runs_become_few(
    exercises: Exercises, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_RUNS", 20)
    exercises.held["1", "a"].labels[600:1000:3] = "row"
    runs = look(exercises, tmp_path).recordings[0].runs
    assert len(runs.label) <= 21
    assert SEVERAL in runs.label
    np.testing.assert_allclose(runs.end_s[:-1], runs.begin_s[1:], atol=1e-6)
    assert runs.end_s[-1] == pytest.approx(77)


def test_a_real_source_is_read_whole() -> None:
    recipe: Recipe = find_recipe("demo")
    seen = overview(open_source("watch"), recipe.data, "demo", None, Silent())
    assert len(seen.recordings) == 140
    assert sum(item.seconds for item in seen.classes) == pytest.approx(sum(item.seconds for item in seen.people))
    assert all(len(item.line.time_s) == item.samples for item in seen.recordings), "drawn sample by sample"
