"""Public data sets read as anybody's files by `factory init` alone: windows are those of the readers made for them."""

from pathlib import Path

import numpy as np
import pytest

from factory.contracts.dataset import WindowSet
from factory.contracts.progress import Silent
from factory.contracts.recipe import DataRecipe
from factory.data import prepare
from factory.data.guess.describe import description_toml
from factory.data.guess.project import Files
from factory.data.guess.roles import Chosen
from factory.data.guess.table import guess_table
from factory.data.sources.dsads import Dsads

pytestmark = [pytest.mark.slow, pytest.mark.data]
SIX = ("acc_x", "acc_y", "acc_z", "gyro_x", "gyro_y", "gyro_z")


def strange(folder: Path, out: Path, chosen: Chosen, **settings: object) -> WindowSet:
    """Windows of what `factory init FOLDER` writes, untouched."""
    guess = guess_table([folder], chosen, Files(), Silent())
    (out / "data.toml").write_text(description_toml(guess, out), encoding="utf-8")
    recipe = DataRecipe.model_validate({"source": "table", "description": "data.toml", **settings})
    return prepare(recipe, None, out / "cache", Silent(), base=out)


def same(theirs: WindowSet, ours: WindowSet) -> None:
    """The same windows in the same order, but for the names of labels and people."""
    assert len(theirs.x) == len(ours.x) > 1000
    assert np.array_equal(theirs.start, ours.start)
    assert np.abs(theirs.x - ours.x).max() <= 2e-5 * np.abs(ours.x).max()
    for names, others in ((theirs.y, ours.y), (theirs.subject, ours.subject)):
        pairs = set(zip(names.tolist(), others.tolist(), strict=True))
        assert len(pairs) == len(set(names.tolist())) == len(set(others.tolist()))


def order(windows: WindowSet) -> "np.ndarray[tuple[int, ...], np.dtype[np.int64]]":
    """Rows by person (as a number), label and first values, where files are listed in another order."""
    people = np.array([int("".join(sign for sign in name if sign.isdigit())) for name in windows.subject])
    return np.lexsort((windows.x[:, 0, 1], windows.x[:, 0, 0], windows.start, people))


def sorted_by_content(windows: WindowSet) -> WindowSet:
    rows = order(windows)
    return WindowSet(
        x=np.asarray(windows.x)[rows],
        y=windows.y[rows],
        subject=windows.subject[rows],
        recording=windows.recording[rows],
        start=windows.start[rows],
        spec=windows.spec,
        official_test=(),
        content_hash="",
        digest="",
        lost={},
    )


def test_hapt_raw_files_and_their_list_of_labels(data_folder: Path, tmp_path: Path) -> None:
    settings = {"channels": SIX, "window": 128, "hop": 64, "purity": 0.6}
    theirs = strange(data_folder / "hapt" / "RawData", tmp_path, Chosen(rate_hz=50.0), **settings)
    ours = prepare(DataRecipe.model_validate({"source": "hapt", **settings}), data_folder, tmp_path / "ours", Silent())
    same(theirs, ours)


def test_motionsense_folders_named_by_activity_with_gravity_added(data_folder: Path, tmp_path: Path) -> None:
    settings = {"channels": SIX, "window": 128, "hop": 64}
    chosen = Chosen(rate_hz=50.0, sum_gravity=True)
    theirs = strange(data_folder / "motionsense", tmp_path, chosen, **settings)
    recipe = DataRecipe.model_validate({"source": "motionsense", **settings})
    ours = prepare(recipe, data_folder, tmp_path / "ours", Silent())
    same(sorted_by_content(theirs), sorted_by_content(ours))


def test_dsads_segments_without_header_or_time(data_folder: Path, tmp_path: Path) -> None:
    """Three activities of three people: segments of 5 s follow each other, so windows reach over their borders."""
    source = data_folder / "dsads" / ("data" if (data_folder / "dsads" / "data").is_dir() else ".")
    for activity in ("a09", "a10", "a12"):
        for person in ("p1", "p2", "p3"):
            (tmp_path / "sets" / activity).mkdir(parents=True, exist_ok=True)
            (tmp_path / "sets" / activity / person).symlink_to(source / activity / person, target_is_directory=True)
    settings = {"rate_hz": 25.0, "window": 64, "hop": 32, "max_gap_s": 0.2}
    theirs = strange(tmp_path / "sets", tmp_path, Chosen(rate_hz=25.0), **settings)
    labels = [Dsads.labels[number - 1] for number in (9, 10, 12)]
    recipe = DataRecipe.model_validate({"source": "dsads", "labels": labels, **settings})
    everybody = prepare(recipe, data_folder, tmp_path / "ours", Silent())
    rows = np.flatnonzero(np.isin(everybody.subject, ["1", "2", "3"]))
    assert theirs.x.shape[1] == everybody.x.shape[1] == 45
    assert np.allclose(theirs.x, everybody.x[rows], atol=1e-4)
    assert [int(name) for name in theirs.subject] == [int(name) for name in everybody.subject[rows]]
    assert theirs.y.tolist() == everybody.y[rows].tolist()
