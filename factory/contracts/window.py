"""The sensor contract: what exactly a model takes, so that an app can feed it the same.

A consumer that cannot reproduce a unit, a filter or a derived channel must refuse the model;
`WindowSpec.require_phone` is that refusal for phones.
"""

import unicodedata
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from factory.contracts.base import Contract
from factory.contracts.errors import DataError

LONGEST_NAME = 64
"""Characters of a label or a subject's name."""
_SEVERAL_LINES = ("Cc", "Zl", "Zp", "Cs")
"""Unicode's control characters, line and paragraph separators, and half of a surrogate pair."""


def name_fault(name: str) -> str | None:
    """Why a text cannot name a class or a person: labels.txt holds one a line, tables one a cell. None if it can."""
    if any(unicodedata.category(sign) in _SEVERAL_LINES for sign in name):
        return "holds a line break or another control character"
    if not name.strip():
        return "is empty"
    if name != name.strip():
        return "begins or ends with a blank"
    if len(name) > LONGEST_NAME:
        return f"has {len(name)} characters, at most {LONGEST_NAME} are allowed"
    return None


def _usable(name: str) -> str:
    if fault := name_fault(name):
        raise ValueError(f"label {name!r:.80} {fault}: rename it")
    return name


Label = Annotated[str, AfterValidator(_usable)]
"""A class name: one line, no blanks around it, at most 64 characters. A comma is allowed."""


class Quantity(StrEnum):
    """What a channel measures, named as Android names its sensors."""

    ACCELEROMETER = "accelerometer"
    """Acceleration with gravity, m/s^2: Android's TYPE_ACCELEROMETER."""
    GYROSCOPE = "gyroscope"
    """Angular rate, rad/s: TYPE_GYROSCOPE."""
    LINEAR_ACCELERATION = "linear_acceleration"
    """Acceleration without gravity, m/s^2."""
    MAGNETOMETER = "magnetometer"
    """Magnetic field; the unit is the data set's own."""
    OTHER = "other"
    """No motion sensor, unit 1: series that benches compare methods on. No phone feeds it, no description names it."""


class Channel(Contract):
    """One input channel in SI units, at the place it has in the model's input."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$", description="for example acc_x or right_arm_gyro_z")
    quantity: Quantity
    axis: Literal["x", "y", "z"]
    unit: Literal["m/s^2", "rad/s", "uT", "1"]
    gravity: bool = Field(description="whether the value contains gravity (accelerometers only)")
    placement: str = Field(description="where on the body the sensor sits, for example waist")
    derived: bool = Field(default=False, description="computed from another channel, not measured by a sensor")


class Filter(Contract):
    """One step of signal conditioning that was applied before windows were cut."""

    kind: Literal["median", "butterworth_lowpass", "butterworth_highpass"]
    channels: tuple[str, ...] = Field(min_length=1)
    order: int = Field(ge=1, description="kernel length of a median, order of a Butterworth filter")
    cutoff_hz: float | None = Field(default=None, gt=0)
    causal: bool = Field(description="False where the published data were filtered with future samples")


class WindowSpec(Contract):
    """What one window is: channels, rate, length, hop, conditioning and the label order."""

    channels: tuple[Channel, ...] = Field(min_length=1)
    rate_hz: float = Field(gt=0, le=1000)
    length: int = Field(ge=8, le=4096, description="samples in a window")
    hop: int = Field(ge=1, le=4096, description="samples from one window's start to the next")
    labels: tuple[Label, ...] = Field(min_length=2, description="class names in the order of the logits")
    axes: str = Field(description="the frame the axes are in, in words")
    resampling: Literal["linear_by_timestamp", "none"] = "linear_by_timestamp"
    filters: tuple[Filter, ...] = ()
    filters_published: bool = Field(
        default=False, description="True where the filters were applied by the data set's authors, not by this tool"
    )

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        for what, names in (("channel", [c.name for c in self.channels]), ("label", list(self.labels))):
            if len(set(names)) != len(names):
                raise ValueError(f"{what} names repeat: {names}")
        return self

    @property
    def window_s(self) -> float:
        """Length of one window in seconds."""
        return self.length / self.rate_hz

    def phone_obstacles(self) -> list[str]:
        """Why a phone that reports accelerometer and gyroscope cannot feed this model; empty if it can."""
        obstacles = [f"channel {c.name} is derived from others" for c in self.channels if c.derived]
        obstacles += [
            f"channel {c.name} is {c.quantity} ({c.unit}), not a raw phone sensor"
            for c in self.channels
            if c.quantity not in (Quantity.ACCELEROMETER, Quantity.GYROSCOPE) and not c.derived
        ]
        obstacles += [
            f"channel {c.name} lacks the gravity that a phone's accelerometer reports"
            for c in self.channels
            if c.quantity is Quantity.ACCELEROMETER and not c.gravity
        ]
        placements = sorted({c.placement for c in self.channels})
        if len(placements) > 1:
            obstacles.append(f"needs sensors at {len(placements)} places at once: {', '.join(placements)}")
        obstacles += [f"needs filter {f.kind} on {', '.join(f.channels)}" for f in self.filters]
        return obstacles

    def require_phone(self) -> None:
        """Refuse a model that a phone cannot feed.

        Raises:
            DataError: Names each obstacle.
        """
        if obstacles := self.phone_obstacles():
            raise DataError(
                f"a phone cannot feed this model: {'; '.join(obstacles)}. "
                "Train a recipe of raw accelerometer and gyroscope channels, such as hapt or motionsense"
            )


class Normalisation(Contract):
    """Constants inside the network: clip((x - mean) / std, -clip, clip), one pair a channel."""

    mean: tuple[float, ...]
    std: tuple[float, ...]
    clip: float = Field(gt=0, description="saturation, in standard deviations")


class Rejection(Contract):
    """When an answer counts as unknown: the largest of softmax(logits / temperature) is below the threshold.

    The defaults change nothing. The arithmetic is `factory.contracts.answers`.
    """

    temperature: float = Field(default=1.0, gt=0, le=100)
    threshold: float = Field(default=0.0, ge=0, lt=1, description="0: nothing is unknown")


class SensorContract(Contract):
    """contract.json: everything an app needs to feed the model, without the rest of the manifest."""

    schema_version: Literal[1] = 1
    name: str = Field(description="the recipe's name")
    window: WindowSpec
    normalisation: Normalisation = Field(description="inside the artifacts already: feed SI units")
    phone_obstacles: tuple[str, ...] = Field(description="why a phone cannot feed this model; empty if it can")
    rejection: Rejection = Rejection()
