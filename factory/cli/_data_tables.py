"""How `factory data` shows its figures on a terminal."""

from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from factory.contracts.report import DataReport, Finding, Severity

if TYPE_CHECKING:
    from factory.data.counts import Counts

_COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.INFO: "dim"}
_SHOWN = 24
"""Findings of one kind beyond which the rest is counted."""


def show(report: DataReport, console: Console | None = None) -> None:
    """Print a data report: timing, channels, sensors, classes, split, findings."""
    console = console or Console()
    timing = report.timing
    rate = f"{timing.rate_hz:.4g} Hz" if timing.rate_hz else "unknown rate"
    console.print(
        f"{report.source}: {timing.recordings} recordings, {len(report.subjects)} subjects, "
        f"{timing.seconds / 60:.1f} minutes, {rate}, {timing.off_share:.1%} of intervals off, {timing.gaps} gaps",
        highlight=False,
    )
    console.print(_channels(report))
    console.print(_sensors(report))
    console.print(_classes(report))
    if report.split:
        for part, names in report.split.subjects.items():
            text = f"{part}: {report.split.windows[part]} windows; {len(names)} people: {', '.join(names)}"
            console.print(text, highlight=False, markup=False)
    if report.window_lengths:
        console.print(_window_lengths(report))
    for finding in report.findings[:_SHOWN]:
        console.print(_line(finding), highlight=False, soft_wrap=True)
    if len(report.findings) > _SHOWN:
        console.print(f"... and {len(report.findings) - _SHOWN} more (--json lists all)", highlight=False)
    if not report.findings:
        console.print("nothing found", highlight=False)


def show_counts(counts: "Counts", labels: tuple[str, ...], console: Console | None = None) -> None:
    """Print windows by class and part, and by subject."""
    console = console or Console()
    table = Table("class", *counts)
    for label in labels:
        table.add_row(label, *(str(sum(of[label] for of in subjects.values())) for subjects in counts.values()))
    console.print(table)
    for part, subjects in counts.items():
        sums = {subject: sum(classes.values()) for subject, classes in subjects.items()}
        each = ", ".join(f"{subject} ({number})" for subject, number in sums.items())
        text = f"{part}: {sum(sums.values())} windows; by subject: {each}"
        console.print(text, highlight=False, markup=False, soft_wrap=True)


def _line(finding: Finding) -> str:
    colour = _COLOURS[finding.severity]
    where = "" if finding.where == "data" else f"{finding.where}: "
    return f"[{colour}]{finding.severity:>7}[/]  {escape(where + finding.message)} [dim]({finding.code})[/]"


def _channels(report: DataReport) -> Table:
    table = Table("channel", "unit", "min", "mean", "max", "sd", "stuck", "state")
    for channel in report.channels:
        numbers = (channel.minimum, channel.mean, channel.maximum, channel.sd)
        state = "dead" if channel.dead else f"= {channel.duplicate_of}" if channel.duplicate_of else "ok"
        cells = ["-" if number is None else f"{number:.3g}" for number in numbers]
        table.add_row(channel.name, channel.unit, *cells, f"{channel.stuck_share:.2%}", state)
    return table


def _sensors(report: DataReport) -> Table:
    table = Table("sensor", "declared", "looks like", "why")
    for sensor in report.sensors:
        gravity = {True: ", gravity", False: ", no gravity", None: ""}
        acceleration = sensor.likely_gravity is not None
        declared = sensor.unit + (gravity[sensor.gravity] if acceleration else "")
        table.add_row(
            sensor.name, declared, (sensor.likely_unit or "?") + gravity[sensor.likely_gravity], sensor.evidence
        )
    return table


def _classes(report: DataReport) -> Table:
    table = Table("class", "seconds", "windows", "subjects")
    for entry in report.classes:
        windows = "-" if entry.windows is None else str(entry.windows)
        table.add_row(entry.label, f"{entry.seconds:.0f}", windows, str(entry.subjects))
    return table


def _window_lengths(report: DataReport) -> Table:
    table = Table("window", "seconds", "macro-F1", "recipe's", "gain, pp", "moments")
    for row in report.window_lengths:
        gain = f"{row.gain_pp:+.1f} +- {row.spread_pp:.1f}"
        scores = (f"{row.macro_f1:.3f}", f"{row.recipe_macro_f1:.3f}")
        table.add_row(str(row.window), f"{row.seconds:.2f}", *scores, gain, str(row.moments))
    return table
