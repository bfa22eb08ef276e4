"""The sensors that are used: one of each kind and place, with unit and gravity, person by person."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from factory.contracts.table import SourceUnit
from factory.contracts.window import Quantity
from factory.data.guess.check import Check
from factory.data.guess.roles import Chosen, Roles
from factory.data.guess.sample import Sample
from factory.data.guess.texts import grouped
from factory.data.guess.triads import AXES, Axes, short_name
from factory.data.guess.units import (
    Groups,
    Judgement,
    Lengths,
    compare_acceleration,
    compare_rotation,
    judge,
    recordings_apart,
    statistics_of,
    steady_as_gravity,
)
from factory.data.names import listed
from factory.data.units import SI_FACTORS

_BY_NAME_G, _HARDEST_G = 4.0, 16.0
"""99th percentile of acceleration without gravity: above the first it could be m/s^2, above the second it is no g."""
_STEADY_FIELD = 0.6
"""10th over 90th percentile of a magnetometer's length."""
_LARGEST_RAD_S = 40.0
_MOST_CHECKS = 3
_LEAST_UT = 5.0
"""Median length of a magnetometer below which it is not in uT."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SensorGuess:
    """One sensor as data.toml describes it.

    Attributes:
        axes: Its columns.
        quantity: An accelerometer, whether or not with gravity, a gyroscope or a magnetometer.
        unit: After `scale`.
        scale: A stored value times this is in `unit`.
        gravity: Of accelerometers.
        reason: The figures behind unit and gravity.
        summed: Whether Core Motion's gravity is added.
        corrections: People whose values have another unit: (people, unit, scale).
    """

    axes: Axes
    quantity: Quantity
    unit: SourceUnit
    scale: float
    gravity: bool | None
    reason: str
    summed: bool = False
    corrections: tuple[tuple[tuple[str, ...], SourceUnit, float], ...] = ()


def lengths_in(sample: Sample, axes: Axes, roles: Roles, rate_hz: float) -> dict[tuple[str, str], Lengths]:
    """The lengths of a sensor's values in a sample, by person and recording."""
    found: dict[tuple[str, str], Lengths] = {}
    second = max(2, round(rate_hz))
    for chunk in sample.chunks:
        columns = [np.asarray(chunk.column(axes.columns[axis]).to_numpy(), np.float64) for axis in AXES]
        values = np.stack(columns, axis=1)
        for key, rows in grouped(chunk, roles.keys):
            if axes.sensor is None or key[-1] == axes.sensor:
                who = (key[0], key[1] if roles.session is not None else "")
                found.setdefault(who, Lengths()).add(values[rows], second)
    return found


def gravity_unit(parts: list[Lengths]) -> SourceUnit | None:
    """The unit of a triad that surely holds gravity."""
    one = judge(parts, Quantity.ACCELEROMETER)
    return one.unit if one.gravity else None


def name_by_values(
    axes: Axes, lengths: Mapping[tuple[str, str], Lengths], known: SourceUnit | None
) -> tuple[Axes, Check | None]:
    """What a sensor measures whose columns do not say it.

    Args:
        axes: The sensor.
        lengths: Of its values.
        known: The unit of a triad beside it that holds gravity: what is as steady in another unit is a magnetic field.
    """
    if axes.quantity is not None:
        return axes, None
    parts = list(lengths.values())
    means = statistics_of(parts).means
    low, high = means.quantile(0.1), means.quantile(0.9)
    one = judge(parts, Quantity.ACCELEROMETER)
    if one.gravity and known is not None and one.unit != known:
        quantity, why = Quantity.MAGNETOMETER, f"as steady as gravity, but other sensors hold it in {known}"
    elif one.gravity:
        quantity, why = Quantity.ACCELEROMETER, one.evidence
    elif low is not None and high is not None and low > _STEADY_FIELD * high:
        quantity, why = Quantity.MAGNETOMETER, f"its length hardly changes ({low:.3g} to {high:.3g}), and is no gravity"
    elif one.unit == "m/s^2" and one.strong > _LARGEST_RAD_S / 2:
        quantity, why = (
            Quantity.LINEAR_ACCELERATION,
            f"too large for rotation in rad/s (99th percentile {one.strong:.3g})",
        )
    else:
        quantity, why = Quantity.GYROSCOPE, f"not steady, so no gravity and no magnetic field ({one.evidence})"
    named = replace(axes, quantity=quantity, name=short_name(quantity, axes.placement))
    message = f"columns {axes.shown} do not say what they measure: their values are those of {_a(quantity)} ({why})"
    return named, Check(code="sensor.unnamed", key=f"channels.{named.name}", message=message)


def gathered(checks: Sequence[Check]) -> list[Check]:
    """One check for many sensors without names."""
    if len(checks) <= _MOST_CHECKS:
        return list(checks)
    short = [check.message.split(" do not say what they measure: their values are those of ") for check in checks]
    said = "; ".join(f"{columns.removeprefix('columns ')}: {what.split(' (')[0]}" for columns, what in short)
    message = f"columns do not say what they measure; by their values: {said}"
    return [Check(code="sensor.unnamed", key=checks[0].key, message=message)]


def _a(quantity: Quantity) -> str:
    return f"{'an' if quantity.value[0] in 'aeiou' else 'a'} {quantity.value.replace('_', ' ')}"


def choose_sensors(candidates: Sequence[tuple[Axes, Judgement]], chosen: Chosen) -> tuple[list[Axes], dict[str, str]]:
    """One sensor of each kind and place, and why each of the others is left out."""
    kept: list[tuple[Axes, Judgement]] = []
    left: dict[str, str] = {}
    for axes, one in sorted(candidates, key=lambda item: _rank(item[0], item[1], chosen)):
        rival = next((other for other, _ in kept if _alternatives(axes, other)), None)
        if rival is None:
            kept.append((axes, one))
        else:
            left[axes.shown] = _why_not(axes, rival, one)
    order = {id(axes): place for place, (axes, _) in enumerate(candidates)}
    return [axes for axes, _ in sorted(kept, key=lambda item: order[id(item[0])])], left


def _rank(axes: Axes, one: Judgement, chosen: Chosen) -> tuple[object, ...]:
    linear = axes.quantity is Quantity.LINEAR_ACCELERATION
    summed = chosen.sum_gravity and bool(axes.plus)
    ranges = [int(word[:-1]) for word in axes.hints if re.fullmatch(r"\d+g", word)]
    return (
        not summed,
        linear or one.gravity is False,
        "uncalibrated" in axes.hints,
        -max(ranges, default=0),
        axes.quantity is Quantity.ACCELEROMETER and "gf" in axes.hints,
    )


def _alternatives(axes: Axes, other: Axes) -> bool:
    """Whether two sensors are one device's, of one kind, read or computed in different ways."""
    kinds = (Quantity.ACCELEROMETER, Quantity.LINEAR_ACCELERATION)
    same_kind = axes.quantity is other.quantity or (axes.quantity in kinds and other.quantity in kinds)
    if not same_kind or axes.placement != other.placement:
        return False
    numbers = [{word for word in one.hints if word.isdecimal()} for one in (axes, other)]
    if axes.quantity is other.quantity and numbers[0] != numbers[1]:
        return False  # 'acc1' and 'acc2': two devices
    return axes.hints != other.hints or axes.quantity is not other.quantity


def _why_not(axes: Axes, rival: Axes, one: Judgement) -> str:
    if axes.quantity is Quantity.LINEAR_ACCELERATION or one.gravity is False:
        return f"acceleration without gravity, which is computed; {rival.shown} is what every phone delivers"
    if "uncalibrated" in axes.hints:
        return f"not calibrated; {rival.shown} is"
    if any(re.fullmatch(r"\d+g", word) for word in axes.hints):
        return f"the same as {rival.shown} with a smaller range, which strong movement exceeds"
    return f"a second {rival.quantity.value if rival.quantity else 'sensor'} of the same place; {rival.shown} was taken"


def guess_sensors(
    sensors: Sequence[Axes], lengths: Mapping[str, Mapping[tuple[str, str], Lengths]], chosen: Chosen
) -> tuple[list[SensorGuess], list[Check]]:
    """Unit and gravity of each sensor: by its values, person by person, then by its name."""
    guesses: list[SensorGuess] = []
    checks: list[Check] = []
    varies: dict[str, float] = {}
    kinds = (Quantity.ACCELEROMETER, Quantity.LINEAR_ACCELERATION)
    for axes in sorted(sensors, key=lambda one: one.quantity not in kinds):
        mine = lengths.get(axes.name, {})
        if axes.quantity in kinds:
            guess, found = _acceleration(axes, mine, chosen)
            if not varies:
                varies = _variation(guess, mine)
        elif axes.quantity is Quantity.GYROSCOPE:
            steady = steady_as_gravity(list(mine.values())) is not None
            guess, found = _rotation(axes, mine, {} if steady else varies)
        else:
            guess, found = _field(axes, list(mine.values())), []
        guesses.append(guess)
        checks += found
    checks += _swapped(guesses, lengths)
    order = {axes.shown: place for place, axes in enumerate(sensors)}
    return sorted(guesses, key=lambda guess: order[guess.axes.shown]), checks


def _field(axes: Axes, parts: list[Lengths]) -> SensorGuess:
    middle = statistics_of(parts).norms.quantile(0.5) or 0.0
    bare: SourceUnit = "1" if middle < _LEAST_UT else "uT"
    unit, scale = axes.told or (bare, 1.0)
    reason = "its name says so" if axes.told else f"its length is {middle:.3g}, the earth's field is 25 to 65 uT"
    return SensorGuess(axes=axes, quantity=Quantity.MAGNETOMETER, unit=unit, scale=scale, gravity=None, reason=reason)


def _variation(guess: SensorGuess, lengths: Mapping[tuple[str, str], Lengths]) -> dict[str, float]:
    """Person to how much acceleration's length varies, m/s^2."""
    factors = {who: SI_FACTORS[unit] * scale for people, unit, scale in guess.corrections for who in people}
    usual = SI_FACTORS[guess.unit] * guess.scale
    people: dict[str, list[Lengths]] = {}
    for (who, _), part in lengths.items():
        people.setdefault(who, []).append(part)
    return {
        who: judge(parts, Quantity.ACCELEROMETER).varies * abs(factors.get(who, usual)) for who, parts in people.items()
    }


def _acceleration(
    axes: Axes, lengths: Mapping[tuple[str, str], Lengths], chosen: Chosen
) -> tuple[SensorGuess, list[Check]]:
    groups = compare_acceleration(lengths, axes.quantity or Quantity.ACCELEROMETER)
    unit, scale, gravity, reason, doubt = _unit_and_gravity(axes, groups.main)
    key = f"channels.{axes.name}"
    checks = [Check(code="unit.doubt", key=key, message=f"{axes.shown}: {doubt}")] if doubt else []
    corrections, mixed = _corrections(axes, groups, unit, scale, gravity)
    checks += mixed
    if odd := recordings_apart(lengths, axes.quantity or Quantity.ACCELEROMETER):
        message = f"{axes.shown}: recordings {listed(odd)} have another unit or gravity than the same person's others"
        checks.append(Check(code="unit.mixed_recordings", key=key, message=message))
    guess = SensorGuess(
        axes=axes, quantity=Quantity.ACCELEROMETER, unit=unit, scale=scale, gravity=gravity, reason=reason,
        corrections=corrections,
    )  # fmt: skip
    if chosen.sum_gravity and axes.plus:
        axes = replace(axes, name=short_name(Quantity.ACCELEROMETER, axes.placement))
        guess = replace(guess, axes=axes, summed=True, gravity=True, scale=-scale)
        checks, key = [], f"channels.{axes.name}"
        message = (
            f"{axes.shown}: gravity is added on request; iOS gives acceleration with the opposite sign of Android, so "
            "scale = -1 turns it to Android's; say scale = 1 if the model runs on iOS alone"
        )
        checks.append(Check(code="unit.sign", key=key, message=message))
    return guess, checks


def _unit_and_gravity(axes: Axes, one: Judgement) -> tuple[SourceUnit, float, bool, str, str]:
    """Unit, scale, gravity, reason, and what is doubtful, empty where nothing is."""
    named_linear = axes.quantity is Quantity.LINEAR_ACCELERATION
    told = axes.told
    core_motion = named_linear and told is None and "user" in axes.hints
    if core_motion:
        told = ("g", 1.0)
    gravity = one.gravity if one.gravity is not None else not named_linear
    if one.gravity:
        unit, scale, reason = one.unit or "m/s^2", one.scale, one.evidence
        doubt = ""
        if one.unit is None:
            unit, scale = told or ("m/s^2", 1.0)
            doubt = f"{one.evidence}: give the factor to g or m/s^2 as scale"
        elif told and (told[0], round(told[1], 6)) != (unit, round(scale, 6)):
            doubt = f"its name says {told[0]}, its values do not: {one.evidence}; the values were followed"
        elif scale != 1.0 and not told:
            doubt = f"unknown to its name; {one.evidence}"
        if named_linear:
            doubt = doubt or f"its name says linear or user acceleration, but {one.evidence}"
        return unit, scale, True, reason, doubt
    if told is None:
        unit = one.unit or "m/s^2"
        doubt = "" if one.unit and one.gravity is not None else f"the unit is not told by the values: {one.evidence}"
        if not named_linear and one.gravity is False:
            doubt = f"no gravity in it, though its name says nothing of that: {one.evidence}"
        return unit, 1.0, gravity, one.evidence, doubt
    unit, scale = told
    said = "Core Motion's userAcceleration is in g" if core_motion else f"its name says {unit}"
    reason = f"{said}; {one.evidence}"
    doubt = ""
    strong = one.strong * scale
    if unit == "g" and strong > _HARDEST_G:
        if core_motion:
            unit = "m/s^2"
        doubt = f"{said}, but the 99th percentile of its length is {strong:.3g}, which no body reaches in g"
    elif unit == "g" and strong > _BY_NAME_G and one.unit == "m/s^2":
        doubt = f"{said}; the 99th percentile of its length is {strong:.3g}: hard sport in g, or an easy walk in m/s^2"
    if not named_linear and one.gravity is False and not doubt:
        doubt = f"no gravity in it, though its name says nothing of that: {one.evidence}"
    return unit, scale, gravity, reason, doubt


def _corrections(
    axes: Axes, groups: Groups, unit: SourceUnit, scale: float, gravity: bool
) -> tuple[tuple[tuple[tuple[str, ...], SourceUnit, float], ...], list[Check]]:
    corrections, checks = [], []
    for one, people in groups.others:
        key = f"channels.{axes.name}"
        who = listed(list(people))
        if bool(one.gravity) != gravity:
            has = "holds gravity" if one.gravity else "holds no gravity"
            message = (
                f"{axes.shown} of {who} {has}, the others' does not agree ({one.evidence}): one contract cannot hold "
                "both: leave those people out, or export their recordings anew"
            )
            checks.append(Check(code="unit.mixed_gravity", key=key, message=message))
        elif one.unit is not None and (one.unit, one.scale) != (unit, scale):
            corrections.append((people, one.unit, one.scale))
            message = (
                f"{axes.shown} of {who} is in {_shown(one.unit, one.scale)}, the others' in {_shown(unit, scale)} "
                f"({one.evidence}); [[corrections]] converts it"
            )
            checks.append(Check(code="unit.mixed", key=key, message=message))
        elif one.unit is None:
            message = f"{axes.shown} of {who}: {one.evidence}; the others' is in {_shown(unit, scale)}"
            checks.append(Check(code="unit.mixed", key=key, message=message))
    return tuple(corrections), checks


def _shown(unit: SourceUnit, scale: float) -> str:
    return unit if scale == 1 else f"{scale:.6g} {unit}"


def _rotation(
    axes: Axes, lengths: Mapping[tuple[str, str], Lengths], varies: Mapping[str, float]
) -> tuple[SensorGuess, list[Check]]:
    groups = compare_rotation(lengths, varies)
    one, told = groups.main, axes.told
    key = f"channels.{axes.name}"
    unit: SourceUnit = one.unit or (told[0] if told else "rad/s")
    scale, doubt, reason = 1.0, "", one.evidence
    if told and (told[0] == unit or not one.certain):
        unit, scale = told
        reason = f"its name says {unit}; {one.evidence}"
    elif told:
        doubt = f"its name says {told[0]}, its values look like {unit}: {one.evidence}; the values were followed"
    elif one.unit is None:
        doubt = f"the unit is not told by the values: {one.evidence}"
    checks = [Check(code="unit.doubt", key=key, message=f"{axes.shown}: {doubt}")] if doubt else []
    corrections = []
    for other, people in groups.others:
        if other.unit is not None and other.unit != unit:
            corrections.append((people, other.unit, 1.0))
            message = (
                f"{axes.shown} of {listed(list(people))} looks like {other.unit}, the others' like {unit} "
                f"({other.evidence}; the others' {one.strong:.3g}); [[corrections]] converts it"
            )
            checks.append(Check(code="unit.mixed", key=key, message=message))
    guess = SensorGuess(
        axes=axes, quantity=Quantity.GYROSCOPE, unit=unit, scale=scale, gravity=None, reason=reason,
        corrections=tuple(corrections),
    )  # fmt: skip
    return guess, checks


def _swapped(guesses: Sequence[SensorGuess], lengths: Mapping[str, Mapping[tuple[str, str], Lengths]]) -> list[Check]:
    """A gyroscope that holds steady like gravity."""
    checks = []
    for guess in guesses:
        if guess.quantity is not Quantity.GYROSCOPE:
            continue
        figures = steady_as_gravity(list(lengths.get(guess.axes.name, {}).values()))
        if figures is None:
            continue
        others = [
            other.axes.shown for other in guesses if other.quantity is Quantity.ACCELEROMETER and other.gravity is False
        ]
        also = f", and {others[0]}, named an accelerometer, does not: their names are swapped?" if others else ""
        message = f"the gyroscope {guess.axes.shown} holds steady like gravity ({figures}){also or ': is it one?'}"
        checks.append(Check(code="sensor.swapped", key=f"channels.{guess.axes.name}", message=message))
    return checks
