"""What a user's own recordings hold: the TOML that `factory init` writes and a person checks.

Rows come from one or many files; what a row does not hold itself (person, label, sensor) may stand in its file's path.
Values are converted to SI units on reading. Nothing is repaired unless `cleaning` says so.
"""

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from factory.contracts.base import Contract
from factory.contracts.window import Quantity

SourceUnit = Literal["m/s^2", "g", "rad/s", "deg/s", "uT", "1"]
TimeUnit = Literal["s", "ms", "us", "ns", "min", "d", "iso", "samples"]
NS: Mapping[TimeUnit, int] = {
    "s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1, "min": 60_000_000_000, "d": 86_400_000_000_000, "iso": 1,
}  # fmt: skip
"""Nanoseconds of one tick of each unit; dates are read as nanoseconds since 1970."""
SECONDS: Mapping[TimeUnit, float] = {unit: ns / 1e9 for unit, ns in NS.items()}

UNKNOWN_PLACEMENT, UNKNOWN_AXES = "unknown", "as recorded"
"""What `factory init` writes for what no file tells; `factory data check` asks for it."""
MISSING = (
    "", "nan", "NaN", "NAN", "-nan", "-NaN", "na", "NA", "n/a", "N/A", "#N/A", "none", "None", "NONE", "null", "Null",
    "NULL", "nil", "?", "-", "--", ".", "#IND", "-1.#IND", "1.#IND", "1.#QNAN", "-1.#QNAN", "#NV", "#VALUE!", "<NA>",
)  # fmt: skip
"""Texts that stand for a missing value in a column of numbers."""

_UNITS: dict[Quantity, tuple[SourceUnit, ...]] = {
    Quantity.ACCELEROMETER: ("m/s^2", "g"),
    Quantity.LINEAR_ACCELERATION: ("m/s^2", "g"),
    Quantity.GYROSCOPE: ("rad/s", "deg/s"),
    Quantity.MAGNETOMETER: ("uT", "1"),
}
_OLD = ("file", "labels", "unlabelled", "test_subjects")


class Reading(Contract):
    """How the bytes of files become a table; the defaults are those of a plain CSV."""

    files: str = Field(default="**", description="which of the description's files, as a pattern; the first fit counts")
    format: str = Field(default="csv", description="csv, parquet, xlsx, or a name of: factory data formats")
    encoding: str = Field(default="utf-8", description="of text; a byte order mark is skipped")
    delimiter: str = Field(default=",", description="one character; 'whitespace' for runs of blanks or tabs")
    decimal: Literal[".", ","] = "."
    thousands: Literal["", ",", ".", " ", "'"] = Field(default="", description="grouping sign inside numbers")
    skip: int = Field(default=0, ge=0, description="lines above the header, or above the first row")
    header: bool = Field(default=True, description="whether a line of column names stands above the rows")
    names: tuple[str, ...] | None = Field(default=None, description="column names, in place of the header's")
    comment: str | None = Field(default=None, description="lines that begin with it are left out")
    missing: tuple[str, ...] = Field(default=MISSING, description="texts that stand for a missing number")


class TableColumns(Contract):
    """Which column says who, when and what.

    A text with braces is made of fields of the file's path: '{subject}' is what the pattern in `files` named so;
    {file} is the whole path without its suffix, {stem} the file's name, {parent} its folder.
    """

    subject: str = Field(min_length=1)
    session: str | None = Field(default=None, description="None: all rows of a subject are one recording")
    timestamp: str | tuple[str, str] | None = Field(
        default=None, description="a column; two of them for date and time; None: rows at exactly rate_hz"
    )
    label: str | None = Field(default=None, description="None: labels.intervals says them, or a model will")
    sensor: str | None = Field(
        default=None, description="which sensor or device a row is of, where each has rows of its own"
    )


class TableChannel(Contract):
    """One column of sensor values."""

    column: str = Field(min_length=1, description="its name in the file")
    plus: str | None = Field(default=None, description="a column that is added to it: user acceleration + gravity")
    sensor: str | None = Field(default=None, description="the text in columns.sensor of the rows that it is read from")
    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$", description="its name in the contract, for example acc_x")
    quantity: Quantity
    axis: Literal["x", "y", "z"]
    unit: SourceUnit = Field(description="after `scale`; g becomes m/s^2, deg/s becomes rad/s")
    scale: float = Field(
        default=1.0, description="a stored value times this is in `unit`: 0.001 for mg, 0.015625 for 1/64 g"
    )
    gravity: bool | None = Field(
        default=None, description="accelerometers: whether values contain gravity; without it: linear_acceleration"
    )
    placement: str | None = Field(default=None, description="where this sensor sits, if not where the others do")

    @field_validator("scale")
    @classmethod
    def _not_nothing(cls, value: float) -> float:
        if not (abs(value) > 0 and abs(value) < float("inf")):
            raise ValueError(f"scale is {value}, expected a finite number other than 0")
        return value

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.quantity not in _UNITS:
            raise ValueError(f"{self.name}: {self.quantity} is no motion sensor's: name one of {', '.join(_UNITS)}")
        if self.unit not in _UNITS[self.quantity]:
            raise ValueError(
                f"{self.name}: unit '{self.unit}' is none of a {self.quantity}'s: {', '.join(_UNITS[self.quantity])}"
            )
        if self.quantity is Quantity.ACCELEROMETER and self.gravity is None:
            raise ValueError(f"{self.name}: say gravity = true or false for an accelerometer")
        if self.quantity is not Quantity.ACCELEROMETER and self.gravity:
            raise ValueError(f"{self.name}: a {self.quantity} holds no gravity: leave the key out")
        return self

    @property
    def measures(self) -> Quantity:
        """The quantity of the contract: an accelerometer without gravity is linear acceleration."""
        if self.quantity is Quantity.ACCELEROMETER and not self.gravity:
            return Quantity.LINEAR_ACCELERATION
        return self.quantity


class Correction(Contract):
    """Another unit for some people, where one table mixes them."""

    subjects: tuple[str, ...] = Field(min_length=1)
    channels: tuple[str, ...] = Field(min_length=1, description="names in the contract")
    unit: SourceUnit | None = Field(default=None, description="None: the channel's")
    scale: float | None = Field(default=None, description="None: the channel's")


class Intervals(Contract):
    """Labels in a file of their own, one row a labelled stretch."""

    file: str = Field(min_length=1, description="a pattern like those of `files`; may hold the same fields")
    reading: Reading = Reading()
    start: str = Field(min_length=1, description="column")
    end: str | None = Field(default=None, description="column; None: a label holds until the next one starts")
    label: str = Field(min_length=1, description="column, or a template of the path's fields")
    subject: str | None = Field(default=None, description="column or template; None: rows are for every subject")
    session: str | None = Field(default=None, description="column or template; None: for every session of the subject")
    unit: TimeUnit = Field(description="of start and end; 'samples' counts rows of the recording")
    timestamp_format: str | None = Field(default=None, description="of dates, as in Python's strptime; None: ISO 8601")
    zero: Literal["recording", "clock"] = Field(
        default="clock",
        description="'recording': from its first sample; 'clock': as the time stamps",
    )
    first_sample: Literal[0, 1] = Field(default=0, description="number of the first sample, for unit = 'samples'")


class Labels(Contract):
    """What label texts mean."""

    order: tuple[str, ...] | None = Field(default=None, description="allowed labels, in order; None takes all found")
    null: tuple[str, ...] = Field(
        default=(), description="texts that mean: none of the activities; never trained, kept as negatives"
    )
    unlabelled: tuple[str, ...] = Field(default=("",), description="texts that mean: nobody said what it is")
    rename: dict[str, str] = Field(default_factory=dict, description="text in the files to the label it stands for")
    fill: bool = Field(default=False, description="whether an empty label repeats the one before (start markers)")
    optional: bool = Field(
        default=False, description="whether a file may lack the label column: nobody said what its rows are"
    )
    intervals: Intervals | None = None

    @model_validator(mode="after")
    def _apart(self) -> Self:
        groups = {"order": set(self.order or ()), "null": set(self.null), "unlabelled": set(self.unlabelled)}
        for first, second in (("order", "null"), ("order", "unlabelled"), ("null", "unlabelled")):
            if both := sorted(groups[first] & groups[second]):
                raise ValueError(f"label {', '.join(both)} stands in both {first} and {second}")
        return self


class Subjects(Contract):
    """What names of people mean."""

    rename: dict[str, str] = Field(default_factory=dict, description="name in the files to the person it stands for")
    test: tuple[str, ...] = Field(default=(), description="the data set's own test split, if it has one")


class Cleaning(Contract):
    """What is done to rows that cannot be used as they are; every change is counted and reported."""

    faulty_rows: Literal["refuse", "drop"] = Field(
        default="refuse", description="rows with a missing value, text among numbers or dates, or too few values"
    )
    order: Literal["file", "time"] = Field(default="file", description="'time': sort the rows of each recording")
    time_falls: Literal["refuse", "split"] = Field(
        default="refuse", description="'split': where time falls, another recording begins"
    )
    equal_stamps: Literal["refuse", "first", "mean", "spread"] = Field(
        default="refuse",
        description="rows of one recording with the same time: keep the first, average, or spread to the next stamp",
    )


class TableDescription(Contract):
    """Recordings in files of one layout."""

    version: Literal[2] = Field(default=2, description="of this layout; files without it are of version 1 and are read")
    folder: str = Field(default=".", description="relative to this TOML; a folder, a file or a zip archive")
    files: tuple[str, ...] = Field(
        min_length=1,
        description="patterns below folder: * is anything but /, ** anything, {name} a part of the path with a name, "
        "{name:regex} one of that form",
    )
    ignore: tuple[str, ...] = Field(default=(), description="patterns of files that hold no recordings")
    reading: tuple[Reading, ...] = (Reading(),)
    columns: TableColumns
    timestamp_unit: TimeUnit = Field(
        default="s", description="'iso': dates, as text or as Parquet's; 'samples': a counter of rows at rate_hz"
    )
    timestamp_format: str | None = Field(
        default=None, description="of dates as text, as in Python's strptime; None: ISO 8601"
    )
    channels: tuple[TableChannel, ...] = Field(min_length=1)
    corrections: tuple[Correction, ...] = ()
    rate_hz: float = Field(gt=0, le=1000, description="nominal; time stamps rule, if there are any")
    join_gap_s: float = Field(
        default=0.1, gt=0, description="sensors with rows of their own: a longer silence of one splits the recording"
    )
    placement: str = Field(min_length=1, description="where on the body the sensor sits, for example wrist")
    axes: str = Field(min_length=1, description="the frame of the axes in words, for example Android's device axes")
    labels: Labels = Labels()
    subjects: Subjects = Subjects()
    cleaning: Cleaning = Cleaning()

    @model_validator(mode="before")
    @classmethod
    def _from_version_1(cls, values: Any) -> Any:
        if not isinstance(values, dict) or "version" in values or "file" not in values:
            return values
        kept = {key: value for key, value in values.items() if key not in _OLD}
        folder, _, name = str(values["file"]).rpartition("/")
        labels = {"order": values.get("labels"), "unlabelled": values.get("unlabelled", ("",))}
        return {
            **kept,
            "folder": folder or ("/" if str(values["file"]).startswith("/") else "."),
            "files": (escape(name),),
            "reading": ({"format": "parquet" if name.lower().endswith(".parquet") else "csv"},),
            "labels": labels,
            "subjects": {"test": values.get("test_subjects", ())},
        }

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        placed = [(channel.sensor, column) for channel in self.channels for column in (channel.column,)]
        for what, names in (
            ("channel name", [channel.name for channel in self.channels]),
            ("column", [column for _, column in dict.fromkeys(placed)] if self.columns.sensor is None else []),
            ("label", list(self.labels.order or ())),
        ):
            if repeated := sorted({name for name in names if names.count(name) > 1}):
                raise ValueError(f"{what} {', '.join(repeated)} stands more than once")
        if len(set(placed)) != len(placed):
            raise ValueError("two channels read the same column of the same sensor: leave one out")
        return self

    @model_validator(mode="after")
    def _complete(self) -> Self:
        named = {channel.sensor for channel in self.channels}
        if (self.columns.sensor is None) != (named == {None}) or (self.columns.sensor and None in named):
            raise ValueError("columns.sensor and the channels' sensor go together: give all of them or none")
        if self.columns.label is not None and self.labels.intervals is not None:
            raise ValueError("labels come from columns.label or from labels.intervals: give one of the two")
        known = {channel.name for channel in self.channels}
        for correction in self.corrections:
            if unknown := sorted(set(correction.channels) - known):
                raise ValueError(f"corrections name the channel {', '.join(unknown)}, which is not described")
        return self


def escape(name: str) -> str:
    """The pattern that fits exactly this path."""
    return "".join(f"[{sign}]" if sign in "*?[" else sign * 2 if sign in "{}" else sign for sign in name)
