"""The rows of a recording in order of time: put so as the cleaning plan allows, or refused with a remedy."""

from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from factory.contracts.errors import DataError
from factory.contracts.table import Cleaning
from factory.data.sources.spill import Order, Track

SORTED, SPLIT, MERGED, SPREAD = (
    "rows put into order of time",
    "recordings split where time falls",
    "rows merged into one of the same time",
    "rows of the same time spread to the next",
)
_LONGEST = 4.0
_SHUFFLED = 0.05
"""Share of time stamps that fall, above which rows are in no order at all."""


def tidy(track: Track, cleaning: Cleaning, counts: Counter[str], where: str, sessions: bool) -> "list[NDArray[Any]]":
    """The rows of one sensor in one recording with rising time, in one part or in several.

    Args:
        track: What was read.
        cleaning: What may be done.
        counts: Told of every row that is changed.
        where: Subject and session, for messages.
        sessions: Whether the description names recordings.

    Returns:
        Structured arrays (time_s, label, samples), memory-mapped where nothing had to be done.

    Raises:
        DataError: Time falls or repeats and the plan says nothing of it; names line and remedy.
    """
    rows, order = track.read(), track.order
    if order.falls:
        if cleaning.time_falls == "split":
            cuts = np.flatnonzero(np.diff(rows["time_s"]) < 0) + 1
            counts[SPLIT] += len(cuts)
            return [_distinct(part, order, cleaning, counts, where) for part in np.split(rows, cuts)]
        if cleaning.order != "time":
            raise _falls(order, track.rows, where, sessions)
        rows = rows[np.argsort(rows["time_s"], kind="stable")]
        counts[SORTED] += track.rows
    return [_distinct(rows, order, cleaning, counts, where)]


def _distinct(
    rows: "NDArray[Any]", order: Order, cleaning: Cleaning, counts: Counter[str], where: str
) -> "NDArray[Any]":
    equal = np.flatnonzero(np.diff(rows["time_s"]) == 0) + 1
    if not len(equal):
        return rows
    if cleaning.equal_stamps == "refuse":
        raise _repeats(order, len(equal), where)
    if cleaning.equal_stamps == "spread":
        counts[SPREAD] += len(equal)
        return _spread(rows)
    counts[MERGED] += len(equal)
    kept = np.delete(np.arange(len(rows)), equal)
    merged: NDArray[Any] = rows[kept].copy()
    if cleaning.equal_stamps == "mean":
        merged["samples"] = np.add.reduceat(rows["samples"].astype(np.float64), kept) / np.diff(
            [*kept, len(rows)]
        ).reshape(-1, 1)
    return merged


def _spread(rows: "NDArray[Any]") -> "NDArray[Any]":
    """Rows of one stamp at even steps up to the next one; those of the last stamp at the steps before."""
    spread = rows.copy()
    time_s = rows["time_s"]
    first = np.concatenate([[0], np.flatnonzero(np.diff(time_s)) + 1])
    count = np.diff([*first, len(time_s)])
    span = np.diff(time_s[first])
    typical = float(np.median(span / count[:-1])) if len(span) else 0.02
    step = np.append(np.minimum(span / count[:-1], _LONGEST * typical), typical)  # a gap is no place to spread into
    spread["time_s"] = np.repeat(time_s[first], count) + np.repeat(step, count) * (
        np.arange(len(time_s)) - np.repeat(first, count)
    )
    return spread


def _falls(order: Order, rows: int, where: str, sessions: bool) -> DataError:
    times = "once" if order.falls == 1 else f"{order.falls} times"
    at = f"{order.first_fall}: time falls there, {times} in all of {where}"
    if order.falls > _SHUFFLED * rows:
        return DataError(
            f"{at}: the rows are in no order of time; if they are one recording, set cleaning.order = 'time' in the "
            "description; if several are mixed, name their column in columns.session"
        )
    if order.anew < order.falls:
        return DataError(
            f"{at}, not back to its beginning: rows are out of order (then set cleaning.order = 'time' in the "
            "description), or recordings follow each other (then cleaning.time_falls = 'split')"
        )
    missing = (
        "the sessions hold several recordings"
        if sessions
        else ("a column that tells recordings apart is missing, name it in columns.session")
    )
    return DataError(
        f"{at}, where it begins anew: this is more than one recording; {missing}, or set "
        "cleaning.time_falls = 'split' in the description"
    )


def _repeats(order: Order, equal: int, where: str) -> DataError:
    at = f"{order.first_equal}: the time stamp repeats the one before, {equal} times in {where}"
    if order.identical == order.equal:
        return DataError(
            f"{at}, with the same values: rows stand twice; set cleaning.equal_stamps = 'first' in the description"
        )
    return DataError(
        f"{at}, with other values: rows of two recordings or sensors are mixed (name their column in columns.session "
        "or columns.sensor), or the clock is coarse: set cleaning.equal_stamps = 'spread' in the description"
    )
