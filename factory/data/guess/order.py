"""Rows in no order of time, newest first or shuffled: sorted for the look at them, as `cleaning.order` sorts them."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

import numpy as np

from factory.contracts.errors import DataError
from factory.data.guess.clock import Clock, stamps_of
from factory.data.guess.roles import Roles
from factory.data.guess.rows import Scan, scan
from factory.data.guess.sample import ColumnStream, Sample
from factory.data.guess.texts import grouped
from factory.data.guess.triads import Axes
from factory.data.intake.members import Member
from factory.data.statistics import Doubles

_DISORDER = 0.2
"""Share of falling steps within recordings from which rows are sorted; a recording that begins anew falls once."""


def in_time_order(sample: Sample, roles: Roles) -> Sample | None:
    """The sample, its rows in order of time; None where they stand in it.

    Raises:
        DataError: They do not, and are too many to be sorted here; or no column holds time stamps.
    """
    if not roles.times:
        return None
    stamps = stamps_of(sample, roles)
    recordings = [
        [ticks[rows] for _, rows in grouped(chunk, roles.keys)]
        for chunk, ticks in zip(sample.chunks, stamps, strict=True)
    ]
    steps = np.concatenate([np.diff(ticks) for chunk in recordings for ticks in chunk])
    steps = steps[np.isfinite(steps)]
    if not len(steps) or (steps < 0).mean() < _DISORDER:
        return None
    if not sample.whole:
        name, share = roles.times[0].column, (steps < 0).mean()
        raise DataError(
            f"rows are in no order of time ({share:.0%} of the steps of '{name}' fall), and too many to be sorted "
            f"here: sort each recording's rows by '{name}'"
        )
    chunks = [_sorted(chunk, roles.keys, ticks) for chunk, ticks in zip(sample.chunks, stamps, strict=True)]
    return replace(sample, chunks=tuple(chunks))


def scan_in_time_order(stream: ColumnStream, roles: Roles, clock: Clock, sensors: Sequence[Axes]) -> Scan:
    """`scan`, of rows in order of time; what falls and what is missing is told of the files as they are.

    Raises:
        DataError: A row cannot be read, or a date has another form.
    """
    batches = list(stream)
    as_they_are = scan(batches, roles, clock, sensors)
    found = scan(_batches(batches, roles, clock), roles, clock, sensors)
    return replace(found, missing=as_they_are.missing, steps=as_they_are.steps, falls=as_they_are.falls)


def _batches(batches: Sequence[tuple[Member, Any]], roles: Roles, clock: Clock) -> Iterator[tuple[Member, Any]]:
    import pyarrow as pa

    for _, parts in groupby(batches, key=lambda part: part[0].name):
        members, of_member = zip(*parts, strict=True)
        table = pa.Table.from_batches(of_member)
        for batch in _sorted(table, roles.keys, clock.ticks(table)).combine_chunks().to_batches():
            yield members[0], batch


def _sorted(table: Any, keys: Sequence[str], ticks: Doubles) -> Any:
    """One recording after the other, each in order of time."""
    rows = [rows[np.argsort(ticks[rows], kind="stable")] for _, rows in grouped(table, keys)]
    return table.take(np.concatenate(rows)) if rows else table
