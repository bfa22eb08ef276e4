"""Which column of a user's tables is what: told by its name first, by its content where the name is silent."""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from factory.contracts.errors import DataError
from factory.data.guess.check import Check
from factory.data.guess.facts import Facts
from factory.data.guess.headerless import blind_label, blind_time, blind_triads, nameless
from factory.data.guess.roles import Chosen, Found, Roles
from factory.data.guess.sample import Sample
from factory.data.guess.texts import grouped
from factory.data.guess.triads import AXES, Axes, find_triads, find_triads_in_order, quantity_of
from factory.data.guess.words import (
    LABEL,
    NOT_LABELS,
    NOT_PEOPLE,
    NOT_SENSOR_TIME,
    NOT_SENSORS,
    PLACES,
    SENSOR,
    SESSION,
    SUBJECT,
    TIME,
    TRUTH,
    says,
    words,
)
from factory.data.intake.patterns import braced
from factory.data.intake.sheet import is_number
from factory.data.names import listed

_LABEL_TEXTS = 60
_LABEL_NUMBERS = 40
_PATH_FIELDS = ("{file}", "{stem}", "{parent}")
"""Fields that every path has, and no pattern names: never taken by themselves."""


def find_roles(sample: Sample, chosen: Chosen) -> Roles:
    """Give every column its part.

    Raises:
        DataError: No column for subject, time or label, or no complete sensor; names candidates and the option.
    """
    return _Finder(sample, chosen).find()


class _Finder:
    """The search, with what is taken so far."""

    def __init__(self, sample: Sample, chosen: Chosen) -> None:
        self.sample, self.chosen = sample, chosen
        self.facts = {name: Facts(sample, name) for name in sample.names}
        self.left_out: dict[str, str] = {}
        self.checks: list[Check] = []
        self.taken: set[str] = set()

    def find(self) -> Roles:
        self._require_columns()
        sensor = self._sensor()
        triads = self._triads(sensor)
        self.taken |= {column for axes in triads for column in (*axes.columns.values(), *axes.plus.values())}
        label = self._label()
        subject = self._subject()
        session = self._session()
        times, date = self._times()
        self._require(subject=subject, label=label, times=times)
        self._judge_text_axes(bool(triads))
        self._require_triads(triads)
        assert subject is not None
        self._say_what_is_left()
        return Roles(
            subject=subject,
            session=session,
            times=times,
            date=date,
            label=label,
            sensor=sensor,
            triads=tuple(triads),
            left_out=self.left_out,
            checks=tuple(self.checks),
        )

    def _require_columns(self) -> None:
        options = ("subject", "session", "time", "label", "sensor")
        for option in options:
            value = getattr(self.chosen, option)
            for name in columns_of(value, self.facts) if value else ():
                if name not in self.facts:
                    raise DataError(
                        f"--{option} {value}: no such column; there are {', '.join(self.sample.names):.300}"
                    )
                if option != "sensor":
                    self.taken.add(name)
        if not any(facts.numeric for facts in self.facts.values()):
            raise DataError(
                f"no column holds numbers ({', '.join(self.sample.names):.200}): expected sensor values, "
                "one row a sample"
            )

    def _free(self) -> list[str]:
        return [name for name in self.sample.names if name not in self.taken and name not in _PATH_FIELDS]

    def _sensor(self) -> Found | None:
        """The column that says which sensor or device a row is of."""
        if self.chosen.sensor is not None:
            self.taken |= set(columns_of(self.chosen.sensor, self.facts))
            return Found(column=self.chosen.sensor, reason="named with --sensor")
        fields = [name for name in ("{placement}", "{sensor}") if name in self.facts and self.facts[name].distinct > 1]
        if fields:
            self.taken |= set(fields)
            return Found(column="_".join(fields), reason="a file holds one sensor, which its path names")
        for name in self._free():
            facts = self.facts[name]
            if facts.numeric or not 2 <= facts.distinct <= 12 or not says(name, SENSOR):
                continue
            texts = self.sample.texts(name)
            kinds = [quantity_of(words(text)) for text in texts]
            if sum(kind is not None for kind in kinds) >= 1 and self._unnamed_axes():
                self.taken.add(name)
                return Found(column=name, reason=f"its texts name sensors: {listed(texts)}")
            if all(set(words(text)) & set(PLACES) for text in texts) and self._at_once(name):
                self.taken.add(name)
                return Found(column=name, reason=f"worn at the same time: {listed(texts)}")
        return None

    def _unnamed_axes(self) -> bool:
        names = [name for name in self._free() if self.facts[name].numeric]
        return any(axes.quantity is None for axes in find_triads(names))

    def _at_once(self, name: str) -> bool:
        """Whether rows of different texts alternate."""
        changes = rows = 0
        for chunk in self.sample.chunks:
            codes = chunk.column(name).combine_chunks().dictionary_encode().indices.to_numpy(zero_copy_only=False)
            changes += int((codes[1:] != codes[:-1]).sum())
            rows += max(len(codes) - 1, 0)
        return changes > 0.2 * rows

    def _triads(self, sensor: Found | None) -> list[Axes]:
        names = [name for name in self._free() if self.facts[name].numeric and not self._is_flat(name)]
        if sensor is None:
            found = find_triads(names)
            return found or (blind_triads(self.sample, names, self.chosen.rate_hz) if nameless(names) else [])
        found = []
        for text, columns in self._columns_by_sensor(sensor.column, names).items():
            triads = find_triads(columns, text)
            if not triads and nameless(columns) and len(columns) == len(AXES):
                triads = find_triads_in_order(columns, text)
            if not triads:
                self.left_out[text] = "gravity or attitude, or no axes x, y and z: no sensor of its own"
                self.taken |= {name for name in columns if set(words(name)) & set(NOT_SENSORS)}
            found += triads
        return found

    def _is_flat(self, name: str) -> bool:
        return self.facts[name].rows == 0

    def _columns_by_sensor(self, sensor: str, names: list[str]) -> dict[str, list[str]]:
        """Per text of the column of sensors, the columns that have values in its rows."""
        found: dict[str, dict[str, None]] = {}
        for chunk in self.sample.chunks:
            for key, rows in grouped(chunk, (sensor,)):
                taken = chunk.take(rows)
                used = [name for name in names if taken.column(name).null_count < taken.num_rows]
                found.setdefault(key[0], {}).update(dict.fromkeys(used))
        return {text: [name for name in names if name in used] for text, used in sorted(found.items())}

    def _label(self) -> Found | None:
        if self.chosen.intervals or self.chosen.model is not None:
            return None
        found = self._one("label", self.chosen.label, LABEL, self._may_be_label)
        return found or self._label_by_content() or self._label_without_name()

    def _may_be_label(self, name: str) -> bool:
        facts = self.facts[name]
        if says(name, NOT_LABELS) or facts.distinct < 2:
            return False
        if facts.numeric:
            return facts.whole and facts.distinct <= _LABEL_NUMBERS and not facts.counter
        return facts.distinct <= max(_LABEL_TEXTS, 2) and facts.names_something

    def _label_by_content(self) -> Found | None:
        """The only column of few different texts that no name claims."""
        known = (*SUBJECT, *SESSION, *TIME, *SENSOR)
        few = [
            name
            for name in self._free()
            if not self.facts[name].numeric and not says(name, known) and self._may_be_label(name)
        ]
        few = [name for name in few if not name.startswith("{")] or few
        if len(few) != 1:
            return None
        reason = f"the only column of a few texts ({self.facts[few[0]].distinct} different)"
        return self._by_content("label", "columns.label", few[0], reason)

    def _label_without_name(self) -> Found | None:
        free = [name for name in self._free() if self.facts[name].numeric]
        name = blind_label(self.sample, free) if nameless(free) else None
        reason = "the only column of a few whole numbers that hold for many rows each"
        return self._by_content("label", "columns.label", name, reason)

    def _by_content(self, role: str, key: str, name: str | None, reason: str) -> Found | None:
        """What no name tells, for a person to look at."""
        if name is None:
            return None
        self.taken.add(name)
        message = f"'{name}' is taken for the {role}: {reason}"
        self.checks.append(Check(code=f"{role}.by_content", key=key, message=message))
        return Found(column=name, reason=reason)

    def _subject(self) -> Found | None:
        found = self._one("subject", self.chosen.subject, SUBJECT, self._may_be_person)
        if found is None and self.chosen.model is not None:
            return Found(column="{stem}", reason="the file's name, since no column says who")
        return found

    def _may_be_person(self, name: str) -> bool:
        if set(words(name)) & set(NOT_PEOPLE) or says(name, NOT_LABELS):
            return False
        return self.facts[name].names_something and not self.facts[name].counter

    def _session(self) -> Found | None:
        if self.chosen.session is not None:
            self.taken |= set(columns_of(self.chosen.session, self.facts))
            return Found(column=self.chosen.session, reason="named with --session")
        for name in [name for name in self._free() if says(name, SESSION) and not says(name, TIME)]:
            if self.facts[name].counter or not self.facts[name].names_something:
                self.left_out[name] = "another value in almost every row: it counts rows and is no recording"
        return self._one("session", None, SESSION, self._may_be_session, ask=False) or self._device()

    def _device(self) -> Found | None:
        """Several devices that a person wore at the same time, none of which says a place: recordings of their own."""
        for name in [name for name in self._free() if says(name, ("device", "phone", "sensor", "imu", "node"))]:
            facts = self.facts[name]
            if name.startswith("{") or facts.distinct < 2 or not facts.names_something:
                continue
            self.taken.add(name)
            message = (
                f"each device in '{name}' is taken for a recording of its own; or is it another place on the body?"
            )
            self.checks.append(Check(code="session.device", key="columns.session", message=message))
            return Found(column=name, reason="rows of one device are a recording")
        return None

    def _may_be_session(self, name: str) -> bool:
        return name not in self.left_out and self.facts[name].names_something

    def _times(self) -> tuple[tuple[Found, ...], str | None]:
        """The columns of time, likeliest first, and one of dates beside one of the time of day."""
        if self.chosen.time is not None:
            columns = columns_of(self.chosen.time, self.facts)
            date = columns[0] if len(columns) == 2 else None
            return (Found(column=columns[-1], reason="named with --time"),), date
        found = [name for name in self._free() if not name.startswith("{") and self._may_be_time(name)]
        found.sort(key=self._time_order)
        date = None
        for name in found:
            if (
                len(found) > 1
                and self.facts[name].distinct < len(found)
                and set(words(name)) & {"date", "datum", "fecha"}
            ):
                date = name
        if date is None and len(found) > 1:
            dates = [name for name in found if self._looks_like(name, r"\d{1,4}[-./]\d{1,2}[-./]\d{1,4}")]
            clocks = [name for name in found if self._looks_like(name, r"\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?")]
            if len(dates) == 1 and clocks:
                date, found = dates[0], [clocks[0], *(name for name in found if name not in (dates[0], clocks[0]))]
        kept = [name for name in found if name != date]
        if not kept and (nameless_time := self._time_without_name()):
            return (nameless_time,), None
        self.taken |= set(found)
        reason = "its name says '{}'"
        return tuple(Found(column=name, reason=reason.format(says(name, TIME) or "dates")) for name in kept), date

    def _time_without_name(self) -> Found | None:
        free = [name for name in self._free() if self.facts[name].numeric]
        name = blind_time(self.sample, free) if nameless(free) and self.chosen.rate_hz is None else None
        return self._by_content("time", "columns.timestamp", name, "a column without a name that rises evenly")

    def _may_be_time(self, name: str) -> bool:
        import pyarrow as pa

        kind = self.sample.chunks[0].schema.field(name).type
        if pa.types.is_temporal(kind):
            return True
        if not says(name, TIME) or says(name, ("zone", "latitude", "longitude")) or self.facts[name].rows == 0:
            return False
        return self.facts[name].numeric or self._looks_like(name, r"[-\dT:./, A-Za-z+]*\d[-\dT:./, A-Za-z+]*")

    def _looks_like(self, name: str, form: str) -> bool:
        if self.facts[name].numeric:
            return False
        texts = [str(text) for text in self.sample.chunks[0].column(name).slice(0, 20).to_pylist() if text]
        return bool(texts) and all(re.fullmatch(form, text.strip()) for text in texts)

    def _time_order(self, name: str) -> tuple[int, int]:
        import pyarrow as pa

        word = says(name, TIME)
        temporal = pa.types.is_temporal(self.sample.chunks[0].schema.field(name).type)
        place = 0 if temporal else TIME.index(word) if word in TIME else len(TIME)
        return (1 if set(words(name)) & set(NOT_SENSOR_TIME) else 0, place)

    def _one(
        self, role: str, chosen: str | None, vocabulary: Sequence[str], fits: Callable[[str], bool], ask: bool = True
    ) -> Found | None:
        """The chosen column, or the free one whose name says it is `role`, by the vocabulary's order."""
        if chosen is not None:
            self.taken |= set(columns_of(chosen, self.facts))
            return Found(column=chosen, reason=f"named with --{role}")
        field_ = f"{{{role}}}"
        said = [
            (vocabulary.index(word), name) for name in self._free() if (word := says(name, vocabulary)) and fits(name)
        ]
        order = [name for _, name in sorted(said, key=lambda item: item[0])]
        if field_ in order:
            order = [field_, *(name for name in order if name != field_)]
        if not order:
            return None
        first, others = order[0], [name for name in order[1:] if self._differs(order[0], name)]
        self.taken.add(first)
        if ask and others:
            self._ask(role, first, others)
        reason = "named in the pattern of files" if first == field_ else f"its name says '{says(first, vocabulary)}'"
        return Found(column=first, reason=reason)

    def _ask(self, role: str, first: str, others: list[str]) -> None:
        both = f"'{first}' is taken for the {role}, but {listed([repr(name) for name in others])} could be it, too"
        why = ""
        if role == "label" and says(first, TRUTH) and not says(others[0], TRUTH):
            why = ": ground truth is preferred to what a phone thinks"
        self.checks.append(
            Check(code=f"{role}.two", key=f"columns.{role}", message=f"{both}{why}; name another with --{role} COLUMN")
        )
        for name in others:
            self.left_out[name] = f"could be the {role}, '{first}' was taken"

    def _differs(self, first: str, second: str) -> bool:
        """Whether two columns do not tell the same: one's value does not give the other's."""
        pairs: set[tuple[str, str]] = set()
        for chunk in self.sample.chunks:
            both = chunk.select([first, second]).group_by([first, second]).aggregate([])
            pairs |= {(str(row[first]), str(row[second])) for row in both.to_pylist()}
            if len(pairs) > 5000:
                return True
        return not len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs})

    def _require(self, *, subject: Found | None, label: Found | None, times: Sequence[Found]) -> None:
        asked = self.chosen
        missing = (
            (
                "label",
                label is None and not asked.intervals and asked.model is None,
                "training needs an activity for each row",
                "",
            ),
            ("subject", subject is None, "people must not stand in training and test at once", ""),
            (
                "time",
                not times and asked.rate_hz is None,
                "samples are put on an even grid by their time stamps",
                "; or say --rate HZ if rows follow each other evenly",
            ),
        )
        for role, absent, why, also in missing:
            if absent:
                if role == "label":
                    self._refuse_one_label()
                    self._refuse_a_column_a_label()
                candidates = self._free() or list(self.sample.names)
                fields = [name for name in _PATH_FIELDS if name in self.facts and self.facts[name].distinct > 1]
                raise DataError(
                    f"no {role} column found ({why}): name it with --{role} COLUMN, one of "
                    f"{', '.join([*candidates, *fields]):.300}{also}"
                )

    def _require_triads(self, triads: Sequence[Axes]) -> None:
        if not triads:
            raise DataError(
                f"no sensor with axes x, y and z among the columns {', '.join(self.sample.names):.200}: "
                "name them like acc_x, acc_y, acc_z, gyro_x, gyro_y, gyro_z"
            )

    def _refuse_one_label(self) -> None:
        for name in self._free():
            if says(name, LABEL) and not says(name, NOT_LABELS) and self.facts[name].distinct == 1:
                raise DataError(
                    f"column '{name}' holds 1 label ({self.sample.texts(name)[:1]}): at least 2 are needed; name "
                    "another column with --label COLUMN"
                )

    def _refuse_a_column_a_label(self) -> None:
        """Zeros and ones in a column for each activity."""
        names = [name for name in self._free() if self.facts[name].numeric and self.facts[name].distinct == 2]
        if len(names) > 1 and all(_one_of(chunk, names) for chunk in self.sample.chunks):
            raise DataError(
                f"columns {', '.join(names):.200} hold a 1 for the row's activity and 0 else: put its name into one "
                f"column, for example with pandas: table['activity'] = table[{names!s:.200}].idxmax(axis=1), and leave "
                "these out"
            )

    def _judge_text_axes(self, other_triads: bool) -> None:
        """A sensor whose axes hold text is named with an example; it is left out only beside others."""
        for axes in find_triads([name for name in self.sample.names if not name.startswith("{")]):
            for name in (column for column in axes.columns.values() if not self.facts[column].numeric):
                if self._is_flat(name) or (other_triads and axes.quantity is None):
                    break
                texts = [text for text in self.sample.texts(name) if not is_number(text)] or self.sample.texts(name)
                said = f"column '{name}' holds text like '{texts[0]:.40}', expected numbers"
                if re.match(r"\s*[+-]?\d+([.,]\d+)?\s*[^\W\d_]", texts[0]):
                    remedy = "write the unit into the column's name, and the number alone into the rows"
                    raise DataError(f"{said}: {remedy}")
                if not other_triads:
                    raise DataError(f"{said}: correct the rows, or say how the file is to be read with --format")
                self.left_out |= dict.fromkeys(axes.columns.values(), "text, where numbers are expected")
                message = f"{axes.shown} is left out: {said}; correct the rows, or delete the columns"
                self.checks.append(Check(code="sensor.text", key="channels", message=message))
                break

    def _say_what_is_left(self) -> None:
        for name in self._free():
            if name in self.left_out or name.startswith("{"):
                continue
            facts = self.facts[name]
            if facts.rows == 0:
                self.left_out[name] = "empty"
            elif says(name, (*TIME, *SUBJECT, *LABEL, *SESSION)) and facts.counter:
                self.left_out[name] = "another value in every row"
            else:
                self.left_out[name] = "no part in training"


def _one_of(chunk: Any, names: Sequence[str]) -> bool:
    """Whether each row holds a one in one of these columns, and zeros in the others."""
    values = np.stack([np.asarray(chunk.column(name).to_numpy(), np.float64) for name in names])
    return bool(np.isin(values, (0, 1)).all() and (values.sum(axis=0) == 1).all())


def columns_of(text: str, known: Iterable[str] = ()) -> list[str]:
    """The columns that an option names: one, two with a comma between them, or a template's fields."""
    if fields := braced(text):
        return fields
    return [text] if "," not in text or text in known else [part.strip() for part in text.split(",")]
