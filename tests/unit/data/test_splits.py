"""Splits are by subject, and nothing that leaks passes."""

from dataclasses import replace

import numpy as np
import pytest

from factory.contracts.dataset import Ints, Split, WindowSet
from factory.contracts.errors import DataError, LeakageError, RecipeError
from factory.contracts.recipe import SplitRecipe
from factory.contracts.window import Quantity, WindowSpec
from factory.data import check_split, make_split
from factory.data.leakage import near_duplicates
from factory.data.sources.layout import triad

SPEC = WindowSpec(
    channels=triad("acc", Quantity.ACCELEROMETER, "wrist"),
    rate_hz=50,
    length=64,
    hop=32,
    labels=("rest", "walk"),
    axes="test",
)


def windows(subjects: int = 10, each: int = 6, official: tuple[str, ...] = ()) -> WindowSet:
    """Each subject has two recordings, one of each class."""
    count = subjects * each
    rng = np.random.default_rng(0)
    person = np.repeat(np.arange(subjects), each)
    second = np.tile(np.arange(each) >= each // 2, subjects).astype(np.int64)
    return WindowSet(
        x=rng.normal(size=(count, 3, 64)).astype(np.float32),
        y=second,
        subject=(person + 1).astype(str),
        recording=(2 * person + second).astype(np.int64),
        start=np.tile(np.arange(each) % (each // 2) * 32, subjects).astype(np.int64),
        spec=SPEC,
        official_test=official,
        content_hash="0" * 64,
        lost={},
    )


def names(data: WindowSet, part: Ints) -> set[str]:
    return set(data.subject[part].tolist())


def require_whole(data: WindowSet, split: Split) -> None:
    together = np.concatenate([split.train, split.validation, split.test])
    assert np.array_equal(np.sort(together), np.arange(len(data.y)))
    parts = [names(data, part) for part in (split.train, split.validation, split.test)]
    assert not parts[0] & parts[1]
    assert not (parts[0] | parts[1]) & parts[2]


def test_official_split_tests_the_official_subjects() -> None:
    data = windows(official=("2", "10"))
    split = make_split(data, SplitRecipe(), 0)
    assert names(data, split.test) == {"2", "10"}
    assert len(names(data, split.validation)) == 2
    require_whole(data, split)


def test_named_subjects_test() -> None:
    data = windows()
    assert names(data, make_split(data, SplitRecipe(kind="subjects", test_subjects=("7",)), 0).test) == {"7"}


def test_every_subject_tests_once_in_leave_one_subject_out() -> None:
    data = windows()
    tested = [names(data, make_split(data, SplitRecipe(kind="loso", fold=fold), 0).test) for fold in range(10)]
    assert tested == [{str(subject)} for subject in range(1, 11)]


def test_every_subject_tests_once_in_groups_of_like_size() -> None:
    data = windows()
    splits = [make_split(data, SplitRecipe(kind="groups", groups=4, fold=fold), 3) for fold in range(4)]
    for split in splits:
        require_whole(data, split)
    assert sorted(name for split in splits for name in names(data, split.test)) == sorted(map(str, range(1, 11)))
    assert {len(split.test) for split in splits} <= {12, 18}


def test_groups_depend_on_the_seed_alone() -> None:
    data = windows()
    first, again, other = (make_split(data, SplitRecipe(kind="groups"), seed) for seed in (1, 1, 2))
    assert np.array_equal(first.test, again.test)
    assert np.array_equal(first.validation, again.validation)
    assert not np.array_equal(first.test, other.test)


def test_validation_never_takes_the_only_subject_of_a_class() -> None:
    data = windows()
    data.y[:] = 0
    data.y[data.subject == "5"] = 1
    for seed in range(20):
        split = make_split(data, SplitRecipe(kind="subjects", test_subjects=("1",), validation=0.5), seed)
        assert "5" in names(data, split.train)


def test_class_missing_from_training_is_named() -> None:
    data = windows()
    data.y[:] = (data.subject == "1").astype(np.int64)
    with pytest.raises(DataError, match="no training window of class walk"):
        make_split(data, SplitRecipe(kind="subjects", test_subjects=("1",)), 0)


def test_too_few_training_subjects_are_refused() -> None:
    with pytest.raises(DataError, match="1 of 2 subjects are left for training, at least 2"):
        make_split(windows(2), SplitRecipe(kind="loso"), 0)


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        (SplitRecipe(), "has none: choose 'groups'"),
        (SplitRecipe(kind="subjects", test_subjects=("99",)), "names 99: subjects with windows are 1, 2, 3"),
        (SplitRecipe(kind="groups", groups=11), "there are 10 subjects"),
        (SplitRecipe(kind="loso", fold=10), "folds count from 0"),
    ],
)
def test_split_that_the_data_cannot_give_is_refused(recipe: SplitRecipe, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        make_split(windows(), recipe, 0)


def test_subject_in_two_parts_is_leakage() -> None:
    data = windows()
    split = Split(train=np.arange(0, 33), validation=np.arange(33, 42), test=np.arange(42, 60))
    with pytest.raises(LeakageError, match="subject 6 stands in train and validation"):
        check_split(data, split)


def test_window_in_two_parts_is_leakage() -> None:
    split = Split(train=np.arange(0, 31), validation=np.arange(30, 42), test=np.arange(42, 60))
    with pytest.raises(LeakageError, match="window 30 stands in train and validation"):
        check_split(windows(), split)


@pytest.mark.parametrize(("distance", "samples"), [(32, True), (64, False)])
def test_recording_in_two_parts_is_leakage(distance: int, samples: bool) -> None:
    data = windows()
    data.recording[6] = data.recording[0]
    data.start[6] = data.start[:3].max() + distance
    split = Split(train=np.arange(0, 6), validation=np.arange(6, 12), test=np.arange(12, 60))
    with pytest.raises(LeakageError, match="recording 0 stands in train and validation") as caught:
        check_split(data, split)
    assert ("same raw samples" in str(caught.value)) is samples


def test_identical_window_under_another_subject_is_leakage() -> None:
    data = windows(official=("10",))
    data.x[59] = data.x[0]
    with pytest.raises(LeakageError, match=r"window 59 of subject 10 in test equals window 0 of subject 1 in \w+"):
        make_split(data, SplitRecipe(), 0)


def test_constant_windows_may_be_alike() -> None:
    data = windows(official=("10",))
    data.x[59] = data.x[0] = 1.0
    make_split(data, SplitRecipe(), 0)


def test_windows_that_look_the_same_are_counted() -> None:
    data = windows(official=("10",))
    split = make_split(data, SplitRecipe(), 0)
    assert near_duplicates(data, split) == 0
    x = data.x.copy()
    x[59] = x[split.train[0]] * 1.001 + 0.001
    assert near_duplicates(replace(data, x=x), split) == 1
