"""Dates as text to nanoseconds since 1970, by column: ISO 8601 in its many spellings, or a format as in strptime.

Local times are taken as they are: only differences matter. A clock without a date counts from midnight.
"""

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from factory.contracts.errors import RecipeError

_ISO = re.compile(
    r"(?P<Y>\d{4})-(?P<m>\d{1,2})-(?P<d>\d{1,2})"
    r"(?:[T ]+(?P<H>\d{1,2}):(?P<M>\d{2})(?::(?P<S>\d{2})(?:[.,](?P<f>\d{1,9}))?)?)?\s*(?P<z>Z|[+-]\d{2}:?\d{2})?"
)
_CLOCK = re.compile(
    r"(?P<H>\d{1,2}):(?P<M>\d{2})(?::(?P<S>\d{2})(?:[.,:](?P<f>\d{1,9}))?)?(?:\s*(?P<p>[AaPp]\.?[Mm]\.?))?"
)
_DIRECTIVES = {
    "Y": r"(?P<Y>\d{4})", "y": r"(?P<y>\d{2})", "m": r"(?P<m>\d{1,2})", "d": r"(?P<d>\d{1,2})", "H": r"(?P<H>\d{1,2})",
    "I": r"(?P<H>\d{1,2})", "M": r"(?P<M>\d{1,2})", "S": r"(?P<S>\d{1,2})", "f": r"(?P<f>\d{1,9})",
    "p": r"(?P<p>[AaPp]\.?[Mm]\.?)", "b": r"(?P<b>[^\W\d_]{3,9})\.?", "z": r"(?P<z>Z|[+-]\d{2}:?\d{2})", "%": "%",
}  # fmt: skip
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NS = 1_000_000_000
NO_DATE = np.iinfo(np.int64).max
"""Stands for what is no date, where that is borne."""


class NotADateError(ValueError):
    """The text at `place` is no date of the expected form; '' where it is missing."""

    def __init__(self, place: int, text: str) -> None:
        super().__init__(text)
        self.place, self.text = place, text


def parse_dates(column: Any, form: str | None = None, lenient: bool = False) -> NDArray[np.int64]:
    """Nanoseconds since 1970 of a pyarrow array of texts or time stamps.

    Args:
        column: (n,) strings, dates or time stamps.
        form: As strptime has it, with %Y %y %m %d %H %I %M %S %f %p %b %z; None: ISO 8601, or a clock.
        lenient: Whether what is missing or of another form becomes `NO_DATE`.

    Raises:
        NotADateError: The first value that is missing or of another form.
        RecipeError: `form` has a directive that is not known.
    """
    import pyarrow as pa

    if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
        return _stamps(column, lenient)
    text = column.cast(pa.string())
    if form is None and (quick := _quick(text)) is not None:
        return quick
    pattern = compile_form(form) if form else _form_of(text)
    return _composed(text, pattern, lenient)


def compile_form(form: str) -> "re.Pattern[str]":
    """The expression that a format stands for.

    Raises:
        RecipeError: A directive that is not known.
    """
    parts, place = [], 0
    for token in re.finditer(r"%(.)", form):
        if token[1] not in _DIRECTIVES:
            raise RecipeError(f"timestamp_format '{form}' has %{token[1]}: use %{' %'.join(_DIRECTIVES)}")
        parts += [re.escape(form[place : token.start()]).replace(r"\ ", r"\s+"), _DIRECTIVES[token[1]]]
        place = token.end()
    return re.compile("".join([*parts, re.escape(form[place:])]))


def _stamps(column: Any, lenient: bool = False) -> NDArray[np.int64]:
    import pyarrow as pa
    from pyarrow import compute as pc

    if column.null_count and not lenient:
        raise NotADateError(int(np.argmin(column.is_valid().to_numpy(zero_copy_only=False))), "")
    stamps = column.cast(pa.timestamp("ns", getattr(column.type, "tz", None))).cast(pa.int64())
    nanoseconds: NDArray[np.int64] = pc.fill_null(stamps, NO_DATE).to_numpy(zero_copy_only=False)
    return nanoseconds


def _quick(text: Any) -> NDArray[np.int64] | None:
    """Arrow's own ISO parser, where it takes every value."""
    import pyarrow as pa

    sample = text[0].as_py() if len(text) else ""
    zoned = bool(re.search(r"(Z|[+-]\d\d:?\d\d)$", sample or "")) and ":" in (sample or "")
    try:
        return _stamps(text.cast(pa.timestamp("ns", "UTC" if zoned else None)))
    except (pa.ArrowInvalid, NotADateError):
        return None


def _form_of(text: Any) -> "re.Pattern[str]":
    sample = next((value for value in text[:100].to_pylist() if value), "")
    return _CLOCK if _CLOCK.fullmatch(sample.strip()) else _ISO


def _composed(text: Any, pattern: "re.Pattern[str]", lenient: bool) -> NDArray[np.int64]:
    """Each different second is read once: a recording repeats all but the fraction."""
    known: dict[tuple[str | None, ...], int] = {}
    found = np.empty(len(text), np.int64)
    for place, value in enumerate(text.to_pylist()):
        match = pattern.fullmatch((value or "").strip())
        try:
            found[place] = _nanoseconds(match, known)
        except ValueError as error:
            if not lenient:
                raise NotADateError(place, value or "") from error
            found[place] = NO_DATE
    return found


def _nanoseconds(match: "re.Match[str] | None", known: dict[tuple[str | None, ...], int]) -> int:
    """Since 1970; `known` keeps seconds that were read already.

    Raises:
        ValueError: Nothing fitted, or there is no such day or time.
    """
    if match is None:
        raise ValueError("another form")
    parts = match.groupdict()
    fraction = parts.pop("f", None)
    key = tuple(parts.values())
    if key not in known:
        known[key] = _second(parts)
    return known[key] * _NS + (int(fraction.ljust(9, "0")) if fraction else 0)


def _second(parts: dict[str, str | None]) -> int:
    """Seconds since 1970.

    Raises:
        ValueError: No such day or time.
    """
    from calendar import timegm
    from datetime import UTC, datetime

    year = int(parts.get("Y") or 0) or (2000 + int(parts["y"] or 0) if parts.get("y") else 1970)
    month = int(parts.get("m") or 1)
    if name := parts.get("b"):
        month = _MONTHS.index(name[:3].lower()) + 1
    hour = int(parts.get("H") or 0)
    if half := parts.get("p"):
        hour = hour % 12 + 12 * (half[0] in "Pp")
    stamp = datetime(year, month, int(parts.get("d") or 1), hour, int(parts.get("M") or 0), tzinfo=UTC)
    zone = parts.get("z")
    shift = 0
    if zone and zone != "Z":
        shift = (1 if zone[0] == "+" else -1) * (int(zone[1:3]) * 3600 + int(zone[-2:]) * 60)
    return timegm(stamp.timetuple()) + int(parts.get("S") or 0) - shift
