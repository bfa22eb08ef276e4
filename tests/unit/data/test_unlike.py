"""Stretches unlike their label: what is mislabelled stands first, what is ordinary is not listed."""

import numpy as np
import pytest

from factory.contracts.dataset import Ints
from factory.contracts.overview import Suspect
from factory.data.sources.watch import Watch
from factory.data.unlike import Pieces
from tests.unit.data.exercises import Exercises, Held, reader

REST, WALK, RUN = 0, 1, 2
LEVEL = {REST: 0.05, WALK: 2.0, RUN: 8.0}
CHANNELS = Watch.channels


def suspects_of(
    labels: dict[tuple[str, str], list[int]], truth: dict[tuple[str, str], list[int]], joined: bool = False
) -> list[Suspect]:
    """Of stretches of 20 s at 50 Hz whose amplitude is that of the true label; `joined`: equal neighbours are one."""
    rng = np.random.default_rng(0)
    pieces = Pieces(CHANNELS)
    for index, (key, named) in enumerate(labels.items()):
        samples = np.concatenate([rng.normal([0, 0, 9.8, 0, 0, 0], LEVEL[label], (1000, 6)) for label in truth[key]])
        values = samples.astype(np.float32)
        begins = np.flatnonzero(np.diff(np.array([-9, *named]))) if joined else np.arange(len(named))
        time_s = np.arange(len(values)) / 50
        pieces.add(index, key[0], time_s, reader(values), begins * 1000, np.array(named)[begins])
    return list(pieces.suspects())


def everybody(people: int = 4) -> dict[tuple[str, str], list[int]]:
    return {(str(person), "1"): [REST, WALK, RUN, REST, WALK] for person in range(people)}


def test_consistent_labels_give_no_suspect() -> None:
    assert suspects_of(everybody(), everybody()) == []


def test_a_swapped_label_stands_first_and_names_what_it_resembles() -> None:
    labels = everybody()
    labels["2", "1"] = [REST, WALK, RUN, RUN, WALK]
    first = suspects_of(labels, everybody())[0]
    assert first.recording == 2
    assert [first.begin_s, first.end_s] == pytest.approx([60, 80])
    assert (first.label, first.like) == (RUN, REST)
    assert "standard deviation" in first.measure or "change" in first.measure
    assert first.value < first.typical
    assert first.ordinary is not None
    assert first.ordinary[0] == 2
    assert 40 <= first.ordinary[1] < 60, "the same person's own running"


def test_a_part_of_a_long_stretch_is_found_where_it_is() -> None:
    truth, labels = everybody(), everybody()
    truth["1", "1"] = [REST, WALK, WALK, RUN, WALK]
    labels["1", "1"] = [REST, WALK, WALK, WALK, WALK]
    first = suspects_of(labels, truth, joined=True)[0]
    assert first.recording == 1
    assert [first.begin_s, first.end_s] == pytest.approx([60, 80])


def test_a_long_wrong_stretch_does_not_make_its_own_rule() -> None:
    truth, labels = everybody(3), everybody(3)
    for key in truth:
        truth[key], labels[key] = [REST, WALK, REST, WALK], [REST, WALK, REST, WALK]
    truth["0", "1"], labels["0", "1"] = [WALK, RUN, WALK], [WALK, RUN, WALK]
    truth["1", "1"], labels["1", "1"] = [WALK, REST, REST, REST, WALK], [WALK, RUN, RUN, RUN, WALK]
    first = suspects_of(labels, truth, joined=True)[0]
    assert (first.recording, first.label, first.like) == (1, RUN, REST)
    assert [first.begin_s, first.end_s] == pytest.approx([20, 80])


def test_a_label_with_a_single_stretch_is_not_judged() -> None:
    truth = {("1", "1"): [REST, WALK, RUN], ("2", "1"): [REST, WALK, WALK]}
    assert all(suspect.label != RUN for suspect in suspects_of(truth, truth))


def test_who_is_only_compared_with_is_not_listed() -> None:
    pieces = Pieces(CHANNELS)
    rng = np.random.default_rng(0)
    for key in everybody():
        values = np.concatenate([rng.normal(0, LEVEL[label], (1000, 6)) for label in (WALK, REST)]).astype(np.float32)
        named = np.array([REST, WALK] if key[0] == "0" else [WALK, REST])
        time_s = np.arange(2000) / 50
        pieces.add(-1, key[0], time_s, reader(values), np.array([0, 1000]), named)
    assert pieces.suspects() == ()


def test_nothing_labelled_gives_nothing() -> None:
    pieces = Pieces(CHANNELS)
    values = np.zeros((100, 6), np.float32)
    pieces.add(0, "1", np.arange(100) / 50, reader(values), np.array([0]), np.array([-1]))
    assert pieces.suspects() == ()


@pytest.mark.parametrize(
    ("person", "stretch", "label"), [("5", 2, "row"), ("3", 4, "trapezius"), ("1", 4, "abduction")]
)
def test_a_swapped_exercise_of_real_people_stands_first(person: str, stretch: int, label: str) -> None:
    exercises = Exercises.of_watch()
    wrong = exercises.mislabel(person, "a", stretch, label)
    first = _judged(exercises)[0]
    keys = list(exercises.held)
    assert keys[first.recording] == (person, "a")
    assert first.begin_s >= wrong.begin_s - 0.1
    assert first.end_s <= wrong.end_s + 0.1
    assert Watch.labels[first.label] == label


def _judged(exercises: Exercises) -> tuple[Suspect, ...]:
    pieces = Pieces(CHANNELS)
    for index, ((person, _), held) in enumerate(exercises.held.items()):
        edges, labels = _runs(held)
        pieces.add(index, person, held.time_s, reader(held.samples), edges, labels)
    return pieces.suspects()


def _runs(held: Held) -> tuple[Ints, Ints]:
    edges = np.flatnonzero(np.append(True, held.labels[1:] != held.labels[:-1]))
    labels = [Watch.labels.index(str(name)) if name else -1 for name in held.labels[edges]]
    return edges, np.array(labels, np.int64)
