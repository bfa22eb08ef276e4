"""A user's own recordings: files of any layout that a TOML describes (`TableDescription`).

Rows may come in any order of people and recordings. Everything is streamed: rows are sorted apart on disk by person,
recording and sensor first, and yielded as recordings then. Sensors with rows of their own are joined by time stamp, by
the rule of live streams (`factory.data.streams`), on a grid of the described rate.
"""

import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from factory.contracts.dataset import NULL, UNLABELLED, Ints, Recording
from factory.contracts.errors import DataError, RecipeError
from factory.contracts.files import storage_errors
from factory.contracts.progress import Progress
from factory.contracts.recipe import parse_toml, validate
from factory.contracts.table import SECONDS, SourceUnit, TableDescription
from factory.contracts.window import Channel, Filter
from factory.data.intake.detect import open_sheet
from factory.data.intake.intervals import IntervalLabels, read_intervals
from factory.data.intake.sheet import MOST_TICKS, MOST_VALUE
from factory.data.names import natural
from factory.data.sources.join import Part, join_sensors
from factory.data.sources.spill import Spill, Track
from factory.data.sources.table_reader import Batch, TableReader
from factory.data.sources.tidy import tidy
from factory.data.units import SI_FACTORS

FAULTY = "faulty rows dropped"


class Table:
    """The source 'table'.

    Attributes:
        cleaned: After a pass over the recordings: rows that the cleaning plan changed, by what was done.
    """

    name = "table"
    filters: tuple[Filter, ...] = ()
    filters_published = False
    published_window: tuple[int, int] | None = None
    cite = ""
    terms = "the user's own"
    urls: tuple[str, ...] = ()

    def __init__(self, description: TableDescription, base: Path, scratch: Path | None = None) -> None:
        """Read what `description` names, relative to `base`; `scratch` takes temporary files, else the system's."""
        self.description = description
        self.cleaned: Counter[str] = Counter()
        self._reader = TableReader(description, base)
        self._scratch = scratch
        self._rows: Counter[tuple[str, str, str]] = Counter()
        self._carried: dict[tuple[str, str, str], int] = {}

    @classmethod
    def from_file(cls, path: Path, scratch: Path | None = None) -> "Table":
        """The recordings that the TOML at `path` describes.

        Raises:
            RecipeError: The TOML is missing or wrong; names each key.
        """
        if not path.exists():
            raise RecipeError(f"{path}, which data.description names, does not exist: correct it, or run factory init")
        return cls(validate(TableDescription, parse_toml(path), str(path)), path.parent, scratch)

    @property
    def details(self) -> dict[str, object]:
        """What shapes the recordings beside the files' content."""
        return self.description.model_dump(mode="json", exclude={"folder"})

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
        """The described labels, or all that the files hold, in natural order, without null and unlabelled ones.

        Raises:
            DataError: A file cannot be read.
        """
        told = self.description.labels
        if self.description.columns.label is None and told.intervals is None:
            raise DataError(
                f"{self._reader} is described without labels, which training needs: name columns.label or "
                "labels.intervals in the description; factory predict needs none"
            )
        if told.order is not None:
            return told.order
        self._reader.check()
        texts = self._intervals.names if self._intervals else self._reader.labels()
        left_out = {*told.null, *told.unlabelled, ""}
        named = {told.rename.get(text, text) for text in texts}
        return tuple(sorted(named - left_out, key=natural))

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
        return self.description.subjects.test

    def files(self, folder: Path | None) -> list[Path]:
        """Every file that is read; they lie where the description says, whatever `folder` is.

        Raises:
            DataError: One is not there, empty, or lacks a column.
        """
        return self._reader.paths()

    def recordings(self, folder: Path | None, progress: Progress) -> Iterator[Recording]:
        """One recording a subject and session, in the order of their first rows.

        Raises:
            DataError: A row cannot be used, time falls or repeats and the cleaning plan says nothing of it, or a label
                is unknown; names the line where there is one.
            StorageError: No space for the temporary files.
        """
        self.cleaned.clear()
        self._rows.clear()
        self._carried.clear()
        with (
            tempfile.TemporaryDirectory(prefix="rows-", dir=self._scratch) as scratch,
            storage_errors(Path(scratch)),
        ):
            spill = Spill(Path(scratch))
            with progress.track(Path(str(self._reader)).name, None, "rows") as bar:
                for batch in self._reader.batches(lambda rows, name: bar.advance(rows, note=name)):
                    self._sort_apart(batch, spill)
            self.cleaned[FAULTY] += self._reader.dropped
            if not spill.tracks:
                raise DataError(f"{self._reader}: no row is left: correct the channels or the sensors they name")
            for (subject, session), tracks in spill.recordings().items():
                origin = spill.origins[subject, session] * self._seconds_a_tick
                yield from self._assembled(subject, session, tracks, origin, Path(scratch) / "joined.rows")
                for track in tracks.values():
                    track.path.unlink()
            if self._intervals is not None:
                self._intervals.require_used()
            self.cleaned += Counter()  # what was not done is not told

    @property
    def _seconds_a_tick(self) -> float:
        unit = self.description.timestamp_unit
        counted = self.description.columns.timestamp is None or unit == "samples"
        return 1 / self.description.rate_hz if counted else SECONDS[unit]

    @cached_property
    def _intervals(self) -> IntervalLabels | None:
        intervals = self.description.labels.intervals
        if intervals is None:
            return None
        members = self._reader.interval_members()
        sheets = [(open_sheet(member, (intervals.reading,)), member.fields) for member in members]
        files = [read_intervals(sheet, intervals, fields) for sheet, fields in sheets]
        return IntervalLabels(intervals, files, self.description.subjects.rename)

    @cached_property
    def _class_of(self) -> dict[str, int]:
        told = self.description.labels
        known = {label: index for index, label in enumerate(self.labels)}
        known |= dict.fromkeys(told.null, NULL) | dict.fromkeys(("", *told.unlabelled), UNLABELLED)
        return known | {text: known[to] for text, to in told.rename.items() if to in known}

    def _sort_apart(self, batch: Batch, spill: Spill) -> None:
        label = self._classes(batch)
        pair = batch.subject.code * len(batch.session.text) + batch.session.code
        pair = pair * len(batch.sensor.text) + batch.sensor.code
        for code in dict.fromkeys(pair.tolist()):
            rows = np.flatnonzero(pair == code)
            rest, sensor = divmod(code, len(batch.sensor.text))
            subject, session = divmod(rest, len(batch.session.text))
            names = (batch.subject.text[subject], batch.session.text[session], batch.sensor.text[sensor])
            places = self._places(batch, names[2])
            if places and not names[0]:
                self.cleaned[FAULTY] += len(rows)  # the reader lets nobody pass only where such rows are dropped
            elif places:
                self._append(batch, rows, names, places, label, spill)

    def _places(self, batch: Batch, sensor: str) -> list[int]:
        """Places in the batch of the channels of a sensor."""
        if self.description.columns.sensor is None:
            return list(range(len(batch.channels)))
        described = self.description.channels
        return [place for place, index in enumerate(batch.channels) if described[index].sensor == sensor]

    def _append(
        self, batch: Batch, rows: Ints, names: tuple[str, str, str], places: list[int], label: Ints, spill: Spill
    ) -> None:
        ticks = self._ticks_of(batch, rows, names)
        values = batch.values[np.ix_(rows, np.array(places))]
        good = self._good(batch, rows, ticks, values, places)
        labels = self._carry(names, label[rows], good)[good]
        rows, ticks, values = rows[good], ticks[good], values[good]
        if not len(rows):
            return
        origin = spill.origin(names[0], names[1], ticks[0])
        time_s = np.asarray((ticks - origin) * self._seconds_a_tick, np.float64)
        samples = values * self._factors(names[0], [batch.channels[place] for place in places])
        spill.append(names, time_s, labels, samples, lambda row: batch.place(int(rows[row])))

    def _ticks_of(
        self, batch: Batch, rows: Ints, names: tuple[str, str, str]
    ) -> NDArray[np.float64] | NDArray[np.int64]:
        if batch.ticks is not None:
            return batch.ticks[rows]
        first = self._rows[names]
        self._rows[names] += len(rows)
        return np.arange(first, first + len(rows))

    def _carry(self, names: tuple[str, str, str], label: Ints, good: NDArray[np.bool_]) -> Ints:
        """Labels that hold until the next: that of a row which is dropped begins at the next one that is kept."""
        if not self.description.labels.fill or (good.all() and names not in self._carried):
            return label
        kept, lost = np.flatnonzero(good), np.flatnonzero(~good & (label != UNLABELLED))
        begins = {0: self._carried.pop(names)} if names in self._carried else {}
        places = np.searchsorted(kept, lost)
        begins |= dict(zip(places.tolist(), label[lost].tolist(), strict=True))  # of several, the last
        if len(kept) in begins:
            self._carried[names] = begins.pop(len(kept))
        label = label.copy()
        for place, mark in begins.items():
            if label[kept[place]] == UNLABELLED:
                label[kept[place]] = mark
        return label

    def _good(
        self, batch: Batch, rows: Ints, ticks: "NDArray[Any]", values: NDArray[np.float64], places: list[int]
    ) -> NDArray[np.bool_]:
        """Which rows have all their values; others are refused or counted, as the cleaning plan says."""
        finite = np.abs(values) < MOST_VALUE
        good: NDArray[np.bool_] = finite.all(axis=1) & (np.abs(ticks) < MOST_TICKS)
        if good.all():
            return good
        if self.description.cleaning.faulty_rows == "drop":
            self.cleaned[FAULTY] += int((~good).sum())
            return good
        row, place = np.unravel_index(int(np.argmin(finite)), finite.shape)
        value = float(values[row, place])
        got = "empty or NaN" if np.isnan(value) else "infinite" if np.isinf(value) else f"{value:g}"
        column = self.description.channels[batch.channels[places[int(place)]]].column
        raise DataError(
            f"{batch.place(int(rows[row]))}: column '{column}' is {got} ({int((~good).sum())} such rows nearby): "
            "repair the row, or set cleaning.faulty_rows = 'drop' in the description (data.max_gap_s handles gaps)"
        )

    def _factors(self, subject: str, channels: list[int]) -> NDArray[np.float64]:
        """To SI units, for a subject."""
        described = [self.description.channels[index] for index in channels]
        factors = {channel.name: channel.scale * SI_FACTORS[channel.unit] for channel in described}
        for correction in self.description.corrections:
            for channel in described:
                if subject in correction.subjects and channel.name in correction.channels:
                    scale = channel.scale if correction.scale is None else correction.scale
                    factors[channel.name] = scale * SI_FACTORS[correction.unit or channel.unit]
        return np.array([factors[channel.name] for channel in described])

    def _classes(self, batch: Batch) -> Ints:
        """(n,) index into `labels`, -1 where unlabelled, -2 where null; -1 throughout where intervals say it."""
        if self.description.columns.label is None:
            return np.full(len(batch.label.code), UNLABELLED, np.int64)
        for code, text in enumerate(batch.label.text):
            if text not in self._class_of and (batch.label.code == code).any():
                place = int(np.argmax(batch.label.code == code))
                raise DataError(
                    f"{batch.place(place)}: unknown label '{text:.60}', expected {', '.join(self.labels)}: correct it, "
                    "or add it to labels.order, labels.null, labels.unlabelled or labels.rename in the description"
                )
        classes: Ints = np.array([self._class_of.get(text, UNLABELLED) for text in batch.label.text], np.int64)
        return classes[batch.label.code]

    def _assembled(
        self, subject: str, session: str, tracks: dict[str, Track], origin_s: float, joined: Path
    ) -> Iterator[Recording]:
        where = f"subject {subject}, recording {session}" if session else f"subject {subject}"
        named = self.description.columns.session is not None
        order = list(dict.fromkeys(channel.sensor or "" for channel in self.description.channels))
        if missing := [sensor for sensor in order if sensor not in tracks]:
            raise DataError(
                f"{where} has no rows of the sensor {', '.join(missing)}: leave its channels out of the description, "
                "or the recording out with 'ignore'"
            )
        parts = {s: tidy(tracks[s], self.description.cleaning, self.cleaned, where, named) for s in order}
        if len(order) == 1:
            pieces = parts[order[0]]
            for number, rows in enumerate(pieces, 1):
                name = session if len(pieces) == 1 else f"{session}/{number}".lstrip("/")
                labels = self._labelled(subject, session, rows["time_s"], rows["label"], origin_s)
                yield Recording(
                    subject=subject, session=name, time_s=rows["time_s"], samples=rows["samples"], labels=labels
                )
            return
        if len({len(pieces) for pieces in parts.values()}) > 1:
            said = ", ".join(f"{sensor} {len(pieces)}" for sensor, pieces in parts.items())
            raise DataError(
                f"{where}: time begins anew, but not as often in each sensor ({said}): split the files apart"
            )
        for number, pieces in enumerate(zip(*(parts[sensor] for sensor in order), strict=True), 1):
            name = session if len(parts[order[0]]) == 1 else f"{session}/{number}".lstrip("/")
            yield self._joined(subject, name, order, pieces, joined, origin_s)

    def _joined(
        self,
        subject: str,
        session: str,
        order: list[str],
        tracks: "Sequence[NDArray[Any]]",
        path: Path,
        origin_s: float,
    ) -> Recording:
        """Sensors with rows of their own as one recording."""
        described = self.description
        columns = [[i for i, c in enumerate(described.channels) if (c.sensor or "") == sensor] for sensor in order]
        parts = [Part(rows=rows, columns=own) for rows, own in zip(tracks, columns, strict=True)]
        whole = join_sensors(parts, len(described.channels), described.rate_hz, described.join_gap_s, path)
        if not len(whole.time_s):
            raise DataError(
                f"subject {subject}, recording {session}: the sensors {', '.join(order)} share no time: are they of "
                "the same recording and clock? correct columns.session or columns.timestamp"
            )
        labels = self._labelled(subject, session, whole.time_s, whole.labels, origin_s)
        return Recording(subject=subject, session=session, time_s=whole.time_s, samples=whole.samples, labels=labels)

    def _labelled(self, subject: str, session: str, time_s: NDArray[np.float64], label: Ints, origin_s: float) -> Ints:
        if self._intervals is not None:
            codes = self._intervals.labels(subject, session, time_s, origin_s)
            return self._interval_classes[codes]
        if self.description.labels.fill:
            rows = np.where(label != UNLABELLED, np.arange(len(label)), -1)
            latest = np.maximum.accumulate(rows)
            return np.where(latest >= 0, np.asarray(label)[np.maximum(latest, 0)], UNLABELLED)
        return label

    @cached_property
    def _interval_classes(self) -> Ints:
        """Class of each label text of the intervals; the last entry, which -1 reaches, is unlabelled."""
        assert self._intervals is not None
        names = self._intervals.names
        if unknown := [text for text in names if text not in self._class_of]:
            raise DataError(
                f"{self._reader.interval_members()[0]}: "
                f"unknown label '{unknown[0]:.60}', expected {', '.join(self.labels)}: correct it, or add it to "
                "labels.order, labels.null, labels.unlabelled or labels.rename in the description"
            )
        return np.array([*(self._class_of[text] for text in names), UNLABELLED], np.int64)


def _si_unit(unit: SourceUnit) -> Literal["m/s^2", "rad/s", "uT", "1"]:
    if unit == "g":
        return "m/s^2"
    return "rad/s" if unit == "deg/s" else unit
