"""Labelled stretches are measured across chunks and gaps, and the windows proposed for them exist."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from factory.contracts.dataset import Recording
from factory.contracts.recipe import DataRecipe
from factory.data.label_stretches import LabelStretches, advice, too_short
from factory.data.resample import resample
from factory.data.sources.layout import index_time
from factory.data.windows import cut, plan_labels
from tests.unit.data.made_people import recording


def seconds(found: LabelStretches, *labels: int) -> list[float]:
    """Longest and median of each class."""
    return [value for label in labels for value in (found.longest_s(label), found.median_s(label)) if value is not None]


def measured(one: Recording) -> LabelStretches:
    found = LabelStretches(2)
    found.add(one, lambda labels: labels, 0.02, 0.1)
    return found


def test_stretches_are_measured() -> None:
    found = measured(recording("ann", 0))
    assert seconds(found, 0, 1) == pytest.approx([10] * 4)


def test_a_gap_ends_a_stretch() -> None:
    one = recording("ann", 0)
    found = measured(replace(one, time_s=one.time_s + 3.0 * (np.arange(1000) >= 100)))
    assert seconds(found, 0, 1)[::2] == pytest.approx([8, 10])


def test_unlabelled_samples_end_a_stretch(monkeypatch: pytest.MonkeyPatch) -> None:
    one = recording("ann", 0)
    one.labels[200:210] = -1
    whole = measured(one)
    assert seconds(whole, 0) == pytest.approx([5.8, 4])
    monkeypatch.setattr("factory.data.label_stretches._CHUNK", 70)
    chunked = measured(one)
    assert seconds(chunked, 0, 1) == pytest.approx([5.8, 4, 10, 10])


def test_merged_looks_equal_one() -> None:
    first, second = measured(recording("ann", 0)), measured(recording("bob", 1, 400))
    first.merge(second)
    assert seconds(first, 0) == pytest.approx([10, 4])


@pytest.mark.parametrize("stretch", [35, 60, 100, 127])
@pytest.mark.parametrize("offset", range(0, 64, 9))
def test_the_window_that_is_proposed_exists(stretch: int, offset: int) -> None:
    told = advice(DataRecipe(source="watch"), stretch / 50, stretch / 50, gaps=False)
    window = int(told.partition("data.window = ")[2].split()[0])
    labels = np.zeros(600, np.int64)
    labels[200 + offset : 200 + offset + stretch] = 1
    one = replace(recording("ann", 0, 600), labels=labels, time_s=index_time(600, 50))
    recipe = DataRecipe(source="watch", window=window, hop=window // 2)
    plan = plan_labels(("rest", "walk"), None, {})
    found = [y for part in cut(resample(one, 50, 0.1), recipe, plan, range(6), Counter()) for y in part.y.tolist()]
    assert 1 in found


def test_purity_is_proposed_only_where_it_helps() -> None:
    recipe = DataRecipe(source="watch")
    assert "data.purity = 0.8" in advice(recipe, 3.0, 3.0, gaps=False)
    assert "purity =" not in advice(recipe, 3.0, 3.0, gaps=True)
    assert "record it for longer" in advice(recipe, 0.2, 0.2, gaps=False)


def test_scattered_samples_are_not_called_short() -> None:
    assert "further apart than data.max_gap_s" in advice(DataRecipe(source="watch"), 0.02, 0.02, gaps=True)


def test_a_class_that_lasts_for_windows_is_not_too_short() -> None:
    recipe = DataRecipe(source="watch")
    assert too_short(recipe, 2.0)
    assert not too_short(recipe, 20.0)
