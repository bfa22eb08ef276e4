"""Dates as people's files write them: which form a column has, and the nanoseconds that it means."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np

from factory.contracts.dataset import Ints

_FORMS: tuple[str, ...] = (
    "%Y-%m-%d %H:%M:%S", "%Y/%m/%d %H:%M:%S", "%d/%m/%Y %H:%M:%S", "%m/%d/%Y %H:%M:%S", "%d.%m.%Y %H:%M:%S",
    "%d-%m-%Y %H:%M:%S", "%d-%b-%Y %H:%M:%S", "%d %b %Y %H:%M:%S", "%Y%m%d %H:%M:%S", "%Y%m%d%H%M%S",
    "%d/%m/%y %H:%M:%S", "%m/%d/%y %H:%M:%S", "%m/%d/%Y %I:%M:%S %p", "%d/%m/%Y %I:%M:%S %p", "%H:%M:%S",
    "%Y-%m-%d %H:%M", "%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M", "%d.%m.%Y %H:%M", "%Y/%m/%d %H:%M",
)  # fmt: skip
_FRACTION = r"^(.*?\d{1,2}:\d{2}:\d{2}|\d{14})([.,]\d+)?(.*)$"
_ZONE = re.compile(r"\s*(Z|UTC|[+-]\d\d:?\d\d)$")
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}([.,]\d{1,9})?)?)?\s*(Z|[+-]\d\d:?\d\d)?")


def date_formats(texts: Sequence[str]) -> list[str | None]:
    """The forms that all texts fit, likeliest first; None is ISO 8601. Empty where they are no dates.

    Two are left where day and month cannot be told apart.
    """
    seen = [text.strip() for text in texts if text.strip()]
    if not seen:
        return []
    if all(_ISO.fullmatch(text) for text in seen):
        return [None]
    fitting: list[str | None] = []
    for form in _FORMS:
        if all(_parse(_without_fraction(text), form) is not None for text in seen):
            fraction = any(re.search(r"\d{2}:\d{2}[.,]\d+", text) for text in seen)
            zone = "%z" if all(_ZONE.search(text) for text in seen) else ""
            blank = " " if zone and " " in _ZONE.search(seen[0])[0] else ""  # type: ignore[index]
            full = form.replace("%S", "%S.%f") if fraction else form
            fitting.append(full + blank + zone)
    return fitting


def nanoseconds(column: Any, form: str | None) -> Ints:
    """A pyarrow array of dates, as text or as Parquet's, as int64 nanoseconds; clocks count from midnight.

    Raises:
        ValueError: A text that has not that form; names it.
    """
    import pyarrow as pa
    from pyarrow import compute as pc

    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if pa.types.is_timestamp(array.type):
        return np.asarray(array.cast(pa.timestamp("ns", array.type.tz)).cast(pa.int64()).fill_null(0).to_numpy())
    if pa.types.is_temporal(array.type):
        return np.asarray(array.cast(pa.time64("ns")).cast(pa.int64()).fill_null(0).to_numpy())
    text = pc.utf8_trim_whitespace(pc.fill_null(array.cast(pa.string()), ""))
    parts = pc.extract_regex(text, r"^(?P<head>.*?\d{1,2}:\d{2}:\d{2}|.*?\d)(?P<rest>[.,]\d+)?(?P<zone>[^\d.,].*|)$")
    parts = pc.fill_null(pc.struct_field(parts, [0]), ""), pc.struct_field(parts, [1]), pc.struct_field(parts, [2])
    heads = pc.binary_join_element_wise(parts[0], pc.fill_null(parts[2], ""), "\x1f")
    encoded = heads.dictionary_encode()
    bare = (form or "").replace(".%f", "").replace("%z", "").strip()
    whole = np.array([_whole_ns(head.split("\x1f"), bare) for head in encoded.dictionary.to_pylist()], np.int64)
    fraction = pc.replace_substring(pc.fill_null(parts[1], ".0"), ",", ".")
    fraction = pc.if_else(pc.equal(fraction, ""), ".0", fraction)
    extra = np.round(np.asarray(fraction.cast(pa.float64()).to_numpy(zero_copy_only=False)) * 1e9).astype(np.int64)
    found: Ints = whole[encoded.indices.to_numpy(zero_copy_only=False)] + extra
    return found


def _whole_ns(head: Sequence[str], form: str) -> int:
    text, rest = head[0].strip(), head[1].strip()
    moment: datetime | None
    if not form:
        moment = datetime.fromisoformat(text.replace(",", ".") + (rest if _ZONE.search(rest) else ""))
    else:
        moment = _parse(f"{text} {rest}".strip() if "%p" in form else text, form)
        if moment is None:
            raise ValueError(f"'{text}' is no date like {form}")
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return round(moment.timestamp()) * 1_000_000_000


def _without_fraction(text: str) -> str:
    bare = _ZONE.sub("", text).replace("T", " ") if re.search(r"\dT\d", text) else _ZONE.sub("", text)
    return re.sub(r"(\d{2}:\d{2}:\d{2})[.,]\d+", r"\1", bare)


def _parse(text: str, form: str) -> datetime | None:
    try:
        return datetime.strptime(text.replace("T", " ") if re.search(r"\dT\d", text) else text, form)  # noqa: DTZ007
    except ValueError:
        return None
