"""Mixed and null windows come beside the pure ones, by subject, and change nothing of the pure ones."""

from pathlib import Path

import numpy as np
import pytest
import tomli_w

from factory.contracts.dataset import Split
from factory.contracts.progress import Silent
from factory.contracts.recipe import DataRecipe
from factory.contracts.table import Labels
from factory.data import mixed_windows, null_windows, prepare
from factory.data.checks import survey_source
from factory.data.counts import count_classes
from factory.data.preparation import content_hash
from factory.data.sources import open_source
from factory.data.windows import NULL_WINDOWS
from tests.unit.data.tables import Rows, description

RECIPE = DataRecipe(source="table", description="data.toml", window=64, hop=32)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Of each person one recording of 300 samples, the first 100 at rest; then walking, 20 samples unlabelled."""
    rows = Rows.moving(300, people=("ann", "bob", "cid"))
    rows.lines = [line for line in rows.lines if ",2," not in line[:6]]
    for index, line in enumerate(rows.lines[1:], 1):
        place = (index - 1) % 300
        label = "rest" if place < 100 else "" if 200 <= place < 220 else "walk"
        rows.lines[index] = line.rpartition(",")[0] + f",{label}"
    rows.write(tmp_path)
    (tmp_path / "data.toml").write_text(tomli_w.dumps(description().model_dump(mode="json", exclude_none=True)))
    return tmp_path


def test_mixed_windows_of_the_subjects_asked_for(table: Path) -> None:
    found = mixed_windows(RECIPE, None, table / "cache", ["bob"], Silent(), table)
    assert set(found.subject.tolist()) == {"bob"}
    # Starts 64 (36 of rest, 28 of walk) and 96 (4 and 60); 160 and 192 hold 20 without a label.
    assert found.y.tolist() == [0, 1, 1, 1]
    assert found.purity.tolist() == [36 / 64, 60 / 64, 44 / 64, 44 / 64]
    assert found.x.shape == (4, 6, 64)
    samples = [line.split(",")[3:9] for line in (table / "rows.csv").read_text().splitlines() if line.startswith("bob")]
    assert np.allclose(found.x[0].T, np.array(samples[64:128], np.float32))


def test_pure_windows_and_their_hash_do_not_depend_on_mixed_ones(table: Path) -> None:
    before = content_hash(RECIPE, None, table / "cache", table)
    pure = prepare(RECIPE, None, table / "cache", Silent(), table)
    mixed_windows(RECIPE, None, table / "cache", ["ann"], Silent(), table)
    again = prepare(RECIPE, None, table / "cache", Silent(), table)
    assert before == pure.content_hash == again.content_hash == content_hash(RECIPE, None, table / "cache", table)
    assert np.array_equal(pure.x, again.x)


def test_mixed_windows_are_read_again_from_the_cache(table: Path) -> None:
    first = mixed_windows(RECIPE, None, table / "cache", ["ann", "cid"], Silent(), table)
    files = sorted(path.stat().st_mtime_ns for path in (table / "cache").rglob("*.npy"))
    again = mixed_windows(RECIPE, None, table / "cache", ["ann", "cid"], Silent(), table)
    assert sorted(path.stat().st_mtime_ns for path in (table / "cache").rglob("*.npy")) == files
    assert np.array_equal(first.x, again.x)
    assert np.array_equal(first.purity, again.purity)


def test_a_damaged_purity_is_made_again(table: Path) -> None:
    first = mixed_windows(RECIPE, None, table / "cache", ["ann"], Silent(), table)
    (path,) = (table / "cache").rglob("purity.npy")
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    again = mixed_windows(RECIPE, None, table / "cache", ["ann"], Silent(), table)
    assert np.array_equal(first.purity, again.purity)


def test_recordings_of_one_label_have_none(tmp_path: Path) -> None:
    found = mixed_windows(DataRecipe(source="watch"), None, tmp_path, ["1"], Silent())
    assert found.x.shape == (0, 6, 128)
    assert len(found.y) == len(found.purity) == len(found.subject) == 0


def test_published_windows_have_none(tmp_path: Path) -> None:
    found = mixed_windows(DataRecipe(source="uci_har"), None, tmp_path, ["1"], Silent())
    assert found.x.shape == (0, 9, 128)


@pytest.mark.slow
def test_mixed_windows_of_real_recordings(data_folder: Path, tmp_path: Path) -> None:
    recipe = DataRecipe(source="hapt", purity=0.6)
    found = mixed_windows(recipe, data_folder, tmp_path, ["2", "4"], Silent())
    assert len(found.y) > 20
    assert set(found.subject.tolist()) == {"2", "4"}
    assert float(found.purity.max()) < 0.6


def test_classes_are_counted_by_part(table: Path) -> None:
    windows = prepare(RECIPE, None, table / "cache", Silent(), table)
    who = [np.flatnonzero(windows.subject == name) for name in ("ann", "bob", "cid")]
    counts = count_classes(windows, Split(train=who[0], validation=who[1], test=who[2]))
    assert counts == {part: {"rest": 2, "walk": 2} for part in ("train", "validation", "test")}


@pytest.fixture
def zeros(tmp_path: Path) -> Path:
    """300 samples each: rest, 100 of label 0, walking; of cid 0 only, so that a null person is no trained one."""
    rows = Rows.moving(300, people=("ann", "bob", "cid"))
    rows.lines = [line for line in rows.lines if ",2," not in line[:6]]
    for index, line in enumerate(rows.lines[1:], 1):
        place = (index - 1) % 300
        label = "0" if 100 <= place < 200 or line.startswith("cid") else "rest" if place < 100 else "walk"
        rows.lines[index] = line.rpartition(",")[0] + f",{label}"
    rows.write(tmp_path)
    describe(tmp_path, Labels(order=("rest", "walk"), null=("0",)))
    return tmp_path


def describe(folder: Path, labels: Labels) -> None:
    described = description().model_copy(update={"labels": labels})
    (folder / "data.toml").write_text(tomli_w.dumps(described.model_dump(mode="json", exclude_none=True)))


def test_null_windows_of_the_subjects_asked_for(zeros: Path) -> None:
    recipe = RECIPE.model_copy(update={"hop": 18})
    found = null_windows(recipe, None, zeros / "cache", ["ann", "bob"], Silent(), zeros)
    # Starts 108 and 126 lie within samples 100 to 200.
    assert found.subject.tolist() == ["ann", "ann", "bob", "bob"]
    assert found.purity.tolist() == [1.0] * 4
    samples = [line.split(",")[3:9] for line in (zeros / "rows.csv").read_text().splitlines() if line.startswith("ann")]
    assert np.allclose(found.x[0].T, np.array(samples[108:172], np.float32))
    everyone = null_windows(recipe, None, zeros / "cache", ["ann", "bob", "cid"], Silent(), zeros)
    assert [int((everyone.subject == name).sum()) for name in ("ann", "bob", "cid")] == [2, 2, 14]


def test_pure_windows_have_no_null_class_and_do_not_depend_on_null_windows(zeros: Path) -> None:
    before = prepare(RECIPE, None, zeros / "cache", Silent(), zeros)
    assert before.spec.labels == ("rest", "walk")
    assert set(before.y.tolist()) == {0, 1}
    assert set(before.subject.tolist()) == {"ann", "bob"}
    assert before.lost[NULL_WINDOWS] == 8 + 1 + 1
    null_windows(RECIPE, None, zeros / "cache", ["cid"], Silent(), zeros)
    mixed = mixed_windows(RECIPE, None, zeros / "cache", ["cid"], Silent(), zeros)
    again = prepare(RECIPE, None, zeros / "cache", Silent(), zeros)
    assert before.content_hash == again.content_hash
    assert before.digest == again.digest
    assert len(mixed.y) == 0


def test_null_samples_shape_the_same_pure_windows_as_unlabelled_ones(zeros: Path) -> None:
    null = prepare(RECIPE, None, zeros / "cache", Silent(), zeros)
    describe(zeros, Labels(order=("rest", "walk"), unlabelled=("", "0")))
    plain = prepare(RECIPE, None, zeros / "cache", Silent(), zeros)
    assert null.digest == plain.digest
    assert null.content_hash != plain.content_hash
    assert len(null_windows(RECIPE, None, zeros / "cache", ["cid"], Silent(), zeros).x) == 0


def test_null_samples_are_no_class_of_a_survey_and_no_unknown_label(zeros: Path) -> None:
    survey = survey_source(open_source("table", "data.toml", zeros), RECIPE, None, Silent())
    assert survey.unknown_labels == 0
    assert survey.class_samples().tolist() == [200, 200]
    assert survey.boundary_report().unlabelled >= 8


def test_recordings_without_a_null_class_have_no_null_windows(table: Path) -> None:
    found = null_windows(RECIPE, None, table / "cache", ["ann", "bob", "cid"], Silent(), table)
    assert found.x.shape == (0, 6, 64)
    assert len(found.subject) == len(found.purity) == 0
