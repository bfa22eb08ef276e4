"""The list of mutants stays true: each edit finds its line, and each test that it names exists."""

from pathlib import Path

import pytest

from tests.mutants.mutants import MUTANTS, Mutant

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_changes_one_place_and_names_tests_that_exist(mutant: Mutant) -> None:
    content = (ROOT / mutant.file).read_text("utf-8")
    assert content.count(mutant.old) == 1, f"{mutant.file} holds {mutant.old!r} {content.count(mutant.old)} times"
    assert mutant.old != mutant.new
    for test in mutant.tests:
        path, _, name = test.partition("::")
        text = (ROOT / path).read_text("utf-8")
        assert not name or f"def {name.partition('[')[0]}(" in text, test


def test_names_are_told_apart() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)
