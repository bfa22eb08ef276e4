from dataclasses import replace

import numpy as np
import pytest

from factory.contracts.dataset import Ints, WindowSet
from factory.contracts.errors import DataError
from factory.verification.golden import GoldenPack
from factory.verification.selection import select_golden
from tests.unit.verification.world import Network


def test_only_held_out_windows_are_drawn_each_once(golden: GoldenPack, test_index: Ints, windows: WindowSet) -> None:
    assert len(golden.x) == 128
    assert len(np.unique(golden.index)) == 128
    assert np.isin(golden.index, test_index).all()
    np.testing.assert_array_equal(golden.x, windows.x[golden.index])
    np.testing.assert_array_equal(golden.y, windows.y[golden.index])


def test_logits_stay_with_their_windows(golden: GoldenPack, network: Network) -> None:
    np.testing.assert_allclose(golden.logits, network(golden.x), atol=1e-5)


def test_the_same_seed_draws_the_same_and_another_seed_another(
    windows: WindowSet, test_index: Ints, network: Network, golden: GoldenPack
) -> None:
    logits = network(windows.x[test_index])
    again, other = (select_golden(windows, test_index, 128, seed, logits) for seed in (0, 1))
    np.testing.assert_array_equal(again.index, golden.index)
    assert not np.array_equal(other.index, golden.index)


def test_every_class_subject_and_kind_is_there(golden: GoldenPack, windows: WindowSet) -> None:
    assert set(golden.y.tolist()) == {0, 1, 2, 3}
    assert set(windows.subject[golden.index].tolist()) == {"s4", "s5"}
    kinds = dict(zip(*np.unique(golden.kind, return_counts=True), strict=True))
    assert kinds == {"boundary": 16, "low_motion": 16, "saturated": 16, "easy": 80}


def test_easy_windows_are_drawn_over_class_and_subject_in_proportion(golden: GoldenPack, windows: WindowSet) -> None:
    easy = golden.kind == "easy"
    strata = [f"{y}/{s}" for y, s in zip(golden.y[easy], windows.subject[golden.index[easy]], strict=True)]
    _, counts = np.unique(strata, return_counts=True)
    assert len(counts) == 8
    assert counts.min() >= 7
    assert counts.max() <= 13


def test_a_rare_class_is_there_but_stays_rare(windows: WindowSet, test_index: Ints) -> None:
    run = test_index[windows.y[test_index] == 3]
    few = np.setdiff1d(test_index, run[6:])
    pack = select_golden(windows, few, 96, 0, None)
    assert 2 <= (pack.y == 3).sum() <= 6
    y = windows.y.copy()
    y[few[y[few] == 3][1:]] = 2
    assert 3 in select_golden(replace(windows, y=y), few, 64, 0, None).y


def test_the_stillest_window_of_a_class_is_drawn(windows: WindowSet, test_index: Ints) -> None:
    x = windows.x.copy()
    still = int(test_index[np.flatnonzero(windows.y[test_index] == 2)[5]])
    x[still] = x[still].mean(axis=1, keepdims=True)
    pack = select_golden(replace(windows, x=x), test_index, 32, 0, None)
    assert pack.kind[pack.index == still].tolist() == ["low_motion"]


def test_the_strongest_window_of_a_class_is_drawn(windows: WindowSet, test_index: Ints) -> None:
    x = windows.x.copy()
    shaken = int(test_index[np.flatnonzero(windows.y[test_index] == 1)[5]])
    x[shaken, 1, 30] = 78.4
    pack = select_golden(replace(windows, x=x), test_index, 32, 0, None)
    assert pack.kind[pack.index == shaken].tolist() == ["saturated"]


def test_boundary_windows_stand_next_to_a_label_change(windows: WindowSet, test_index: Ints) -> None:
    pack = select_golden(windows, test_index, 64, 0, None)
    for i in pack.index[pack.kind == "boundary"]:
        around = [j for j in (i - 1, i + 1) if 0 <= j < 960 and windows.recording[j] == windows.recording[i]]
        assert any(windows.y[j] != windows.y[i] for j in around)


def test_neighbours_of_windows_lost_to_a_mixed_label_are_boundaries(windows: WindowSet, test_index: Ints) -> None:
    one_class = np.zeros_like(windows.y)
    start = windows.start.copy()
    lost_after = int(test_index[20])
    start[lost_after + 1 :][windows.recording[lost_after + 1 :] == windows.recording[lost_after]] += 64
    pack = select_golden(replace(windows, y=one_class, start=start), test_index, 64, 0, None)
    assert {lost_after, lost_after + 1} <= set(pack.index[pack.kind == "boundary"].tolist())


def test_ends_of_recordings_stand_in_where_each_holds_one_activity(windows: WindowSet, test_index: Ints) -> None:
    recording = np.arange(960, dtype=np.int64) // 10
    pack = select_golden(replace(windows, recording=recording), test_index, 64, 0, None)
    assert (pack.kind == "boundary").sum() == 8
    assert set((pack.index[pack.kind == "boundary"] % 10).tolist()) <= {0, 9}


def test_near_ties_enter_but_do_not_rule(windows: WindowSet, test_index: Ints, network: Network) -> None:
    logits = network(windows.x[test_index])
    best = np.sort(logits, axis=1)
    ties = test_index[(best[:, -1] - best[:, -2]) <= np.quantile(best[:, -1] - best[:, -2], 0.1)]
    pack = select_golden(windows, test_index, 128, 0, logits)
    drawn = np.isin(pack.index, ties) & (pack.kind == "boundary")
    assert 4 <= drawn.sum() <= 8


def test_a_small_test_split_is_taken_whole(windows: WindowSet, test_index: Ints) -> None:
    pack = select_golden(windows, test_index[:20], 256, 0, None)
    np.testing.assert_array_equal(pack.index, test_index[:20])


def test_an_empty_test_split_is_an_error(windows: WindowSet) -> None:
    with pytest.raises(DataError, match="no windows"):
        select_golden(windows, np.zeros(0, np.int64), 16, 0, None)


def test_logits_of_other_windows_are_an_error(windows: WindowSet, test_index: Ints) -> None:
    with pytest.raises(DataError, match="shape"):
        select_golden(windows, test_index, 16, 0, np.zeros((3, 4), np.float32))
