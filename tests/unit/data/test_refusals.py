"""What `data check` calls an error of units, time or names is what cutting windows refuses."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from factory.contracts.errors import DataError
from factory.contracts.progress import Silent
from factory.contracts.recipe import DataRecipe
from factory.contracts.report import Severity
from factory.data.preparation import prepare
from factory.data.refusals import Judge
from factory.data.sources.layout import STANDARD_GRAVITY
from factory.data.sources.watch import Watch
from tests.unit.data.made_people import ACC, CHANNELS, LABELS, changed, people


def judge(names: tuple[str, ...] = ("ann", "bob", "cid"), labels: tuple[str, ...] = LABELS) -> Judge:
    found = Judge(CHANNELS, labels)
    for one in people(names):
        found.add(one)
    return found


def test_good_recordings_are_not_refused() -> None:
    assert judge().findings() == ()
    judge().require_usable("mine")


def test_a_person_spelled_twice_is_refused() -> None:
    found = judge(("Anna", "ben", "anna "))
    assert [(f.code, f.severity) for f in found.refusals()] == [("subject.spelled_twice", Severity.ERROR)]
    assert {place.subject for place in found.refusals()[0].places} == {"Anna", "anna "}
    with pytest.raises(DataError, match="mine: subjects 'Anna' and 'anna ': are spellings of one name; leakage"):
        found.require_usable("mine")


def test_a_label_spelled_twice_is_refused() -> None:
    with pytest.raises(DataError, match=r"labels 'Walk' and 'walk': .* data\.merge"):
        judge(labels=("Walk", "walk")).require_usable("mine")


def test_names_that_look_alike_are_a_warning() -> None:
    found = judge(("s01", "S1", "S2"))
    assert [(f.code, f.severity) for f in found.findings()] == [("subject.spelled_alike", Severity.WARNING)]
    found.require_usable("mine")


def test_the_first_refusal_counts_the_others() -> None:
    found = Judge(CHANNELS, ("a", "A"))
    for one in changed(people(), lambda x: x / np.float32(STANDARD_GRAVITY), ["bob"], ACC):
        found.add(one)
    with pytest.raises(DataError, match=r"mine: acc: people differ in their unit.*\(and 1 more: factory data check\)"):
        found.require_usable("mine")


def test_merged_looks_refuse_a_person_spelled_twice_across_them() -> None:
    first, second = judge(("Anna",)), judge(("anna",))
    assert first.refusals() == second.refusals() == ()
    first.merge(second)
    assert [f.code for f in first.refusals()] == ["subject.spelled_twice"]


def test_mixed_units_are_not_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = Watch.recordings

    def mixed(self: Watch, folder: Path | None, progress: Silent) -> object:
        for one in read(self, folder, progress):
            factors = np.where(np.arange(one.samples.shape[1]) < 3, 1 / STANDARD_GRAVITY, 1).astype(np.float32)
            yield replace(one, samples=one.samples * factors) if one.subject == "3" else one

    recipe = DataRecipe(source="watch", hop=128)
    assert prepare(recipe, None, tmp_path / "good", Silent()).x.size
    monkeypatch.setattr(Watch, "recordings", mixed)
    with pytest.raises(DataError, match=r"watch: acc: people differ in their unit: .*subject 3 .*\[\[corrections\]\]"):
        prepare(recipe, None, tmp_path / "mixed", Silent())
    assert prepare(recipe, None, tmp_path / "mixed", Silent(), judged=False).x.size, "data check looks at them"
