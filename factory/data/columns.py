"""Which column of a user's table is what: told by its name first, by its content where the name is silent."""

import re
from dataclasses import dataclass, field
from typing import Literal, cast

from factory.contracts.errors import DataError
from factory.contracts.window import Quantity
from factory.data.sample import Sample

Axis = Literal["x", "y", "z"]

_SUBJECT = ("subject", "user", "participant", "person", "volunteer", "patient", "proband", "uid", "userid", "wearer")
_SESSION = ("session", "trial", "recording", "record", "experiment", "exp", "run", "sequence", "bout", "take", "file")
_LABEL = ("label", "activity", "class", "target", "action", "exercise", "gesture", "annotation", "behaviour")
_TIME = ("timestamp", "time", "ts", "datetime", "date", "epoch", "millis", "elapsed", "t")
_ACCELERATION = ("acc", "accel", "accelerometer", "acceleration", "accelero", "a", "linacc")
_ROTATION = ("gyro", "gyr", "gyroscope", "rotation", "angular", "g", "gyros")
_MAGNETIC = ("mag", "magnetometer", "magnetic", "m", "magneto")
_LINEAR = ("linear", "user", "body", "linacc")
_NOT_SENSORS = ("gravity", "attitude", "quaternion", "quat", "roll", "pitch", "yaw", "orientation", "vector")
_PLACES = (
    "wrist", "waist", "pocket", "arm", "leg", "chest", "ankle", "torso", "hand", "head", "hip", "thigh", "back",
    "foot", "shin", "left", "right", "upper", "lower",
)  # fmt: skip
_COMPACT = re.compile(r"(acc|accel|gyro|gyr|mag|a|g|m)([xyz])")
_LABEL_TEXTS = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """A column and why it was taken."""

    column: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Axes:
    """A sensor of three columns.

    Attributes:
        name: In the contract, for example acc or right_arm_gyro.
        quantity: By its name; the values may say otherwise for gravity.
        columns: Axis to column.
        placement: Where its name says it sits; None where it does not.
        hints: The words of the columns' names.
    """

    name: str
    quantity: Quantity
    columns: dict[Axis, str]
    placement: str | None
    hints: frozenset[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Chosen:
    """What the user names on the command line; None leaves it to the guess."""

    subject: str | None = None
    session: str | None = None
    time: str | None = None
    label: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Roles:
    """Every column's part in the table."""

    subject: Found
    session: Found | None
    time: Found
    label: Found
    sensors: tuple[Axes, ...]
    left_out: tuple[str, ...] = field(default=())


def find_roles(sample: Sample, chosen: Chosen) -> Roles:
    """Give every column its part.

    Raises:
        DataError: No column for subject, time or label, or no complete sensor; names candidates and the option.
    """
    for option, name in (
        ("subject", chosen.subject),
        ("session", chosen.session),
        ("time", chosen.time),
        ("label", chosen.label),
    ):
        if name is not None and name not in sample.names:
            raise DataError(f"--{option} {name}: no such column; the file has {', '.join(sample.names)}")
    if not any(sample.numeric(name) for name in sample.names):
        raise DataError(
            f"no column holds numbers ({', '.join(sample.names):.200}): expected sensor values, one row a sample"
        )
    taken = {name for name in (chosen.subject, chosen.session, chosen.time, chosen.label) if name}
    sensors = _sensors([name for name in sample.names if name not in taken and sample.numeric(name)])
    free = [name for name in sample.names if name not in {c for s in sensors for c in s.columns.values()}]
    label = _one("label", chosen.label, [name for name in free if name not in taken], _LABEL)
    label = label or _by_content(sample, [name for name in free if name not in taken])
    subject = _one("subject", chosen.subject, _without(free, taken, label), _SUBJECT)
    session = _one("session", chosen.session, _without(free, taken, label, subject), _SESSION)
    time = _one("time", chosen.time, _without(free, taken, label, subject, session), _TIME)
    found = _require(sample, free, label=label, subject=subject, time=time)
    if not sensors:
        raise DataError(
            f"no sensor with axes x, y and z among the columns {', '.join(sample.names):.200}: "
            "name them like acc_x, acc_y, acc_z, gyro_x, gyro_y, gyro_z"
        )
    used = {f.column for f in (*found, session) if f}
    left = tuple(name for name in free if name not in used)
    return Roles(label=found[0], subject=found[1], time=found[2], session=session, sensors=sensors, left_out=left)


def words(name: str) -> tuple[str, ...]:
    """The words of a column's name: 'accelerometerX' and 'accelerometer_x (g)' start alike."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return tuple(re.findall(r"[a-z]+|\d+", spaced.lower()))


def _without(free: list[str], taken: set[str], *found: Found | None) -> list[str]:
    used = {item.column for item in found if item}
    return [name for name in free if name not in taken and name not in used]


def _one(role: str, chosen: str | None, free: list[str], vocabulary: tuple[str, ...]) -> Found | None:
    """The chosen column, or the free one whose name says it is `role`, by the vocabulary's order."""
    if chosen is not None:
        return Found(column=chosen, reason=f"named with --{role}")
    for word in vocabulary:
        for name in free:
            if word in words(name):
                return Found(column=name, reason=f"its name says '{word}'")
    return None


def _by_content(sample: Sample, free: list[str]) -> Found | None:
    """The only column of few different texts that no name claims."""
    known = (*_SUBJECT, *_SESSION, *_TIME)
    unclaimed = [name for name in free if not set(known) & set(words(name)) and not sample.numeric(name)]
    few = [name for name in unclaimed if 2 <= len(sample.texts(name)) <= _LABEL_TEXTS]
    if len(few) != 1:
        return None
    return Found(column=few[0], reason=f"the only column of a few texts ({len(sample.texts(few[0]))} different)")


def _require(
    sample: Sample, free: list[str], *, label: Found | None, subject: Found | None, time: Found | None
) -> tuple[Found, Found, Found]:
    for role, found, why in (
        ("label", label, "training needs an activity for each row"),
        ("subject", subject, "people must not stand in training and test at once"),
        ("time", time, "samples are put on an even grid by their time stamps"),
    ):
        if found is None:
            used = {item.column for item in (label, subject, time) if item}
            candidates = [name for name in free if name not in used] or list(sample.names)
            raise DataError(
                f"no {role} column found ({why}): name it with --{role} COLUMN, one of {', '.join(candidates):.300}"
            )
    return cast(tuple[Found, Found, Found], (label, subject, time))


def _sensors(names: list[str]) -> tuple[Axes, ...]:
    groups: dict[tuple[str, ...], dict[Axis, str]] = {}
    for name in names:
        if split := _axis(name):
            groups.setdefault(split[0], {})[split[1]] = name
    sensors: list[Axes] = []
    for stem, columns in groups.items():
        quantity = _quantity(stem)
        if quantity is None or set(columns) != {"x", "y", "z"}:
            continue
        places = [word for word in stem if word in _PLACES]
        sensors.append(
            Axes(
                name=_distinct(_name(quantity, places), sensors),
                quantity=quantity,
                columns={axis: columns[axis] for axis in ("x", "y", "z")},
                placement="_".join(places) or None,
                hints=frozenset(stem),
            )
        )
    return tuple(sensors)


def _axis(name: str) -> tuple[tuple[str, ...], Axis] | None:
    """The words without the axis, and the axis."""
    parts = list(words(name))
    for index in range(len(parts) - 1, -1, -1):
        if parts[index] in ("x", "y", "z"):
            return tuple(parts[:index] + parts[index + 1 :]), cast(Axis, parts[index])
        if match := _COMPACT.fullmatch(parts[index]):
            return (*parts[:index], match[1], *parts[index + 1 :]), cast(Axis, match[2])
    return None


def _quantity(stem: tuple[str, ...]) -> Quantity | None:
    found = set(stem)
    if found & set(_NOT_SENSORS):
        return None
    # 'g' is a gyroscope in 'gx', but the unit in 'acc_x_g': acceleration is asked first.
    if found & set(_ACCELERATION):
        return Quantity.LINEAR_ACCELERATION if found & set(_LINEAR) else Quantity.ACCELEROMETER
    if found & set(_ROTATION):
        return Quantity.GYROSCOPE
    return Quantity.MAGNETOMETER if found & set(_MAGNETIC) else None


def _name(quantity: Quantity, places: list[str]) -> str:
    short = {
        Quantity.ACCELEROMETER: "acc",
        Quantity.LINEAR_ACCELERATION: "linear_acc",
        Quantity.GYROSCOPE: "gyro",
        Quantity.MAGNETOMETER: "mag",
    }
    return "_".join([*places, short[quantity]])


def _distinct(name: str, sensors: list[Axes]) -> str:
    names = {sensor.name for sensor in sensors}
    number = 2
    while name in names:
        name = f"{name.rstrip('0123456789')}{number}"
        number += 1
    return name
