"""People and stretches without labels: cut, never tested, never anybody else's; and what the teacher alone sees."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tomli_w

from factory.contracts.dataset import Split, WindowSet
from factory.contracts.errors import DataError, LeakageError, RecipeError
from factory.contracts.progress import Silent
from factory.contracts.recipe import DataRecipe, SplitRecipe
from factory.data import check_split, make_split, prepare, split_by_people
from factory.data.windows import unlabelled_windows
from tests.unit.data.tables import HEADER, Rows, description
from tests.unit.data.test_near_copies import cut, noisy, people
from tests.unit.data.test_splits import names, windows

ACC, ALL = ("acc_x", "acc_y", "acc_z"), ("acc_x", "acc_y", "acc_z", "gyro_x", "gyro_y", "gyro_z")


def partly(subjects: int = 10) -> WindowSet:
    """`windows` with a window of each recording unlabelled, and nobody's label known of the last two people."""
    data = windows(subjects, each=8)
    y = data.y.copy()
    y[::4] = -1
    y[np.isin(data.subject, [str(subjects), str(subjects - 1)])] = -1
    return replace(data, y=y)


def test_people_without_labels_neither_test_nor_select() -> None:
    data = partly()
    for seed in range(5):
        split = make_split(data, SplitRecipe(kind="groups", groups=4, fold=1), seed)
        held_out = names(data, split.test) | names(data, split.validation)
        assert not held_out & {"9", "10"}
        assert names(data, split.unlabelled) == {"9", "10"} | names(data, split.train)
        assert (data.y[np.concatenate([split.train, split.validation, split.test])] >= 0).all()
        assert (data.y[split.unlabelled] == -1).all()


def test_unlabelled_windows_of_test_and_validation_people_are_in_no_part() -> None:
    data = partly()
    split = make_split(data, SplitRecipe(kind="subjects", test_subjects=("1", "2")), 0)
    held_out = names(data, split.test) | names(data, split.validation)
    mine = np.flatnonzero(np.isin(data.subject, sorted(held_out)) & (data.y == -1))
    assert len(mine)
    parts = np.concatenate([split.train, split.validation, split.test, split.unlabelled])
    assert not np.isin(mine, parts).any()
    assert len(parts) == len(np.unique(parts)) == len(data.y) - len(mine)


@pytest.mark.parametrize("part", ["test", "validation"])
def test_planted_windows_of_a_person_who_is_judged_are_refused(part: str) -> None:
    data = partly()
    split = make_split(data, SplitRecipe(kind="subjects", test_subjects=("1",)), 0)
    who = names(data, getattr(split, part))
    planted = np.flatnonzero(np.isin(data.subject, sorted(who)) & (data.y == -1))
    with pytest.raises(LeakageError, match=rf"leakage: subject \d+ stands in (unlabelled|{part}) and "):
        check_split(data, replace(split, unlabelled=np.concatenate([split.unlabelled, planted])))


def test_an_unlabelled_copy_of_a_test_person_is_refused() -> None:
    recordings = people()
    tested, selects = list(recordings)[:2]
    recordings["unknown"] = [noisy(signal[:, 40:]) for signal in recordings[tested]]
    data = cut(recordings)
    known = data.subject != "unknown"
    data = replace(data, y=np.where(known, data.y, -1))
    of = {name: np.flatnonzero(data.subject == name) for name in (tested, selects, "unknown")}
    train = np.flatnonzero(~np.isin(data.subject, list(of)))
    honest = Split(train=train, validation=of[selects], test=of[tested])
    check_split(data, honest)
    with pytest.raises(
        LeakageError, match=rf"of subject {tested} in test are near copies .* of subject unknown's in unlabelled"
    ):
        check_split(data, replace(honest, unlabelled=of["unknown"]))


def test_labels_of_others_than_the_chosen_people_are_held_back() -> None:
    data = windows()
    recipe = SplitRecipe(kind="subjects", test_subjects=("1", "2"), labelled_people=3)
    split = make_split(data, recipe, 0)
    labelled = names(data, split.train) | names(data, split.validation)
    assert len(labelled) == 3
    assert names(data, split.unlabelled) == {str(n) for n in range(3, 11)} - labelled
    assert names(data, split.test) == {"1", "2"}
    named = make_split(data, recipe.model_copy(update={"labelled_people": ("4", "7")}), 0)
    assert names(data, named.train) | names(data, named.validation) == {"4", "7"}
    assert names(data, make_split(data, recipe, 1).unlabelled) != names(data, split.unlabelled)


@pytest.mark.parametrize(
    ("wanted", "message"),
    [(9, "9 labelled people are asked for, but 8 subjects train"), (("1", "4"), "labelled_people names 1")],
)
def test_labelled_people_must_train(wanted: int | tuple[str, ...], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        make_split(windows(), SplitRecipe(kind="subjects", test_subjects=("1", "2"), labelled_people=wanted), 0)


def test_a_recorded_split_is_made_again() -> None:
    data = partly()
    split = make_split(data, SplitRecipe(kind="groups", groups=4, labelled_people=4), 3)
    parts = [sorted(names(data, part)) for part in (split.train, split.validation, split.test)]
    alone = sorted(names(data, split.unlabelled) - set(parts[0]))
    again = split_by_people(data, parts[0], parts[1], parts[2], alone)
    for part in ("train", "validation", "test", "unlabelled"):
        assert np.array_equal(getattr(again, part), getattr(split, part)), part
    with pytest.raises(DataError, match="is in no part"):
        split_by_people(data, parts[0], parts[1], parts[2])


def test_a_window_is_unlabelled_if_enough_of_it_is_and_nothing_else_is_known() -> None:
    labels = np.array([-1] * 8 + [0] * 4 + [-1] * 6 + [-2] * 2 + [-1] * 6 + [2] * 2)  # class 2 is left out
    starts = np.array([0, 4, 8, 12, 16, 20])
    pure = unlabelled_windows(labels, starts, 8, 1.0, 2)
    most = unlabelled_windows(labels, starts, 8, 0.6, 2)
    assert pure.tolist() == [True, False, False, False, False, False]
    assert most.tolist() == [True, False, False, False, False, False]
    assert unlabelled_windows(labels, np.array([2]), 8, 0.6, 2).tolist() == [True]


def table(folder: Path, unlabelled: bool, **recipe: object) -> WindowSet:
    """Ann and Bob labelled but for Bob's walk's second half; Cid without any label."""
    rows = Rows.moving(people=("ann", "bob", "cid"))
    lines = rows.lines[1:]
    place = {line: index for index, line in enumerate(lines)}
    hidden = [line for line in lines if line.startswith("cid")] + [line for line in lines if line.startswith("bob,2")][
        200:
    ]
    for line in hidden:
        lines[place[line]] = line.rpartition(",")[0] + ","
    rows.lines = [HEADER, *lines]
    rows.write(folder)
    values = description().model_dump(mode="json", exclude_none=True)
    (folder / "data.toml").write_text(tomli_w.dumps(values))
    settings: dict[str, object] = {"source": "table", "description": "data.toml", "window": 50, "hop": 50}
    chosen = DataRecipe.model_validate(settings | {"unlabelled": unlabelled} | recipe)
    return prepare(chosen, None, folder / "cache", Silent(), folder)


def test_rows_without_a_label_become_windows_only_if_asked_for(tmp_path: Path) -> None:
    without, asked = table(tmp_path, unlabelled=False), table(tmp_path, unlabelled=True)
    assert Counter(without.subject.tolist()) == {"ann": 16, "bob": 12}
    assert Counter(asked.subject[asked.y == -1].tolist()) == {"bob": 4, "cid": 16}
    assert np.array_equal(asked.x[asked.y >= 0], without.x)
    assert np.array_equal(asked.y[asked.y >= 0], without.y)
    assert without.lost["unlabelled windows"] == 20
    assert "unlabelled windows" not in asked.lost
    assert without.content_hash != asked.content_hash


def test_the_teachers_channels_are_cut_from_the_same_samples(tmp_path: Path) -> None:
    # Teacher's order differs from the student's: the student's come first all the same.
    student = table(tmp_path, True, channels=("acc_z", "acc_x"), teacher_channels=ALL)
    whole = table(tmp_path, True, channels=ALL)
    assert student.teacher_x is not None
    assert [channel.name for channel in student.spec.channels] == ["acc_z", "acc_x"]
    seen = student.for_teacher()
    assert [channel.name for channel in seen.spec.channels] == ["acc_z", "acc_x", "acc_y", "gyro_x", "gyro_y", "gyro_z"]
    for name in ("acc_z", "acc_x"):
        place = [channel.name for channel in student.spec.channels].index(name)
        assert np.array_equal(student.x[:, place], whole.x[:, ALL.index(name)])
    for place, channel in enumerate(seen.spec.channels):
        assert np.array_equal(seen.x[:, place], whole.x[:, ALL.index(channel.name)])
    assert (student.subject == whole.subject).all()
    assert (student.start == whole.start).all()


def test_a_teacher_that_lacks_a_channel_of_the_student_is_refused() -> None:
    with pytest.raises(ValueError, match="teacher_channels lacks acc_z: the teacher sees what the student"):
        DataRecipe(source="hapt", channels=ACC, teacher_channels=("acc_x", "acc_y", "gyro_x"))
    with pytest.raises(ValueError, match="teacher_channels needs channels"):
        DataRecipe(source="hapt", teacher_channels=ALL)
