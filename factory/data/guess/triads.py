"""Sensors of three axes among the columns of a table, by their names."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, cast

from factory.contracts.table import SourceUnit
from factory.contracts.window import Quantity
from factory.data.guess.words import (
    ACCELERATION,
    LINEAR,
    MAGNETIC,
    NOT_SENSORS,
    PLACES,
    ROTATION,
    says,
    words,
)

Axis = Literal["x", "y", "z"]
AXES: tuple[Axis, ...] = ("x", "y", "z")

_COMPACT = re.compile(r"(acc|accel|gyro|gyr|mag|a|g|m|w|f)([xyz])")
_BRACKETS = re.compile(r"[(\[]([^()\[\]]*)[)\]]")
_FILLERS = ("axis", "axes", "value", "val", "data", "raw", "s", "sensor", "component")
_UNITS: Mapping[str, tuple[SourceUnit, float]] = {
    "g": ("g", 1.0), "gs": ("g", 1.0), "gforce": ("g", 1.0), "mg": ("g", 1e-3),
    "m/s2": ("m/s^2", 1.0), "m/s/s": ("m/s^2", 1.0), "m/ss": ("m/s^2", 1.0), "ms2": ("m/s^2", 1.0),
    "ms-2": ("m/s^2", 1.0), "mps2": ("m/s^2", 1.0), "m/sec2": ("m/s^2", 1.0), "ms": ("m/s^2", 1.0),
    "mps": ("m/s^2", 1.0), "mss": ("m/s^2", 1.0), "si": ("m/s^2", 1.0), "cm/s2": ("m/s^2", 0.01),
    "rad/s": ("rad/s", 1.0), "rads": ("rad/s", 1.0), "rad/sec": ("rad/s", 1.0), "radps": ("rad/s", 1.0),
    "rad": ("rad/s", 1.0), "radians": ("rad/s", 1.0), "r/s": ("rad/s", 1.0),
    "deg/s": ("deg/s", 1.0), "deg/sec": ("deg/s", 1.0), "dps": ("deg/s", 1.0), "degps": ("deg/s", 1.0),
    "\u00b0/s": ("deg/s", 1.0), "deg": ("deg/s", 1.0), "degrees": ("deg/s", 1.0), "degree": ("deg/s", 1.0),
    "mdps": ("deg/s", 1e-3), "degs": ("deg/s", 1.0),
    "ut": ("uT", 1.0), "\u03bct": ("uT", 1.0), "microtesla": ("uT", 1.0), "gauss": ("uT", 100.0),
    "mgauss": ("uT", 0.1), "nt": ("uT", 1e-3),
}  # fmt: skip
_OF: Mapping[Quantity, tuple[SourceUnit, ...]] = {
    Quantity.ACCELEROMETER: ("m/s^2", "g"),
    Quantity.LINEAR_ACCELERATION: ("m/s^2", "g"),
    Quantity.GYROSCOPE: ("rad/s", "deg/s"),
    Quantity.MAGNETOMETER: ("uT",),
}
_SHORT = {
    Quantity.ACCELEROMETER: "acc",
    Quantity.LINEAR_ACCELERATION: "linear_acc",
    Quantity.GYROSCOPE: "gyro",
    Quantity.MAGNETOMETER: "mag",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Axes:
    """A sensor of three columns.

    Attributes:
        name: In the contract, for example acc or right_arm_gyro.
        quantity: By its name; None where it says nothing and the values must. They may also say otherwise for gravity.
        columns: Axis to column.
        placement: Where its name says it sits; None where it does not.
        hints: The words of the columns' names.
        told: Unit and scale that the names give; None where they do not.
        sensor: The text of the column of sensors that its rows have; None in wide tables.
        plus: Axis to a column of gravity that may be added; empty where there is none.
    """

    name: str
    quantity: Quantity | None
    columns: Mapping[Axis, str]
    placement: str | None
    hints: frozenset[str]
    told: tuple[SourceUnit, float] | None = None
    sensor: str | None = None
    plus: Mapping[Axis, str] = field(default_factory=dict)

    @property
    def shown(self) -> str:
        """For messages: the columns, and the sensor that they are read from."""
        text = ", ".join(self.columns[axis] for axis in AXES)
        return f"{self.sensor} ({text})" if self.sensor else text


def find_triads(names: Sequence[str], sensor: str | None = None) -> list[Axes]:
    """Sensors among column names.

    Args:
        names: Columns of numbers.
        sensor: The text that the rows have in the column of sensors, which may say what they measure.

    Returns:
        In the order of the columns, gravity and attitude left out; `name` is not yet made distinct.
    """
    groups = _grouped(names)
    found = [axes for stem, columns in groups.items() if (axes := _triad(stem, columns, sensor)) is not None]
    return [_with_gravity(axes, groups) for axes in found]


def find_triads_in_order(names: Sequence[str], sensor: str) -> list[Axes]:
    """Three columns without names as the axes x, y, z of the sensor that a file's path names."""
    told = words(sensor)
    quantity = quantity_of(told)
    if quantity is None or set(told) & set(NOT_SENSORS):
        return []
    placement = "_".join(dict.fromkeys(word for word in told if word in PLACES)) or None
    return [
        Axes(
            name=short_name(quantity, placement),
            quantity=quantity,
            columns=dict(zip(AXES, names, strict=True)),
            placement=placement,
            hints=frozenset(told),
            sensor=sensor,
        )
    ]


def distinct_names(sensors: Sequence[Axes]) -> list[Axes]:
    """The same sensors, none of one name with another: acc, acc2."""
    taken: set[str] = set()
    named = []
    for axes in sensors:
        name, number = axes.name, 2
        while name in taken:
            name, number = f"{axes.name}{number}", number + 1
        taken.add(name)
        named.append(replace(axes, name=name))
    return named


def short_name(quantity: Quantity, placement: str | None) -> str:
    """A sensor's name in the contract."""
    return "_".join([*([placement] if placement else []), _SHORT[quantity]])


def told_unit(name: str, quantity: Quantity | None) -> tuple[SourceUnit, float] | None:
    """The unit that a column's name gives, and the factor to it: 'acc x (mg)' is 0.001 of g."""
    allowed = _OF.get(quantity) if quantity is not None else ("m/s^2", "g", "rad/s", "deg/s", "uT")
    assert allowed is not None
    inside = [
        re.sub(r"[\s^*·]", "", text.lower().replace("²", "2").replace("µ", "μ")) for text in _BRACKETS.findall(name)
    ]
    bare = words(_BRACKETS.sub(" ", name))
    # 'g' alone is a gyroscope's own short name ('gx'), a unit only beside a word for acceleration.
    for text in (*inside, *(part for part in bare if part not in ("s",))):
        unit = _UNITS.get(text) or _fraction(text)
        if unit is not None and unit[0] in allowed and (text in inside or len(bare) > 2 or text != "g"):
            return unit
    return None


def _fraction(text: str) -> tuple[SourceUnit, float] | None:
    """'1/64 g' as counts of a sensor."""
    found = re.fullmatch(r"1/(\d{1,6})g", text)
    return ("g", 1 / int(found[1])) if found and int(found[1]) else None


def _grouped(names: Sequence[str]) -> dict[tuple[str, ...], dict[Axis, str]]:
    groups: dict[tuple[str, ...], dict[Axis, str]] = {}
    for name in names:
        if split := _axis(name):
            groups.setdefault(split[0], {}).setdefault(split[1], name)
    return groups


def _axis(name: str) -> tuple[tuple[str, ...], Axis] | None:
    """The words without axis and unit, and the axis."""
    inside = _BRACKETS.findall(name)
    parts = list(words(name if any(set(words(text)) & set(AXES) for text in inside) else _BRACKETS.sub(" ", name)))
    for index in range(len(parts) - 1, -1, -1):
        if parts[index] in AXES:
            return tuple(parts[:index] + parts[index + 1 :]), cast(Axis, parts[index])
        match = _COMPACT.fullmatch(parts[index])
        if match and (match[1] != "f" or parts[index - 1 : index] == ["g"]):
            stem = [*parts[: index - 1], "gf"] if match[1] == "f" else [*parts[:index], match[1]]
            return (*stem, *parts[index + 1 :]), cast(Axis, match[2])
    return None


def _triad(stem: tuple[str, ...], columns: dict[Axis, str], sensor: str | None) -> Axes | None:
    told_by = (*stem, *words(sensor or ""))
    if set(columns) != set(AXES) or set(told_by) & set(NOT_SENSORS):
        return None
    quantity = quantity_of(told_by)
    if quantity is None and any(word not in _FILLERS and not word.isdigit() for word in stem):
        return None  # three columns x, y, z of something else: 'mouse_x'
    places = [word for word in told_by if word in PLACES]
    placement = "_".join(dict.fromkeys(places)) or None
    unit = told_unit(columns["x"], quantity)
    if unit is None and "gf" in stem:
        unit = ("g", 1.0)
    return Axes(
        name=short_name(quantity, placement) if quantity else "sensor",
        quantity=quantity,
        columns={axis: columns[axis] for axis in AXES},
        placement=placement,
        hints=frozenset(told_by),
        told=unit,
        sensor=sensor,
    )


def quantity_of(stem: Sequence[str]) -> Quantity | None:
    """What a sensor of these words measures."""
    # 'g' is a gyroscope in 'gx', but the unit in 'acc_x_g': acceleration is asked first.
    text = " ".join(stem)
    if says(text, ACCELERATION):
        return Quantity.LINEAR_ACCELERATION if says(text, LINEAR) else Quantity.ACCELEROMETER
    if says(text, ROTATION):
        return Quantity.GYROSCOPE
    return Quantity.MAGNETOMETER if says(text, MAGNETIC) else None


def _with_gravity(axes: Axes, groups: Mapping[tuple[str, ...], Mapping[Axis, str]]) -> Axes:
    """Core Motion's gravity beside its acceleration without it."""
    if axes.quantity is not Quantity.LINEAR_ACCELERATION:
        return axes
    for stem, columns in groups.items():
        if "gravity" in stem and set(columns) == set(AXES) and not set(stem) & set(PLACES) - axes.hints:
            return replace(axes, plus={axis: columns[axis] for axis in AXES})
    return axes
