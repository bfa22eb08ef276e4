"""A user's own recordings: CSV or Parquet, one row a sample, described by a TOML (`TableDescription`).

Rows may come in any order of people and sessions; within one recording time must rise. Everything is streamed:
rows are sorted apart on disk first and then yielded as memory-mapped recordings.
"""

import tempfile
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from factory.contracts.dataset import Ints, Recording
from factory.contracts.errors import DataError, RecipeError
from factory.contracts.files import storage_errors
from factory.contracts.progress import Progress
from factory.contracts.recipe import parse_toml, validate
from factory.contracts.table import SourceUnit, TableDescription
from factory.contracts.window import Channel, Filter, Quantity
from factory.data.sources.spill import Session, Spill, release_pages
from factory.data.sources.table_reader import Batch, TableReader
from factory.data.units import SI_FACTORS, TriadStatistics, UnitGuess

_JUDGED_ROWS = 100_000
"""Of each recording, for the unit check."""
_JUDGED_RECORDINGS = 64
_MOVES = 3.0
"""m/s^2 between the 1st and 99th percentile of acceleration's length: the wearer is not at rest."""
_LEAST_DEG_S = 15.0
"""Whoever moves like that turns faster once in a hundred samples; walking reaches 100."""


class Table:
    """The source 'table'."""

    name = "table"
    filters: tuple[Filter, ...] = ()
    filters_published = False
    published_window: tuple[int, int] | None = None
    cite = ""
    terms = "the user's own"
    urls: tuple[str, ...] = ()

    def __init__(self, description: TableDescription, base: Path, scratch: Path | None = None) -> None:
        """Read `description.file` below `base`; temporary files go to `scratch`, else the system's folder."""
        self.description = description
        self._reader = TableReader(description, base / description.file)
        self._scratch = scratch
        self._factors = np.array([SI_FACTORS[channel.unit] for channel in description.channels])

    @classmethod
    def from_file(cls, path: Path, scratch: Path | None = None) -> "Table":
        """The table that the TOML at `path` describes.

        Raises:
            RecipeError: The TOML is missing or wrong; names each key.
        """
        if not path.exists():
            raise RecipeError(f"{path}, which data.description names, does not exist: correct it, or run factory init")
        return cls(validate(TableDescription, parse_toml(path), str(path)), path.parent, scratch)

    @property
    def details(self) -> dict[str, object]:
        """What shapes the recordings beside the file's content."""
        return self.description.model_dump(mode="json", exclude={"file"})

    @property
    def channels(self) -> tuple[Channel, ...]:
        """The described channels, SI units."""
        return tuple(
            Channel(
                name=channel.name,
                quantity=channel.measures,
                axis=channel.axis,
                unit=_si_unit(channel.unit),
                gravity=bool(channel.gravity),
                placement=channel.placement or self.description.placement,
            )
            for channel in self.description.channels
        )

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """The described labels, or all that the file holds, sorted.

        Raises:
            DataError: The file cannot be read.
        """
        if self.description.labels is not None:
            return self.description.labels
        self._reader.check()
        return tuple(label for label in self._reader.labels() if label not in self.description.unlabelled)

    @property
    def nominal_rate_hz(self) -> float:
        """As described."""
        return self.description.rate_hz

    @property
    def axes(self) -> str:
        """As described."""
        return self.description.axes

    @property
    def official_test(self) -> tuple[str, ...]:
        """As described."""
        return self.description.test_subjects

    def files(self, folder: Path | None) -> list[Path]:
        """The one file, which lies beside its description, whatever `folder` is.

        Raises:
            DataError: It is not there, empty, or lacks a column.
        """
        self._reader.check()
        return [self._reader.path]

    def recordings(self, folder: Path | None, progress: Progress) -> Iterator[Recording]:
        """One recording a subject and session, in the order of their first rows.

        Raises:
            DataError: A row cannot be used, time falls or repeats, a label is unknown, or values contradict the
                described unit; names the row where there is one.
            StorageError: No space for the temporary files.
        """
        with (
            tempfile.TemporaryDirectory(prefix="rows-", dir=self._scratch) as scratch,
            storage_errors(Path(scratch)),
        ):
            spill = Spill(Path(scratch), len(self.description.channels))
            with progress.track(self._reader.path.name, None, "rows") as bar:
                for batch in self._reader.batches(lambda rows: bar.advance(rows)):
                    self._sort_apart(batch, spill)
            self._check_units(spill)
            yield from spill.recordings()

    def _sort_apart(self, batch: Batch, spill: Spill) -> None:
        label = self._classes(batch)
        pair = batch.subject * len(batch.sessions) + batch.session
        samples = batch.values * self._factors
        for key in dict.fromkeys(pair.tolist()):
            rows = np.flatnonzero(pair == key)
            subject, session_name = divmod(key, len(batch.sessions))
            ticks = batch.ticks[rows]
            session = spill.session(batch.subjects[subject], batch.sessions[session_name], ticks[0])
            time_s = np.asarray((ticks - session.origin) * self._reader.seconds_a_tick, np.float64)
            self._require_rising(time_s, session, batch.first, rows)
            spill.append(session, time_s, label[rows], samples[rows])
            session.last = float(time_s[-1])

    def _require_rising(self, time_s: NDArray[np.float64], session: Session, first: int, rows: Ints) -> None:
        steps = np.diff(time_s, prepend=session.last)
        if (steps > 0).all():
            return
        index = int(np.argmin(steps > 0))
        what = "repeats the one before" if steps[index] == 0 else f"is {-steps[index]:.6g} s before the one before"
        remedy = "remove the duplicate" if steps[index] == 0 else "sort each recording by time"
        session_hint = "" if self.description.columns.session else ", or name the column of sessions in columns.session"
        raise DataError(
            f"{self._reader.row(first + int(rows[index]))}: the time stamp {what} of the same recording: "
            f"{remedy}{session_hint}"
        )

    def _classes(self, batch: Batch) -> Ints:
        """(n,) index into `labels`, -1 where unlabelled."""
        known = {label: index for index, label in enumerate(self.labels)}
        known.update(dict.fromkeys(self.description.unlabelled, -1))
        for code, text in enumerate(batch.labels):
            if text not in known:
                place = batch.first + int(np.argmax(batch.label == code))
                raise DataError(
                    f"{self._reader.row(place)}: unknown label '{text:.60}', expected {', '.join(self.labels)}: "
                    "correct it, add it to 'labels' in the description, or to 'unlabelled'"
                )
        classes: Ints = np.array([known[text] for text in batch.labels], np.int64)[batch.label]
        return classes

    def _check_units(self, spill: Spill) -> None:
        """Refuse values that contradict the described unit or gravity."""
        triads = [(columns, self._statistics(spill, columns)) for columns in self._triads()]
        moving = any(self._shakes(columns, statistics) for columns, statistics in triads)
        for columns, statistics in triads:
            channel = self.description.channels[columns[0]]
            guess = statistics.guess(channel.measures)
            fault = _contradiction(guess, channel.unit, channel.measures)
            fastest = statistics.norms.quantile(0.99)
            if channel.unit == "deg/s" and moving and fastest is not None and fastest < _LEAST_DEG_S:
                fault = "are described in deg/s, but look like rad/s of somebody who moves"
            if fault:
                names = ", ".join(self.description.channels[column].column for column in columns)
                raise DataError(
                    f"{self._reader.path}: columns {names} {fault} ({guess.evidence}): correct the description"
                )

    def _statistics(self, spill: Spill, columns: list[int]) -> TriadStatistics:
        """Of a sample of rows, in the unit described."""
        statistics = TriadStatistics()
        for session in list(spill.sessions.values())[:_JUDGED_RECORDINGS]:
            rows = np.memmap(session.path, spill.record, mode="r")
            samples = rows["samples"][:_JUDGED_ROWS][:, columns] / self._factors[columns]
            statistics.add(samples, max(round(self.description.rate_hz), 1))
            release_pages(rows)
        return statistics

    def _shakes(self, columns: list[int], statistics: TriadStatistics) -> bool:
        """Whether this is an accelerometer of somebody who moves."""
        if self.description.channels[columns[0]].quantity is not Quantity.ACCELEROMETER:
            return False
        low, high = statistics.norms.quantile(0.01), statistics.norms.quantile(0.99)
        return low is not None and high is not None and (high - low) * self._factors[columns[0]] > _MOVES

    def _triads(self) -> list[list[int]]:
        """Columns of each complete sensor: same quantity, unit, gravity and place, axes x, y, z."""
        groups: dict[tuple[object, ...], dict[str, int]] = {}
        for index, channel in enumerate(self.description.channels):
            stem = channel.name.removesuffix(f"_{channel.axis}")
            key = (channel.quantity, channel.unit, channel.gravity, channel.placement, stem)
            groups.setdefault(key, {})[channel.axis] = index
        return [[axes["x"], axes["y"], axes["z"]] for axes in groups.values() if len(axes) == 3]


def _contradiction(guess: UnitGuess, unit: SourceUnit, quantity: Quantity) -> str:
    if not guess.certain:
        return ""
    if quantity is Quantity.ACCELEROMETER and guess.gravity is False:
        return "are described with gravity, but look gravity-free"
    if quantity is Quantity.LINEAR_ACCELERATION and guess.gravity:
        return "are described as gravity-free, but hold gravity"
    if guess.unit != unit and (guess.unit or guess.gravity):
        return f"are described in {unit}, but look like {guess.unit or 'another unit'}"
    return ""


def _si_unit(unit: SourceUnit) -> Literal["m/s^2", "rad/s", "uT", "1"]:
    if unit == "g":
        return "m/s^2"
    return "rad/s" if unit == "deg/s" else unit
