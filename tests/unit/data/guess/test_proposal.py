"""A proposed window fits the shortest class; every class gets windows where that is possible."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory.contracts.recipe import DataRecipe, Recipe
from factory.data.guess.proposal import LEAST, MOST, WindowProposal, propose_window
from factory.data.resample import Piece
from factory.data.windows import cut, plan_labels


def windows_of(proposal: WindowProposal, stretches_s: Mapping[str, Sequence[float]], rate_hz: float) -> Counter[str]:
    """Windows a class, of one recording in which every stretch is followed by 3 s without a label."""
    names = tuple(stretches_s)
    labels = []
    for index, name in enumerate(names):
        for length in stretches_s[name]:
            labels += [index] * round(length * rate_hz) + [-1] * round(3 * rate_hz)
    samples = np.zeros((len(labels), 1), np.float32)
    recipe = DataRecipe(
        source="watch", window=proposal.window, hop=proposal.hop, purity=proposal.purity, anchor=proposal.anchor
    )
    piece = Piece(samples=samples, labels=np.array(labels, np.int64), first=True)
    found = cut([piece], recipe, plan_labels(names, None, {}), [0], Counter())
    return Counter(names[label] for part in found for label in part.y)


def test_long_stretches_get_the_usual_window_on_a_grid() -> None:
    proposal = propose_window({"walk": [60, 80], "sit": [40, 4.0, 50]}, 50)
    assert (proposal.window, proposal.hop, proposal.purity, proposal.anchor) == (128, 64, 1.0, "grid")
    assert proposal.reason == "128 samples (2.56 s): 'sit' lasts 40 s in the median, the shortest class"


@pytest.mark.parametrize(
    ("rate_hz", "window"), [(3, LEAST), (20, 64), (25, 64), (50, 128), (100, 256), (1000, 2048), (2000, MOST)]
)
def test_the_usual_window_is_the_power_of_two_nearest_to_2_56_s(rate_hz: float, window: int) -> None:
    assert propose_window({"walk": [600.0]}, rate_hz).window == window


def test_stretches_of_one_and_a_third_windows_keep_it_and_begin_it() -> None:
    proposal = propose_window({"walk": [60], "lift": [3.4]}, 50)
    assert (proposal.window, proposal.purity, proposal.anchor) == (128, 1.0, "label")


def test_short_activities_get_a_shorter_window_that_every_class_fills() -> None:
    stretches = {
        "walk": [2.5] * 8,
        "turn": [1.6, 1.7, 1.8, 1.5, 1.7],
        "jump": [0.9, 0.7, 1.1, 0.9, 0.8],
        "squat": [2.0] * 5,
        "clap": [0.9, 1.0, 1.2, 1.4, 1.0],
    }
    proposal = propose_window(stretches, 50)
    assert (proposal.window, proposal.hop, proposal.purity, proposal.anchor) == (32, 16, 1.0, "label")
    assert proposal.reason.startswith("32 samples (0.64 s): 'jump' lasts 0.9 s in the median, so the window is shorter")
    found = windows_of(proposal, stretches, 50)
    assert {name for name in stretches if found[name] >= len(stretches[name])} == set(stretches)


def test_purity_falls_only_where_the_shortest_window_does_not_fit() -> None:
    taps = propose_window({"walk": [60.0], "tap": [0.3] * 9}, 50)
    assert (taps.window, taps.purity, taps.anchor) == (LEAST, 0.75, "label")
    assert "0.75 of a window" in taps.reason
    assert windows_of(taps, {"walk": [60.0], "tap": [0.3] * 9}, 50)["tap"] >= 9
    assert propose_window({"knock": [0.45]}, 50).purity == 1.0


def test_class_that_no_window_can_hold_is_named_with_what_to_do() -> None:
    proposal = propose_window({"walk": [60.0], "click": [0.1]}, 50)
    assert re.search(r"'click' lasts 0.1 s in the median, less than half of the shortest window", proposal.reason)
    assert "leave it out" in proposal.reason


def test_without_a_labelled_stretch_the_usual_window_is_proposed() -> None:
    assert propose_window({}, 100).window == propose_window({"walk": []}, 100).window == 256
    assert "no labelled stretch" in propose_window({}, 100).reason


@given(
    st.dictionaries(st.sampled_from("abcd"), st.lists(st.floats(0.02, 100), min_size=1, max_size=5), min_size=2),
    st.floats(5, 500),
)
def test_every_proposal_is_a_recipe_and_reaches_every_class_that_half_a_shortest_window_fits(
    stretches: dict[str, list[float]], rate_hz: float
) -> None:
    proposal = propose_window(stretches, rate_hz)
    data = DataRecipe(source="watch", rate_hz=rate_hz, window=proposal.window, hop=proposal.hop, purity=proposal.purity)
    Recipe(name="mine", summary="", data=data)
    found = windows_of(proposal, stretches, rate_hz)
    for name, lengths in stretches.items():
        possible = np.median(np.round(np.array(lengths) * rate_hz)) >= 0.6 * LEAST
        room = 3 * rate_hz >= proposal.window or np.median(lengths) * rate_hz >= proposal.window
        assert found[name] or not (possible and room), (name, proposal)
