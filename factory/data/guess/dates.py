"""Which form the dates of a column have."""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from factory.data.intake.dates import NO_DATE, NotADateError, parse_dates
from factory.data.intake.sheet import MOSTLY
from factory.data.statistics import Doubles

_DAYS = ("%Y-%m-%d", "%Y/%m/%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%d-%b-%Y", "%d %b %Y", "%Y%m%d",
         "%d/%m/%y", "%m/%d/%y", "%d.%m.%y")  # fmt: skip
_CLOCKS = ("%H:%M:%S", "%H:%M", "%H-%M-%S", "%H%M%S", "%I:%M:%S %p", "%I:%M %p")


def date_forms(texts: Sequence[str]) -> list[str | None]:
    """The forms that most texts fit, likeliest first; None is ISO 8601 or a clock. Empty where they are no dates.

    Most are 19 in 20, and no other form fits more. Two are left where day and month cannot be told apart.
    """
    seen = [text.strip() for text in texts if text.strip()]
    if not seen or not any(sign.isdigit() for sign in seen[0]):
        return []
    if _fitting(seen, None) == 1:
        return [None]
    shares = {form: _fitting(seen, form) for form in (None, *_forms(seen[0]))}
    best = max(shares.values())
    return [form for form, share in shares.items() if share == best] if best >= MOSTLY else []


def _forms(example: str) -> list[str]:
    """Every form that could be meant, with the fraction and the zone that the example has."""
    fraction = re.search(r"\d{2}([.,:])\d{1,9}(?!\d*:)(?=\D*$|\s*[+-]\d{2}:?\d{2}$|Z$)", example)
    zone = re.search(r"(\s*)(Z|[+-]\d\d:?\d\d)$", example)
    found = []
    for day in _DAYS:
        for clock in _CLOCKS:
            for between in (" ", "T", "_", "-", ", "):
                seconds = f"%S{fraction[1]}%f" if fraction and "%S" in clock else "%S"
                end = f"{zone[1]}%z" if zone else ""
                found.append(f"{day}{between}{clock.replace('%S', seconds)}{end}")
                if fraction and "%S" in clock:
                    found.append(f"{day}{between}{clock}{end}")
    return found


def _fitting(texts: Sequence[str], form: str | None) -> float:
    """Share of texts that have a form, of which the first must be one."""
    import pyarrow as pa

    try:
        parse_dates(pa.array(list(texts[:1])), form)
        return float((parse_dates(pa.array(list(texts)), form, lenient=True) != NO_DATE).mean())
    except NotADateError:
        return 0.0


def dates(column: Any, form: str | None) -> Doubles:
    """(n,) nanoseconds of a pyarrow array of dates or times of day; NaN where there is none.

    Raises:
        NotADateError: More than a few have another form.
    """
    import pyarrow as pa
    from pyarrow import compute as pc

    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if pa.types.is_string(array.type):
        array = pc.if_else(pc.equal(pc.utf8_trim_whitespace(array), ""), pa.scalar(None, pa.string()), array)
    found = np.full(len(array), np.nan)
    there = array.is_valid().to_numpy(zero_copy_only=False)
    kept = array.drop_null()
    if pa.types.is_time(array.type):
        found[there] = kept.cast(pa.time64("ns")).cast(pa.int64()).to_numpy(zero_copy_only=False)
    elif len(kept):
        ticks = parse_dates(kept, form, lenient=True)
        known = ticks != NO_DATE
        if known.mean() < MOSTLY:
            place = int(np.argmin(known))
            raise NotADateError(place, str(kept[place].as_py()))
        found[there] = np.where(known, ticks, np.nan)
    return found
