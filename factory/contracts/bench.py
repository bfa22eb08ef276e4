"""The specification of a bench: methods x data sets x folds x seeds, from one TOML. docs/bench.md.

What a recipe says is not said again: a data set is a recipe, a method is `distill.method` with changes of any recipe
key. Changes are nested tables or dotted keys ("train.lr" = 0.003); the value "default" takes a key out again.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from factory.contracts.base import Contract
from factory.contracts.errors import RecipeError
from factory.contracts.recipe import UNTAUGHT, parse_toml, validate

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Changes = dict[str, Any]
Tunable = Annotated[dict[str, tuple[Any, ...]], BeforeValidator(lambda changes: flatten(changes))]
"""By dotted recipe key: values to choose among. Nested tables are taken, too."""
ProtocolKind = Literal["official", "groups", "loso", "whar", "few"]
StressName = Literal["rotation", "turned", "rate", "lost", "noise", "dead_sensor", "units"]
LeadUse = Literal["none", "measure", "decide"]
WHAR_GROUPS = 10
ALONE = "cross_entropy"
TREES = "trees"
"""No student: the trees of the gate `accuracy.below_baseline`, on statistics of the same windows."""
DEFAULT = "default"
"""As a value: the recipe's own default, as if the key were not there."""
PROTOCOL_KEYS = ("seed", "split.kind", "split.test_subjects", "split.groups", "split.fold")
"""What the protocol decides: no change may name them."""
EQUAL_KEYS = (
    "data",
    "split",
    "model.student",
    "model.heads",
    "model.clip_sd",
    "train.student_epochs",
    "train.int8_epochs",
    "train.batch",
    "train.refit",
    "train.augment",
)
"""What all methods of a bench share, unless its `vary` names it."""
_TEACHERS_OWN = ("data.teacher_channels", "data.unlabelled")


class ProtocolSpec(Contract):
    """Who tests in which fold. Always by person; the folds are the same for every seed and method."""

    kind: ProtocolKind = Field(
        default="groups",
        description="official: the recipe's own test people; groups: people in groups, each tests once; loso: each "
        "person is a group; whar: WHAR Arena's ten groups; few: groups, and few of the others keep their labels",
    )
    groups: int = Field(default=4, ge=2, le=100, description="kinds 'groups' and 'few'")
    folds: tuple[Annotated[int, Field(ge=0)], ...] | None = Field(
        default=None, description="only these folds, counted from 0; None takes all"
    )
    people: tuple[Annotated[int, Field(ge=2)], ...] = Field(
        default=(), description="kind 'few': how many labelled people; each number is a data set of its own"
    )
    stress: tuple[StressName, ...] = Field(
        default=(), description="changes of the test windows that the trained student answers, too"
    )

    @model_validator(mode="after")
    def _few_people(self) -> Self:
        if (self.kind == "few") != bool(self.people):
            raise ValueError("people goes with kind = 'few', and that kind needs it: people = [2, 3, 5, 10]")
        for what, values in (("folds", self.folds or ()), ("people", self.people), ("stress", self.stress)):
            if len(set(values)) != len(values):
                raise ValueError(f"{what} repeats: {list(values)}: name each once")
        return self


class DataSpec(Contract):
    """One data set: a recipe, changed."""

    label: Name
    recipe: str = Field(description="name of a shipped recipe, or a TOML file, relative to the specification")
    changes: Changes = Field(default_factory=dict, description="of any recipe key")


class MethodSpec(Contract):
    """One method: a value of `distill.method`, and changes of the recipe."""

    label: Name
    method: str = Field(default="", description="of distill.method; empty is the label")
    changes: Changes = Field(default_factory=dict, description="of any recipe key that methods need not share")
    tune: Tunable = Field(default_factory=dict, description="chosen on validation people")
    teacher: bool | None = Field(
        default=None,
        description="whether it learns from a teacher; False trains none for it. None: as the method does",
    )
    lead: LeadUse = Field(
        default="none",
        description="the teacher's lead on validation people: measure it, or let it decide as a build does, "
        "which trains by cross-entropy where the teacher is behind",
    )

    @property
    def name(self) -> str:
        """The value of distill.method."""
        return self.method or self.label

    @property
    def taught(self) -> bool:
        """Whether a teacher is trained for it."""
        return self.teacher if self.teacher is not None else self.name not in (*UNTAUGHT, TREES)

    @model_validator(mode="after")
    def _lead_of_a_teacher(self) -> Self:
        if self.lead != "none" and not self.taught:
            raise ValueError(f"method '{self.label}' has no teacher whose lead could be measured: leave out lead")
        if self.name == TREES and (self.taught or self.changes or self.tune):
            raise ValueError(f"method '{self.label}' fits trees, which a recipe does not change: give it a label alone")
        return self


class TuningSpec(Contract):
    """The same number of draws for every method, judged on validation people of the first seed of each fold."""

    draws: int = Field(ge=1, le=1000, description="trainings a method and fold; the first has the values as they are")
    epochs: int | None = Field(default=None, ge=1, description="of each draw; None is the recipe's student_epochs")
    values: Tunable = Field(default_factory=dict, description="for every method, beside its own `tune`")


class BenchSpec(Contract):
    """One bench."""

    name: Name
    summary: str = Field(max_length=300)
    control: Name = Field(default=ALONE, description="label of the method that the others are compared with")
    seeds: tuple[Annotated[int, Field(ge=0, lt=2**31)], ...] = Field(default=(0,), min_length=1)
    protocol: ProtocolSpec = ProtocolSpec()
    data: tuple[DataSpec, ...] = Field(min_length=1)
    common: Changes = Field(default_factory=dict, description="changes for every data set and method")
    methods: tuple[MethodSpec, ...] = Field(min_length=1)
    vary: tuple[str, ...] = Field(
        default=(), description="dotted keys that methods may change although a fair comparison shares them"
    )
    tuning: TuningSpec | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        labels = [method.label for method in self.methods]
        for what, names in (("methods", labels), ("data", [data.label for data in self.data]), ("seeds", self.seeds)):
            if len(set(names)) != len(names):
                raise ValueError(f"{what} repeat: {', '.join(map(str, names))}: give each its own label")
        if self.control not in labels:
            raise ValueError(f"control = '{self.control}' is no method here: name one of {', '.join(labels)}")
        return self

    @model_validator(mode="after")
    def _changes_where_allowed(self) -> Self:
        places = [("common", self.common)]
        places += [(f"data '{data.label}'", data.changes) for data in self.data]
        places += [(f"method '{method.label}'", {**method.changes, **self.tunable(method)}) for method in self.methods]
        for where, changes in places:
            if taken := [key for key in flatten(changes) if _below(key, PROTOCOL_KEYS)]:
                raise ValueError(f"{where} changes {', '.join(taken)}, which seeds and protocol decide: leave it out")
        for method in self.methods:
            own = [*flatten(method.changes), *self.tunable(method)]
            unequal = [key for key in own if _below(key, EQUAL_KEYS) and not _below(key, (*self.vary, *_TEACHERS_OWN))]
            if unequal:
                raise ValueError(
                    f"method '{method.label}' changes {', '.join(unequal)}, which methods share: put it into common "
                    f"or into the data set, or say that it differs: vary = {unequal}"
                )
        return self

    @model_validator(mode="after")
    def _equal_budgets(self) -> Self:
        tuned = [method.label for method in self.methods if method.tune]
        if self.tuning is not None and (trees := [method.label for method in self.methods if method.name == TREES]):
            raise ValueError(f"method '{trees[0]}' has nothing that [tuning] could draw: leave out one of them")
        if self.tuning is None:
            if tuned:
                raise ValueError(f"method '{tuned[0]}' has values to tune, but there is no [tuning] with draws")
            return self
        if idle := [method.label for method in self.methods if not (method.tune or self.tuning.values)]:
            raise ValueError(
                f"methods without values to tune: {', '.join(idle)}: equal budgets need some for each, in its tune or "
                "in tuning.values (train.lr suits all)"
            )
        tunes = map(self.tunable, self.methods)
        if empty := sorted({key for tune in tunes for key, values in tune.items() if not values}):
            raise ValueError(f"tune of {', '.join(empty)} lists no value")
        return self

    def tunable(self, method: MethodSpec) -> Tunable:
        """What may be drawn for a method: its own values, and those for all."""
        return {**(self.tuning.values if self.tuning else {}), **method.tune}

    def only(self, labels: Sequence[str]) -> Self:
        """The part of a bench that these labels name: data sets, methods, or both; the control stays among the methods.

        A data set of kind 'few' may be named with its number of labelled people, as tables have it.

        Raises:
            RecipeError: No data set or method has such a label.
        """
        few = {
            few_label(item.label, people): (item.label, people) for item in self.data for people in self.protocol.people
        }
        people = tuple(few[label][1] for label in labels if label in few)
        labels = [few[label][0] if label in few else label for label in labels]
        known = {item.label for item in self.data} | {item.label for item in self.methods}
        if unknown := [label for label in labels if label not in known]:
            raise RecipeError(
                f"bench '{self.name}' has no data set or method '{unknown[0]}': name some of {', '.join(sorted(known))}"
            )
        data = tuple(item for item in self.data if item.label in labels) or self.data
        named = [item.label for item in self.methods if item.label in labels]
        methods = tuple(item for item in self.methods if not named or item.label in (*named, self.control))
        wanted = tuple(dict.fromkeys(people)) or self.protocol.people
        protocol = self.protocol.model_copy(update={"people": wanted})
        return self.model_copy(update={"data": data, "methods": methods, "protocol": protocol})

    def method(self, label: str) -> MethodSpec:
        """The method of that label."""
        return next(method for method in self.methods if method.label == label)


def few_label(data: str, people: int) -> str:
    """Of a data set of which so many people are labelled."""
    return f"{data}_{people}people"


def load_bench(path: Path) -> BenchSpec:
    """Read and check a specification; recipes that are files become paths from here.

    Raises:
        RecipeError: Names the file, each wrong key, what was got and what is allowed.
    """
    spec = validate(BenchSpec, parse_toml(path), str(path))
    data = tuple(
        item.model_copy(update={"recipe": str(path.parent / item.recipe)}) if item.recipe.endswith(".toml") else item
        for item in spec.data
    )
    return spec.model_copy(update={"data": data})


def flatten(changes: Any, before: str = "") -> Any:
    """Nested or dotted changes by dotted key; anything but a table is left as it is."""
    if not isinstance(changes, dict):
        return changes
    found: dict[str, Any] = {}
    for key, value in changes.items():
        dotted = f"{before}{key}"
        found |= flatten(value, f"{dotted}.") if isinstance(value, dict) else {dotted: value}
    return found


def changed(values: dict[str, Any], *layers: Changes) -> dict[str, Any]:
    """`values`, a recipe as nested tables, with layers of changes, later ones over earlier ones.

    Raises:
        RecipeError: A change names a key below one that is no table.
    """
    result: dict[str, Any] = {
        key: changed(value) if isinstance(value, dict) else value for key, value in values.items()
    }
    for dotted, value in (item for layer in layers for item in flatten(layer).items()):
        *tables, last = dotted.split(".")
        place = result
        for name in tables:
            below = place.setdefault(name, {})
            if not isinstance(below, dict):
                raise RecipeError(f"'{dotted}' is changed, but '{name}' is a value and no table: correct the key")
            place = below
        if value == DEFAULT:
            place.pop(last, None)
        else:
            place[last] = value
    return result


def _below(key: str, prefixes: tuple[str, ...]) -> bool:
    return any(key == prefix or key.startswith(f"{prefix}.") for prefix in prefixes)
