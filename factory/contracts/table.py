"""What a user's own table of recordings holds: the TOML that `factory init` writes and a person checks.

One row a sample. Values are converted to SI units on reading; nothing else is changed.
"""

from typing import Literal, Self

from pydantic import Field, model_validator

from factory.contracts.base import Contract
from factory.contracts.window import Quantity

SourceUnit = Literal["m/s^2", "g", "rad/s", "deg/s", "uT", "1"]
TimeUnit = Literal["s", "ms", "us", "ns", "iso"]

UNKNOWN_PLACEMENT, UNKNOWN_AXES = "unknown", "as recorded"
"""What `factory init` writes for what no file tells; `factory data check` asks for it."""

_UNITS: dict[Quantity, tuple[SourceUnit, ...]] = {
    Quantity.ACCELEROMETER: ("m/s^2", "g"),
    Quantity.LINEAR_ACCELERATION: ("m/s^2", "g"),
    Quantity.GYROSCOPE: ("rad/s", "deg/s"),
    Quantity.MAGNETOMETER: ("uT", "1"),
}


class TableColumns(Contract):
    """Which column says who, when and what."""

    subject: str = Field(min_length=1)
    session: str | None = Field(default=None, description="None: all rows of a subject are one recording")
    timestamp: str = Field(min_length=1)
    label: str = Field(min_length=1)


class TableChannel(Contract):
    """One column of sensor values."""

    column: str = Field(min_length=1, description="its name in the file")
    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$", description="its name in the contract, for example acc_x")
    quantity: Quantity
    axis: Literal["x", "y", "z"]
    unit: SourceUnit = Field(description="as stored; g becomes m/s^2, deg/s becomes rad/s")
    gravity: bool | None = Field(
        default=None, description="accelerometers: whether values contain gravity; without it: linear_acceleration"
    )
    placement: str | None = Field(default=None, description="where this sensor sits, if not where the others do")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
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


class TableDescription(Contract):
    """A CSV or Parquet file, one row a sample."""

    file: str = Field(min_length=1, description="relative to this TOML; .csv (commas, UTF-8, a header) or .parquet")
    columns: TableColumns
    timestamp_unit: TimeUnit = Field(description="'iso': date and time as text, or Parquet's own time stamps")
    channels: tuple[TableChannel, ...] = Field(min_length=1)
    rate_hz: float = Field(gt=0, le=1000, description="nominal; time stamps rule")
    placement: str = Field(min_length=1, description="where on the body the sensor sits, for example wrist")
    axes: str = Field(min_length=1, description="the frame of the axes in words, for example Android's device axes")
    labels: tuple[str, ...] | None = Field(default=None, description="allowed labels, in order; None takes all found")
    unlabelled: tuple[str, ...] = Field(default=("",), description="label texts that mean: no label")
    test_subjects: tuple[str, ...] = Field(default=(), description="the data set's own test split, if it has one")

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        named = (self.columns.subject, self.columns.session, self.columns.timestamp, self.columns.label)
        for what, names in (
            ("channel name", [channel.name for channel in self.channels]),
            ("column", [channel.column for channel in self.channels] + [name for name in named if name]),
            ("label", list(self.labels or ())),
        ):
            if repeated := sorted({name for name in names if names.count(name) > 1}):
                raise ValueError(f"{what} {', '.join(repeated)} stands more than once")
        return self
