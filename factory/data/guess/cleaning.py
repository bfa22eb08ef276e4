"""Rows that cannot be used as they are: what the description may do about them, and what it must not."""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from factory.contracts.table import Cleaning
from factory.data.guess.check import Check
from factory.data.guess.clock import Clock
from factory.data.guess.rows import Scan
from factory.data.names import listed

_DISORDER = 0.02
"""Share of falling steps from which rows are in no order."""
_INTERLEAVED = 1.2
"""|x[i+1] - x[i]| over |x[i+k] - x[i]|, summed: below 1 in one recording, above it where k alternate."""


def guess_cleaning(
    scan: Scan, clock: Clock, session: bool, line: Callable[[str, int], str], formats: Sequence[str]
) -> tuple[Cleaning, list[Check]]:
    """A cleaning plan for what the rows show; nothing where they are sound.

    Args:
        scan: All rows.
        clock: Time stamps.
        session: Whether recordings of a person are told apart.
        line: File and row in it to words for a person.
        formats: Titles of the named formats that the files have: these are known to leave values out.
    """
    checks: list[Check] = []
    plan: dict[str, str] = {}
    missing = (
        "the column of recordings does not tell all of them apart: name another with --session; "
        if session
        else "a column that tells recordings of one person apart is missing: name it with --session; "
    )
    if clock.column is not None and scan.steps:
        plan |= _order(scan, missing, checks)
        plan |= _equal(scan, clock, bool(plan), checks)
    if scan.rough > _INTERLEAVED * scan.smooth.min() and "order" not in plan:
        message = (
            f"{missing}rows of two recordings stand "
            "between each other (values are nearer to those a few rows back than to the last); sorting by time or "
            "leaving out equal stamps does not mend that"
        )
        checks.insert(0, Check(code="recording.interleaved", key="columns.session", message=message))
        plan.pop("equal_stamps", None)
        checks = [check for check in checks if check.code != "time.equal"]
    for sensor, (rows, file, row) in scan.missing.items():
        what = f"{sensor}: {rows} of {scan.rows} rows have no value, the first is {line(file, row)}"
        message = f"{what}: correct it, or set faulty_rows = 'drop'"
        if formats:
            plan["faulty_rows"] = "drop"
            message = f"{what}: {listed(list(formats))} is known for that, so such rows are left out and counted"
        checks.append(Check(code="row.missing", key="cleaning.faulty_rows", message=message))
    return Cleaning.model_validate(plan), checks


def faulty_rows(dropped: Mapping[str, int]) -> list[Check]:
    """Rows with more or fewer values than the others."""
    if not dropped:
        return []
    file, rows = max(dropped.items(), key=lambda item: item[1])
    where = f"{file} ({rows})" if len(dropped) == 1 else f"{len(dropped)} files, most in {file} ({rows})"
    message = (
        f"{sum(dropped.values())} rows have more or fewer values than the others, in {where}: correct them, or set "
        "faulty_rows = 'drop'; factory data check names the first line"
    )
    return [Check(code="row.faulty", key="cleaning.faulty_rows", message=message)]


def _order(scan: Scan, missing: str, checks: list[Check]) -> dict[str, Literal["time", "split"]]:
    if scan.falls > _DISORDER * scan.steps:
        message = (
            f"rows are in no order of time ({scan.falls} of {scan.steps} steps fall): they are sorted within each "
            f"recording; {missing}"
        )
        checks.append(Check(code="time.order", key="cleaning.order", message=message.rstrip("; ")))
        return {"order": "time"}
    if scan.falls:
        begins = "starts anew" if scan.falls_far >= 0.5 * scan.falls else "falls"
        times = "once" if scan.falls == 1 else f"{scan.falls} times"
        message = (
            f"{missing}time {begins} {times} within what is taken for one recording: there, another "
            "recording is taken to begin (time_falls = 'split'); do not sort the rows, that would mix recordings"
        )
        checks.append(Check(code="time.falls", key="cleaning.time_falls", message=message))
        return {"time_falls": "split"}
    return {}


def _equal(scan: Scan, clock: Clock, disorder: bool, checks: list[Check]) -> dict[str, Literal["first", "spread"]]:
    if clock.coarse_s:
        return {"equal_stamps": "spread"}
    if not scan.equal or (disorder and scan.falls > _DISORDER * scan.steps and not scan.copies):
        return {}
    copies = scan.copies >= 0.9 * scan.equal
    share = f"{scan.equal} of {scan.steps} rows have the time of the row before"
    if copies:
        message = f"{share} and its values: exact copies; the first of each is kept (equal_stamps = 'first')"
    else:
        message = (
            f"{share}, but other values: they came in bursts, and are spread to the next stamp (equal_stamps = "
            "'spread'); they are no copies to remove"
        )
    checks.append(Check(code="time.equal", key="cleaning.equal_stamps", message=message))
    return {"equal_stamps": "first" if copies else "spread"}
