"""Spellings that mean one person or label are told from those that mean two."""

import pytest

from factory.data.names import normal_name, recordings_as_people, spelled_alike, spelled_twice


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Anna", "anna "),
        ("1", "1.0"),
        ("1", "1."),
        ("Walk", "walk"),
        ("walk  up", "Walk up"),
        ("Jose\u0301", "Jos\u00e9"),
        ("STRASSE", "Straße"),
        ("１２", "12"),
        ("sit\u00a0down", "sit down"),
    ],
)
def test_spellings_of_one_name_have_one_form(one: str, other: str) -> None:
    assert normal_name(one) == normal_name(other)
    assert spelled_twice([one, "zoe", other]) == [(one, other)]


@pytest.mark.parametrize(
    ("one", "other"), [("1", "11"), ("01", "1"), ("1_1", "11"), ("1.5", "1.50"), ("jog", "jogging"), ("-1", "1")]
)
def test_two_names_have_two_forms(one: str, other: str) -> None:
    assert spelled_twice([one, other]) == []


@pytest.mark.parametrize(
    ("one", "other"), [("01", "1"), ("S1", "s_01"), ("walk-up", "walk up"), ("sub-01", "sub1"), ("P 7", "p7")]
)
def test_spellings_that_may_mean_one_are_alike(one: str, other: str) -> None:
    assert spelled_alike([one, other]) == [(one, other)]


@pytest.mark.parametrize(("one", "other"), [("1_1", "11"), ("1", "10"), ("0", ""), ("1.05", "1.5"), ("_", "-")])
def test_other_names_are_not_alike(one: str, other: str) -> None:
    assert spelled_alike([one, other]) == []


def test_what_is_surely_one_name_is_not_named_as_alike_again() -> None:
    assert spelled_alike(["Anna", "anna ", "Ben"]) == []
    assert spelled_alike(["1", "1.0", "01"]) == [("1", "01")]


def test_every_spelling_is_named_once() -> None:
    assert spelled_twice(["Anna", "Ben", "anna ", "Anna", "ANNA", "BEN"]) == [
        ("Anna", "anna ", "ANNA"),
        ("Ben", "BEN"),
    ]


@pytest.mark.parametrize(
    ("names", "people"),
    [
        (["1_1", "1_2", "2_1", "2_2"], ["1", "2"]),
        (["anna-1", "anna-2", "ben-1", "ben-2", "cleo-1"], ["anna", "ben", "cleo"]),
        (["anna1", "anna2", "ben1", "ben2", "cleo1", "cleo2"], ["anna", "ben", "cleo"]),
        (["rec_01", "rec_02", "rec_03"], ["rec"]),
    ],
)
def test_names_of_recordings_are_told(names: list[str], people: list[str]) -> None:
    assert list(recordings_as_people(names)) == people


@pytest.mark.parametrize(
    "names",
    [
        ["1", "2", "10", "11"],
        ["S01", "S02", "S03"],
        ["subject_1", "subject_2"],
        ["control1", "control2", "patient1", "patient2"],
        ["anna", "ben"],
        ["101", "102", "201"],
        ["rec_1"],
    ],
)
def test_names_of_people_are_not_suspected(names: list[str]) -> None:
    assert recordings_as_people(names) == {}
