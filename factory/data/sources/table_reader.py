"""The rows of a described set of files, batch by batch in constant memory, each place known to its line."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from factory.contracts.errors import DataError, RecipeError
from factory.contracts.table import TableChannel, TableDescription
from factory.contracts.window import name_fault
from factory.data.intake.arrays import as_text
from factory.data.intake.dates import NO_DATE, NotADateError, parse_dates
from factory.data.intake.detect import open_sheet
from factory.data.intake.members import Member, find_members
from factory.data.intake.patterns import fill, is_template
from factory.data.intake.sheet import MOST_TICKS, Kind, Sheet

_NAMED = 6


@dataclass(frozen=True, kw_only=True, slots=True)
class Texts:
    """A text for each row: codes (n,) into the different ones."""

    code: NDArray[np.int64]
    text: list[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """Consecutive rows of one file.

    Attributes:
        place: How a person finds one of them: takes its index in the batch.
        ticks: (n,) time stamps in the description's unit, nanoseconds for dates; None where rows are counted.
        channels: Indices of the described channels that the file holds.
        values: (n, len(channels)) as stored, NaN where missing.
        subject: Who.
        session: Which recording.
        sensor: Which sensor.
        label: What; as in the file.
    """

    place: Callable[[int], str]
    ticks: NDArray[np.float64] | NDArray[np.int64] | None
    channels: list[int]
    values: NDArray[np.float64]
    subject: Texts
    session: Texts
    sensor: Texts
    label: Texts


class TableReader:
    """Reads the files of a description, relative to `base`."""

    def __init__(self, description: TableDescription, base: Path) -> None:
        self._description = description
        self.folder = Path(os.path.normpath(base / description.folder))  # messages name it as a person would
        self.dropped = 0

    def __str__(self) -> str:
        return str(self.members[0] if len(self.members) == 1 else self.folder)

    @cached_property
    def members(self) -> list[Member]:
        """The files with recordings.

        Raises:
            DataError: No file fits the description.
        """
        where, only = self.folder, self._only_file()
        found = find_members(only, (only.name,)) if only is not None else []
        found = found or find_members(where, self._description.files, self._description.ignore)
        found = [member for member in found if self._channels_in(member)]
        if not found:
            patterns = ", ".join(self._description.files)
            raise DataError(
                f"{where} holds no file that fits {patterns:.200}: correct 'folder' or 'files' in the description "
                "(folder is relative to that TOML)"
            )
        return found

    def _only_file(self) -> Path | None:
        """A file that is named as it is, so that the folder need not be searched."""
        if len(self._description.files) != 1 or not self.folder.is_dir():
            return None
        name = self._description.files[0]
        if any(sign in name for sign in "*?[{"):
            return None
        if any((self.folder / above).is_file() for above in PurePosixPath(name).parents):
            return None  # in an archive
        if not (self.folder / name).is_file():
            raise DataError(f"{self.folder / name} does not exist: correct 'folder' or 'files' in the description")
        return self.folder / name

    def paths(self) -> list[Path]:
        """Every file on disk that is read, sorted, after a look at their columns.

        Raises:
            DataError: A file is missing, cannot be read, or lacks a column.
        """
        self.check()
        paths = {member.path for member in self.members}
        if self._description.labels.intervals is not None:
            paths |= {member.path for member in self.interval_members()}
        return sorted(paths)

    def interval_members(self) -> list[Member]:
        """The files of labels.intervals.

        Raises:
            DataError: None is there.
        """
        intervals = self._description.labels.intervals
        assert intervals is not None
        found = find_members(self.folder, (intervals.file,))
        if not found:
            raise DataError(f"{self.folder} holds no file {intervals.file} of labels: correct labels.intervals.file")
        return found

    def check(self) -> None:
        """Look at the columns of the first file of each sensor.

        Raises:
            DataError: A file is not there, empty or of another kind, or lacks a column; names it.
        """
        seen: set[tuple[int, ...]] = set()
        for member in self.members:
            channels = tuple(self._channels_in(member))
            if channels not in seen:
                seen.add(channels)
                self._require(open_sheet(member, self._description.reading), list(channels))
        if missing := set(range(len(self._description.channels))) - {index for some in seen for index in some}:
            names = ", ".join(self._description.channels[index].name for index in sorted(missing)[:_NAMED])
            raise DataError(f"{self.folder}: no file holds the channels {names}: correct their 'sensor', or 'files'")

    def labels(self) -> list[str]:
        """Every text of the label column, sorted; reads that column alone.

        Raises:
            DataError: As `batches`.
        """
        column = self._description.columns.label
        assert column is not None
        found: set[str] = set()
        for member in self.members:
            if is_template(column):
                found.add(fill(column, member.fields))
                continue
            sheet = open_sheet(member, self._description.reading)
            self._require_labels(sheet)
            if self._lacks_labels(sheet):
                continue
            for record in sheet.batches({column: "text"}, self._drops):
                found.update(record.column(0).unique().to_pylist())
        return sorted(found)

    def batches(self, advance: Callable[[int, str], None]) -> Iterator[Batch]:
        """Every row, in the order of files and rows; `advance` is told the number of rows and the file.

        Raises:
            DataError: A row is short or long, a value is not a number, a time stamp or subject missing, the text in
                another encoding, or all files empty; names file, line and remedy.
        """
        rows, self.dropped = 0, 0
        for member in self.members:
            channels = self._channels_in(member)
            sheet = open_sheet(member, self._description.reading)
            first = 0
            self._require_labels(sheet)
            for record in sheet.batches(self._wanted(sheet, channels), self._drops):
                batch = self._batch(record, sheet, member, channels, first)
                first += record.num_rows
                advance(record.num_rows, member.name)
                yield batch
            rows += first
            self.dropped += sheet.dropped
        if rows == 0:
            raise DataError(f"{self} holds a header and no rows: record again, or name another file")

    @property
    def _drops(self) -> bool:
        return self._description.cleaning.faulty_rows == "drop"

    def _channels_in(self, member: Member) -> list[int]:
        """Indices of the channels that a file holds: all, or those of the sensor that its path names."""
        column = self._description.columns.sensor
        everything = list(range(len(self._description.channels)))
        if column is None or not is_template(column):
            return everything
        sensor = fill(column, member.fields)
        return [index for index in everything if self._description.channels[index].sensor == sensor]

    def _lacks_labels(self, sheet: Sheet) -> bool:
        """Whether a column of labels is described that a sheet does not have."""
        column = self._description.columns.label
        return column is not None and not is_template(column) and column not in sheet.names

    def _require_labels(self, sheet: Sheet) -> None:
        if self._lacks_labels(sheet) and not self._description.labels.optional:
            raise DataError(
                f"{sheet.member}: no column '{self._description.columns.label}' of labels; the file has "
                f"{', '.join(sheet.names):.300}: rename its column of labels, or, if nobody labelled it, set "
                "labels.optional = true in the description (and data.unlabelled = true in the recipe, so that a "
                "teacher answers for it)"
            )

    def _wanted(self, sheet: Sheet, channels: Sequence[int]) -> dict[str, Kind]:
        columns = self._description.columns
        absent = self._description.labels.optional and self._lacks_labels(sheet)
        texts = (columns.subject, columns.session, None if absent else columns.label, columns.sensor)
        wanted: dict[str, Kind] = {name: "text" for name in texts if name and not is_template(name)}
        stamps = (columns.timestamp,) if isinstance(columns.timestamp, str) else columns.timestamp or ()
        date = self._description.timestamp_unit == "iso"
        wanted |= dict.fromkeys(stamps, "any" if date and len(stamps) == 1 else "text" if date else "integer")
        for channel in (self._description.channels[index] for index in channels):
            wanted[channel.column] = "number"
            if channel.plus:
                wanted[channel.plus] = "number"
        return wanted

    def _require(self, sheet: Sheet, channels: list[int]) -> None:
        wanted = self._wanted(sheet, channels)
        if missing := [name for name in wanted if name not in sheet.names]:
            raise DataError(
                f"{sheet.member}: no column {', '.join(repr(name) for name in missing[:_NAMED])}; the file has "
                f"{', '.join(sheet.names):.300}: correct the description, its [[reading]] if the columns look "
                "wrong, or add the file to 'ignore'"
            )

    def _batch(self, record: Any, sheet: Sheet, member: Member, channels: list[int], first: int) -> Batch:
        columns = self._description.columns
        values = np.empty((record.num_rows, len(channels)))
        for place, index in enumerate(channels):
            values[:, place] = _values(record, self._description.channels[index])

        def line(row: int) -> str:
            return sheet.line(first + row)

        subject = self._renamed(self._texts(record, member, columns.subject, line))
        self._check_names(subject, line)
        return Batch(
            place=line,
            ticks=self._ticks(record, line),
            channels=channels,
            values=values,
            subject=subject,
            session=self._texts(record, member, columns.session, line),
            sensor=self._texts(record, member, columns.sensor, line),
            label=self._texts(record, member, columns.label, line),
        )

    def _texts(self, record: Any, member: Member, name: str | None, line: Callable[[int], str]) -> Texts:
        if name is None or is_template(name):
            try:
                text = fill(name, member.fields) if name else ""
            except RecipeError as error:
                raise DataError(f"{line(0)}: {error}") from error
            return Texts(code=np.zeros(record.num_rows, np.int64), text=[text])
        if name not in record.schema.names:  # the optional column of labels
            return Texts(code=np.zeros(record.num_rows, np.int64), text=[""])
        encoded = as_text(record.column(name)).dictionary_encode()
        return Texts(
            code=encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64),
            text=encoded.dictionary.to_pylist(),
        )

    def _renamed(self, subject: Texts) -> Texts:
        rename: Mapping[str, str] = self._description.subjects.rename
        return Texts(code=subject.code, text=[rename.get(text, text) for text in subject.text])

    def _check_names(self, subject: Texts, line: Callable[[int], str]) -> None:
        for code, name in enumerate(subject.text):
            if name == "" and self._drops:
                continue
            fault = "is empty: every row needs a subject" if name == "" else name_fault(name)
            if fault and (subject.code == code).any():
                place = int(np.argmax(subject.code == code))
                said = "" if name == "" else f" {name!r:.80}"
                remedy = "" if name == "" else ": rename that person, here or in subjects.rename of the description"
                raise DataError(f"{line(place)}: subject{said} {fault}{remedy}")

    def _ticks(self, record: Any, line: Callable[[int], str]) -> NDArray[np.float64] | NDArray[np.int64] | None:
        name = self._description.columns.timestamp
        if name is None:
            return None
        if self._description.timestamp_unit == "iso":
            return self._dates(record, name, line)
        if not isinstance(name, str):
            raise RecipeError(
                "columns.timestamp names two columns, which are date and time: set timestamp_unit = 'iso'"
            )
        column = record.column(name)
        ticks = column.to_numpy(zero_copy_only=False)
        known = np.abs(ticks.astype(np.float64)) < MOST_TICKS
        if column.null_count or not known.all():
            if self._drops:
                return np.asarray(ticks, np.float64)
            place = int(np.argmin(known))
            raise DataError(
                f"{line(place)}: time stamp in '{name}' is empty or no time: remove the row, or set "
                "cleaning.faulty_rows = 'drop' in the description"
            )
        return np.asarray(ticks)

    def _dates(
        self, record: Any, name: str | tuple[str, str], line: Callable[[int], str]
    ) -> NDArray[np.float64] | NDArray[np.int64]:
        from pyarrow import compute as pc

        if isinstance(name, str):
            column = record.column(name)
        else:
            column = pc.binary_join_element_wise(*(record.column(part) for part in name), " ")
        try:
            ticks = parse_dates(column, self._description.timestamp_format, lenient=self._drops)
            lost = ticks == NO_DATE
            return np.where(lost, np.nan, ticks) if lost.any() else ticks
        except NotADateError as error:
            got = f"'{error.text}' is not" if error.text else "is missing, expected"
            form = self._description.timestamp_format or "2026-01-31T12:00:00.020"
            raise DataError(
                f"{line(error.place)}: time stamp {got} a date and time like {form}: correct it, set "
                "timestamp_format or timestamp_unit in the description, or cleaning.faulty_rows = 'drop'"
            ) from error


def _values(record: Any, channel: TableChannel) -> NDArray[np.float64]:
    values: NDArray[np.float64] = record.column(channel.column).to_numpy(zero_copy_only=False).astype(np.float64)
    if channel.plus:
        values = values + record.column(channel.plus).to_numpy(zero_copy_only=False)
    return values
