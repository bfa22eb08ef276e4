import pytest

from factory.reporting import text


@pytest.mark.parametrize(
    ("share", "expected"),
    [(1.0, "100.0 %"), (0.9996, "99.96 %"), (0.99999, "99.99 %"), (0.978, "97.8 %"), (0.0, "0.0 %")],
)
def test_a_share_below_one_never_reads_as_hundred_percent(share: float, expected: str) -> None:
    assert text.percent(share) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.0, "0"), (2.512e-6, "2.51 × 10⁻⁶"), (0.2, "0.2"), (123_456.0, "1.23 × 10⁵"), (12_345.0, "12,345")],
)
def test_small_figures_keep_three_digits(value: float, expected: str) -> None:
    assert text.small(value) == expected


def test_units_follow_the_magnitude() -> None:
    assert (text.size(999), text.size(100_416), text.size(1_250_000)) == ("999 B", "100.4 kB", "1.25 MB")
    assert (text.duration(27.64), text.duration(1500)) == ("27.6 µs", "1.50 ms")
    assert (text.seconds(42), text.seconds(512), text.seconds(9000)) == ("42 s", "8.5 min", "2.5 h")


def test_a_gate_without_value_shows_a_dash() -> None:
    assert text.figure(None, "pp") == "–"
    assert text.figure(0.3, "pp") == "0.3 pp"
    assert text.figure(1e-4) == "1.00 × 10⁻⁴"


def test_shortened_text_says_that_it_was_cut() -> None:
    assert text.shorten("walking", 7) == "walking"
    assert text.shorten("walking_upstairs", 8) == "walking…"
