"""A recording that a model is to answer: its sensors under the names, and at the places, of the model's contract."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from factory.contracts.errors import DataError
from factory.contracts.window import Channel, Quantity, WindowSpec
from factory.data.guess.sensors import SensorGuess

Kind = tuple[Quantity, bool]


def as_expected(sensors: Sequence[SensorGuess], spec: WindowSpec) -> tuple[list[SensorGuess], dict[str, str]]:
    """The sensors that a model takes, in its order and named as its channels, and why others are left out.

    Args:
        sensors: Of the recording; of several of one kind, that at the place which the model expects.
        spec: What the model takes.

    Raises:
        DataError: One that the model expects is not there, or the model takes what no recording holds by itself.
    """
    left = list(sensors)
    found = []
    for prefix, channels in _groups(spec).items():
        first = channels[0]
        fitting = [sensor for sensor in left if _kind(sensor) == (first.quantity, first.gravity)]
        fitting = [sensor for sensor in fitting if sensor.axes.placement == first.placement] or fitting
        if not fitting:
            raise DataError(
                f"the model expects {_said((first.quantity, first.gravity))} ({', '.join(c.name for c in channels)}), "
                f"the recording has {', '.join(_said(_kind(sensor)) for sensor in sensors)}: record that sensor, too, "
                "or choose another model"
            )
        axes = replace(fitting[0].axes, name=prefix, placement=first.placement)
        found.append(replace(fitting[0], axes=axes))
        left.remove(fitting[0])
    return found, {sensor.axes.name: "the model does not take it" for sensor in left}


def _groups(spec: WindowSpec) -> Mapping[str, list[Channel]]:
    """Channels by what their names have before the axis."""
    groups: dict[str, list[Channel]] = {}
    for channel in spec.channels:
        prefix, _, axis = channel.name.rpartition("_")
        if channel.derived or axis != channel.axis:
            raise DataError(
                f"the model takes {channel.name}, which no sensor delivers as it is: its recordings cannot be "
                "described by a guess, write the description by hand"
            )
        groups.setdefault(prefix, []).append(channel)
    return groups


def _kind(sensor: SensorGuess) -> Kind:
    if sensor.quantity is Quantity.ACCELEROMETER and not sensor.gravity:
        return Quantity.LINEAR_ACCELERATION, False
    return sensor.quantity, bool(sensor.gravity)


def _said(kind: Kind) -> str:
    quantity, gravity = kind
    return f"{quantity.replace('_', ' ')}{' with gravity' if gravity else ''}"
