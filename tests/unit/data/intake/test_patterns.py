import pytest

from factory.contracts.errors import RecipeError
from factory.contracts.table import escape
from factory.data.intake.patterns import fields_of, fill, fit, is_template


@pytest.mark.parametrize(
    ("pattern", "path", "fields"),
    [
        ("{label}_{subject}/*.csv", "walk_anna/acc.csv", {"label": "walk", "subject": "anna"}),
        ("{label}_{subject}/*.csv", "going_up_P1/acc.csv", {"label": "going_up", "subject": "P1"}),
        ("{subject:P\\d+}_{label}.csv", "P1_going_up.csv", {"subject": "P1", "label": "going_up"}),
        ("**/{sensor}.csv", "a/b/Gyroscope.csv", {"sensor": "Gyroscope"}),
        ("**/{sensor}.csv", "Gyroscope.csv", {"sensor": "Gyroscope"}),
        ("*.csv", "rows.csv", {}),
        ("s?.txt", "s1.txt", {}),
        ("[*].csv", "*.csv", {}),
        ("{{a}}.csv", "{a}.csv", {}),
        ("{subject}.csv", "記録.csv", {"subject": "記録"}),
    ],
)
def test_a_pattern_names_the_parts_of_a_path(pattern: str, path: str, fields: dict[str, str]) -> None:
    assert fit(pattern, path) == fields


@pytest.mark.parametrize(
    ("pattern", "path"),
    [("*.csv", "a/rows.csv"), ("{subject}.csv", "a/b.csv"), ("s?.txt", "s10.txt"), ("a.csv", "abcsv"), ("a", "a/b")],
)
def test_a_pattern_stays_in_its_folder(pattern: str, path: str) -> None:
    assert fit(pattern, path) is None


@pytest.mark.parametrize("pattern", ["{subject", "subject}", "{a}{a}", "{Subject}", "{a:(}"])
def test_a_pattern_that_cannot_be_used_is_refused(pattern: str) -> None:
    with pytest.raises(RecipeError, match="pattern"):
        fit(pattern, "x")


@pytest.mark.parametrize("name", ["rows.csv", "a{b}c.csv", "[1]*?.csv", "a b.csv", "{{x}}"])
def test_an_escaped_name_fits_itself_alone(name: str) -> None:
    assert fit(escape(name), name) == {}
    assert fit(escape(name), name + "x") is None


def test_a_template_is_filled_with_the_fields() -> None:
    assert fill("{label}-{session}", {"label": "walk", "session": "2"}) == "walk-2"
    assert is_template("{label}")
    assert not is_template("label")
    assert fields_of("{label}_{subject}/*.csv") == ("label", "subject")


def test_a_template_of_an_unknown_field_names_those_there() -> None:
    with pytest.raises(RecipeError, match="label, stem"):
        fill("{subject}", {"label": "walk", "stem": "a"})
