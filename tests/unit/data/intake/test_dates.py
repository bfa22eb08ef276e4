import numpy as np
import pyarrow as pa
import pytest

from factory.contracts.errors import RecipeError
from factory.data.intake.dates import NO_DATE, NotADateError, parse_dates


def steps_ms(texts: list[str], form: str | None = None) -> list[float]:
    return [float(step) for step in np.diff(parse_dates(pa.array(texts), form)) / 1e6]


@pytest.mark.parametrize(
    ("texts", "form"),
    [
        (["2026-01-31T13:00:00", "2026-01-31T13:00:00.020"], None),
        (["2026-01-31 13:00:00,000000", "2026-01-31 13:00:00,020000"], None),
        (["2026-01-31T13:00:00.000+0200", "2026-01-31T13:00:00.020+0200"], None),
        (["2026-01-31T13:00:00.000Z", "2026-01-31T13:00:00.020Z"], None),
        (["2026-03-29T01:59:59.990+01:00", "2026-03-29T03:00:00.010+02:00"], None),
        (["13:00:00.000", "13:00:00.020"], None),
        (["11:59:59,990 AM", "12:00:00,010 PM"], None),
        (["12:59:59.990 p.m.", "1:00:00.010 p.m."], None),
        (["08-Mar-2023 12:03:04.000", "08-Mar-2023 12:03:04.020"], "%d-%b-%Y %H:%M:%S.%f"),
        (["31/12/2024 23:59:59.990", "01/01/2025 00:00:00.010"], "%d/%m/%Y %H:%M:%S.%f"),
        (["12/31/2024 11:59:59.990 PM", "1/1/2025 12:00:00.010 AM"], "%m/%d/%Y %I:%M:%S.%f %p"),
    ],
)
def test_twenty_milliseconds_are_twenty_milliseconds(texts: list[str], form: str | None) -> None:
    assert steps_ms(texts, form) == [20.0]


def test_time_stamps_of_a_parquet_file_pass() -> None:
    stamps = pa.array([0, 20_000], pa.timestamp("us", "Europe/Berlin"))
    assert np.diff(parse_dates(stamps)).tolist() == [20_000_000]


@pytest.mark.parametrize("text", ["yesterday", "2026-02-30T12:00:00", "", "2026-13-01T00:00:00"])
def test_what_is_no_date_is_named_by_its_place(text: str) -> None:
    with pytest.raises(NotADateError) as caught:
        parse_dates(pa.array(["2026-01-31T13:00:00", text]))
    assert (caught.value.place, caught.value.text) == (1, text)


@pytest.mark.parametrize("form", [None, "%Y-%m-%dT%H:%M:%S"])
def test_what_is_no_date_is_borne_where_that_is_asked_for(form: str | None) -> None:
    texts = ["2026-01-31T13:00:00", "Sum", "2026-02-30T12:00:00", "", None]
    found = parse_dates(pa.array(texts), form, lenient=True)
    assert (found == NO_DATE).tolist() == [False, True, True, True, True]
    stamps = pa.array([0, None], pa.timestamp("us"))
    assert (parse_dates(stamps, form, lenient=True) == NO_DATE).tolist() == [False, True]


def test_an_unknown_directive_is_refused() -> None:
    with pytest.raises(RecipeError, match="%Q"):
        parse_dates(pa.array(["x"]), "%Q")
