"""Windows by length, hop and purity; nothing is lost without being counted."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from factory.contracts.dataset import Ints
from factory.contracts.errors import DataError, RecipeError
from factory.contracts.progress import Silent
from factory.contracts.recipe import Anchor, DataRecipe
from factory.data import prepare
from factory.data.cache import content_hashes, key_of
from factory.data.preparation import _identity, content_hash
from factory.data.resample import Piece
from factory.data.sources import open_source
from factory.data.windows import (
    CUT_OFF,
    DROPPED,
    MIXED,
    NULL_WINDOWS,
    TOO_SHORT,
    UNLABELLED_WINDOWS,
    Cut,
    choose_channels,
    cut,
    cut_mixed,
    cut_null,
    cut_tails,
    plan_labels,
)

ANCHORS: tuple[Anchor, ...] = ("grid", "label")
PLAN = plan_labels(("walk", "sit", "run"), None, {})


def recipe(window: int = 10, hop: int = 5, purity: float = 1.0, anchor: Anchor = "grid") -> DataRecipe:
    return DataRecipe(source="watch", window=window, hop=hop, purity=purity, anchor=anchor)


def piece(labels: list[int], first: bool = True) -> Piece:
    count = len(labels)
    samples = np.stack([np.arange(count), -np.arange(count)], axis=1).astype(np.float32)
    return Piece(samples=samples, labels=np.array(labels, np.int64), first=first)


def cut_one(labels: list[int], how: DataRecipe) -> tuple[Cut, Counter[str]]:
    lost: Counter[str] = Counter()
    (found,) = cut([piece(labels)], how, PLAN, [0, 1], lost)
    return found, +lost


def test_windows_start_every_hop_and_hold_the_samples_in_order() -> None:
    found, lost = cut_one([0] * 23, recipe())
    assert found.start.tolist() == [0, 5, 10]
    assert found.x.shape == (3, 2, 10)
    assert found.x[1, 0].tolist() == list(range(5, 15))
    assert found.x[1, 1].tolist() == [-value for value in range(5, 15)]
    assert not lost


def test_channels_are_taken_in_the_order_asked_for() -> None:
    (found,) = cut([piece([0] * 10)], recipe(), PLAN, [1], Counter())
    assert found.x[0, 0, 3] == -3


def test_window_of_two_labels_is_lost_at_purity_one() -> None:
    found, lost = cut_one([0] * 12 + [1] * 8, recipe(hop=10))
    assert found.y.tolist() == [0]
    assert lost == {MIXED: 1}


def test_window_takes_the_majority_label_at_lower_purity() -> None:
    found, lost = cut_one([0] * 12 + [1] * 8, recipe(hop=10, purity=0.8))
    assert found.y.tolist() == [0, 1]
    assert not lost


def test_unlabelled_samples_count_against_a_window() -> None:
    found, lost = cut_one([0] * 7 + [-1] * 3, recipe(purity=0.8))
    assert len(found.y) == 0
    assert lost == {UNLABELLED_WINDOWS: 1}
    assert cut_one([0] * 7 + [-1] * 3, recipe(purity=0.7))[0].y.tolist() == [0]


def test_null_samples_count_against_a_window() -> None:
    found, lost = cut_one([0] * 7 + [-2] * 3, recipe(purity=0.8))
    assert len(found.y) == 0
    assert lost == {UNLABELLED_WINDOWS: 1}
    assert cut_one([0] * 7 + [-2] * 3, recipe(purity=0.7))[0].y.tolist() == [0]
    assert len(cut_one([0] * 7 + [-2] * 2 + [-1], recipe(purity=0.75))[0].y) == 0


def test_a_null_window_is_of_no_class_and_counted_by_itself() -> None:
    found, lost = cut_one([-2] * 10 + [-2] * 8 + [2] * 2 + [-2] * 7 + [1] * 3, recipe(hop=10, purity=0.8))
    assert len(found.y) == 0
    assert lost == {NULL_WINDOWS: 2, UNLABELLED_WINDOWS: 1}


def test_null_labels_stay_null_whatever_is_merged_and_kept() -> None:
    plan = plan_labels(("up", "down", "sit"), ("stairs", "sit"), {"up": "stairs", "down": "stairs"})
    assert plan.of_source[np.array([-2, -1, 0, 1, 2])].tolist() == [-2, -1, 0, 0, 1]


def test_short_activity_survives_only_at_lower_purity() -> None:
    transition = [0] * 13 + [2] * 8 + [1] * 13
    assert 2 not in cut_one(transition, recipe(hop=5))[0].y
    assert 2 in cut_one(transition, recipe(hop=5, purity=0.6))[0].y


def test_class_left_out_is_counted_and_not_made_another() -> None:
    plan = plan_labels(("walk", "sit", "run"), ("run", "walk"), {})
    lost: Counter[str] = Counter()
    (found,) = cut([piece([1] * 10 + [2] * 10)], recipe(hop=10), plan, [0, 1], lost)
    assert found.y.tolist() == [0]
    assert +lost == {DROPPED: 1}


def test_stretch_shorter_than_a_window_is_counted() -> None:
    lost: Counter[str] = Counter()
    found = list(cut([piece([0] * 9), piece([0] * 10), piece([0] * 4)], recipe(), PLAN, [0, 1], lost))
    assert [(item.segment, len(item.y)) for item in found] == [(1, 1)]
    assert +lost == {TOO_SHORT: 2}


@pytest.mark.parametrize("anchor", ["grid", "label"])
@pytest.mark.parametrize("hop", [3, 10, 27])
@pytest.mark.parametrize("chunk", [1, 7, 10, 64])
def test_pieces_give_the_same_windows_as_the_whole(anchor: Anchor, hop: int, chunk: int) -> None:
    rng = np.random.default_rng(0)
    samples = rng.normal(size=(200, 2)).astype(np.float32)
    labels: Ints = np.repeat(rng.integers(-2, 3, 20), 10).astype(np.int64)
    how = recipe(hop=hop, purity=0.6, anchor=anchor)

    def run(size: int) -> tuple[list[list[int]], bytes, Counter[str]]:
        lost: Counter[str] = Counter()
        pieces = [
            Piece(samples=samples[low : low + size], labels=labels[low : low + size], first=low == 0)
            for low in range(0, 200, size)
        ]
        found = list(cut(pieces, how, PLAN, [0, 1], lost))
        rows = [np.concatenate([getattr(item, name) for item in found]).tolist() for name in ("y", "start")]
        return rows, np.concatenate([item.x for item in found]).tobytes(), +lost

    assert run(chunk) == run(200)


def test_labels_are_merged_then_ordered() -> None:
    plan = plan_labels(
        ("up", "down", "sit", "lie"), ("rest", "stairs"), {"up": "stairs", "down": "stairs", "lie": "rest"}
    )
    assert plan.names == ("rest", "stairs")
    assert plan.of_source.tolist() == [1, 1, 2, 0, -2, -1]


@pytest.mark.parametrize(
    ("keep", "merge", "message"),
    [
        (("walk", "fly"), {}, "data.labels names fly: available are walk, sit, run"),
        (None, {"fly": "walk"}, "data.merge names fly"),
        (("walk",), {}, "at least two"),
        (("walk", "walk"), {}, "each once"),
        (None, {"walk": "sit", "run": "sit"}, "at least two"),
    ],
)
def test_labels_that_cannot_be_used_are_refused(
    keep: tuple[str, ...] | None, merge: dict[str, str], message: str
) -> None:
    with pytest.raises(RecipeError, match=message):
        plan_labels(("walk", "sit", "run"), keep, merge)


def test_channels_that_cannot_be_used_are_refused() -> None:
    assert choose_channels(["a", "b", "c"], ["c", "a"]) == [2, 0]
    with pytest.raises(RecipeError, match="names d: the source delivers a, b, c"):
        choose_channels(["a", "b", "c"], ["a", "d"])
    with pytest.raises(RecipeError, match="twice"):
        choose_channels(["a", "b", "c"], ["a", "a"])


def test_window_longer_than_every_recording_is_refused_with_both_lengths(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"4096 samples \(81.92 s\).*longest recording lasts 52.34 s: lower data.window"
    ):
        prepare(DataRecipe(source="watch", window=4096), None, tmp_path, Silent())
    assert not list((tmp_path / "windows").glob(".*"))


def cut_mixed_one(labels: list[int], how: DataRecipe) -> Cut:
    (found,) = cut_mixed([piece(labels)], how, PLAN, [0, 1])
    return found


def test_mixed_windows_carry_their_main_label_and_its_share() -> None:
    found = cut_mixed_one([0] * 12 + [1] * 8, recipe())
    assert found.start.tolist() == [5, 10]
    assert found.y.tolist() == [0, 1]
    assert found.purity is not None
    assert found.purity.tolist() == [0.7, 0.8]
    assert found.x[0, 0].tolist() == list(range(5, 15))


def test_a_window_is_pure_or_mixed_or_neither() -> None:
    labels = [0] * 12 + [1] * 8 + [-1] * 6 + [2] * 4 + [1] * 10
    for purity in (1.0, 0.8, 0.6):
        how = recipe(purity=purity)
        pure, _ = cut_one(labels, how)
        mixed = cut_mixed_one(labels, how)
        assert not set(pure.start.tolist()) & set(mixed.start.tolist())
        assert mixed.purity is not None
        assert all(0 < share < purity for share in mixed.purity)


def test_windows_that_are_mostly_unlabelled_or_left_out_are_not_mixed() -> None:
    assert len(cut_mixed_one([-1] * 6 + [0] * 4, recipe()).y) == 0
    plan = plan_labels(("walk", "sit", "run"), ("walk", "sit"), {})
    (found,) = cut_mixed([piece([2] * 6 + [0] * 4)], recipe(), plan, [0, 1])
    assert len(found.y) == 0


def test_windows_that_are_mostly_of_no_class_are_not_mixed() -> None:
    assert len(cut_mixed_one([-2] * 5 + [0] * 4 + [1], recipe()).y) == 0
    assert len(cut_mixed_one([-2] * 3 + [-1] * 2 + [0] * 4 + [1], recipe()).y) == 0
    assert cut_mixed_one([-2] * 4 + [0] * 6, recipe()).y.tolist() == [0]


def test_null_windows_are_those_of_which_purity_is_null() -> None:
    (found,) = cut_null([piece([-2] * 14 + [0] * 6 + [-1] * 10)], recipe(purity=1.0), PLAN, [0, 1])
    assert found.purity is not None
    assert (found.start.tolist(), found.y.tolist(), found.purity.tolist()) == ([0], [-2], [1.0])
    (lower,) = cut_null([piece([-2] * 14 + [0] * 6 + [-1] * 10)], recipe(purity=0.9), PLAN, [0, 1])
    assert lower.start.tolist() == [0, 5]
    assert lower.x[1, 0].tolist() == list(range(5, 15))


def test_stretches_of_one_window_give_one_each_with_label_and_almost_none_on_a_grid() -> None:
    trials = [label for trial in range(20) for label in [-1] * (3 + trial % 5) + [trial % 3] * 10]
    found, _ = cut_one(trials, recipe(anchor="label"))
    assert found.y.tolist() == [trial % 3 for trial in range(20)]
    begins = [start for start in range(1, len(trials)) if trials[start] >= 0 > trials[start - 1]]
    assert found.start.tolist() == begins
    assert found.x[3, 0].tolist() == list(range(begins[3], begins[3] + 10))
    assert len(cut_one(trials, recipe())[0].y) <= 4


def test_adjacent_stretches_each_begin_their_own_windows() -> None:
    found, lost = cut_one([0] * 13 + [1] * 16 + [2] * 10, recipe(anchor="label"))
    assert (found.start.tolist(), found.y.tolist()) == ([0, 13, 18, 29], [0, 1, 1, 2])
    assert lost == {MIXED: 4}  # those that begin at 5, 10, 23 and 28


def test_a_window_of_a_stretch_is_not_a_window_of_the_next() -> None:
    found, lost = cut_one([0] * 6 + [1] * 14, recipe(hop=3, purity=0.6, anchor="label"))
    assert (found.start.tolist(), found.y.tolist()) == ([0, 6, 9], [0, 1, 1])
    assert lost == {MIXED: 1}  # begins at 3, seven of its ten samples are the next stretch's


def test_short_flicker_of_a_label_does_not_cost_the_window_around_it() -> None:
    found, _ = cut_one([0] * 4 + [1] + [0] * 15, recipe(hop=20, purity=0.9, anchor="label"))
    assert (found.start.tolist(), found.y.tolist()) == ([0, 5], [0, 0])


def test_stretch_cut_by_a_gap_begins_anew_and_its_rest_is_counted() -> None:
    lost: Counter[str] = Counter()
    pieces = [piece([-1] * 12 + [0] * 6), piece([0] * 10), piece([0] * 6)]
    found = list(cut(pieces, recipe(anchor="label"), PLAN, [0, 1], lost))
    assert [(item.segment, item.start.tolist()) for item in found] == [(1, [0])]
    assert +lost == {CUT_OFF: 1, TOO_SHORT: 1}


def test_null_and_unlabelled_stretches_begin_no_window() -> None:
    lost: Counter[str] = Counter()
    assert not list(cut([piece([-2] * 15 + [-1] * 15)], recipe(anchor="label"), PLAN, [0, 1], lost))
    assert not +lost


def test_anchor_leaves_mixed_and_null_windows_on_the_grid() -> None:
    labels = [0] * 7 + [1] * 16 + [-2] * 17
    for cutter in (cut_mixed, cut_null):
        starts = [[c.start.tolist() for c in cutter([piece(labels)], recipe(anchor=a), PLAN, [0, 1])] for a in ANCHORS]
        assert starts[0] == starts[1]


def test_published_windows_cannot_begin_with_labels(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"published as windows, so data.anchor = 'label'"):
        prepare(DataRecipe(source="uci_har", anchor="label"), None, tmp_path, Silent())


def test_grid_leaves_the_key_of_windows_as_it_was_before_there_was_a_choice(tmp_path: Path) -> None:
    grid, label = (content_hash(DataRecipe(source="watch", anchor=anchor), None, tmp_path) for anchor in ANCHORS)
    source = open_source("watch")
    (path,) = source.files(None)
    settings = DataRecipe(source="watch").model_dump(
        mode="json", exclude={"description", "anchor", "unlabelled", "teacher_channels"}
    )
    files = content_hashes([path], path.parent, tmp_path)
    assert grid == key_of({"settings": settings, "source": _identity(source), "files": files})
    assert label != grid


@pytest.mark.parametrize("anchor", ANCHORS)
def test_tails_are_windows_of_both_lengths_that_end_together_with_one_label(anchor: Anchor) -> None:
    labels = [0] * 24 + [1] * 9 + [2] * 30 + [-1] * 6 + [0] * 15
    how = recipe(hop=1, purity=0.8, anchor=anchor)
    (found,) = cut_tails([piece(labels)], how, (5, 10), PLAN, [0, 1])
    assert len(found.y) > 20
    for begin, label, x in zip(found.start.tolist(), found.y.tolist(), found.x, strict=True):
        assert x[0].tolist() == list(range(begin, begin + 10))
        assert labels[begin : begin + 10].count(label) >= 8
        assert labels[begin + 5 : begin + 10].count(label) >= 4
