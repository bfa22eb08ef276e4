"""The recipe: the complete configuration of one run. Each default lives here, once, with its unit.

The command line says where and which; the recipe says what. `load_recipe` reads TOML; the resolved
recipe is written beside the artifacts.
"""

import math
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar, get_args

import tomli_w
from pydantic import Field, ValidationError, field_validator, model_validator

from factory.contracts.artifact import Precision
from factory.contracts.base import Contract
from factory.contracts.errors import RecipeError
from factory.contracts.window import Label, Rejection

Fraction = Annotated[float, Field(ge=0, le=1)]
HeadKind = Literal["linear", "hopfield", "cosine", "mlp"]
BlockKind = Literal["inverted_residual", "plain", "residual"]
Kernel = Literal[3, 5, 7, 9]
Anchor = Literal["grid", "label"]
Edge = Literal["wrap", "reflect"]
MethodName = Literal[
    "smldist",
    "kd",
    "fitnet",
    "at",
    "sp",
    "cc",
    "vid",
    "rkd",
    "pkt",
    "nst",
    "crd",
    "dkd",
    "dist",
    "reviewkd",
    "lupi",
    "pseudo_labels",
    "selfhar",
    "smldist_literal",
    "random_teacher",
    "label_smoothing",
    "cross_entropy_total",
    "cross_entropy",
]
"""How a student can be trained: SMLDist, the baselines, and last the controls; docs/baselines.md."""
ON_FEATURES: frozenset[MethodName] = frozenset(
    ("fitnet", "at", "sp", "cc", "vid", "rkd", "pkt", "nst", "crd", "reviewkd")
)
"""Methods that compare inner features of teacher and student batch by batch."""
UNTAUGHT: frozenset[MethodName] = frozenset(("label_smoothing", "cross_entropy_total", "cross_entropy"))
"""Methods that take nothing of a teacher but the kind of its head."""
_LEAST_STEPS = 2
"""Time steps that must be left after the last stage: over a single one no convolution sees time."""
ContractT = TypeVar("ContractT", bound=Contract)


class DataRecipe(Contract):
    """Which recordings, and how they become windows."""

    source: Literal["watch", "uci_har", "hapt", "motionsense", "dsads", "digits", "japanese_vowels", "table"]
    description: str | None = Field(
        default=None, description="source 'table': the TOML that describes the user's file, relative to the recipe"
    )
    channels: tuple[str, ...] | None = Field(default=None, description="subset and order; None takes all of the source")
    teacher_channels: tuple[str, ...] | None = Field(
        default=None,
        description="what the teacher sees: `channels` and more, which the student's files never hold; None: the same",
    )
    unlabelled: bool = Field(
        default=False, description="also cut windows of training people that nobody labelled: the teacher answers them"
    )
    rate_hz: float = Field(default=50.0, gt=0, le=1000)
    window: int = Field(default=128, ge=8, le=4096, description="samples")
    hop: int = Field(default=64, ge=1, le=4096, description="samples")
    purity: float = Field(default=1.0, gt=0.5, le=1, description="share of a window that must carry its label")
    anchor: Anchor = Field(
        default="grid",
        description="where windows begin: every hop of a gap-free segment, or anew with each stretch of one label",
    )
    max_gap_s: float = Field(default=0.1, gt=0, description="a longer silence splits a recording")
    labels: tuple[Label, ...] | None = Field(
        default=None, description="classes to keep, in logit order; None keeps all"
    )
    merge: dict[str, Label] = Field(default_factory=dict, description="label to label, applied before `labels`")

    @model_validator(mode="after")
    def _teacher_sees_more(self) -> Self:
        if self.teacher_channels is None:
            return self
        if self.channels is None:
            raise ValueError("teacher_channels needs channels: name those that the student keeps")
        if missing := [name for name in self.channels if name not in self.teacher_channels]:
            raise ValueError(
                f"teacher_channels lacks {', '.join(missing)}: the teacher sees what the student sees, too"
            )
        return self


class SplitRecipe(Contract):
    """Who tests. Always by subject."""

    kind: Literal["official", "subjects", "groups", "loso"] = "official"
    test_subjects: tuple[str, ...] = Field(default=(), description="kind 'subjects'")
    groups: int = Field(default=5, ge=2, le=100, description="kind 'groups': number of subject groups")
    fold: int = Field(default=0, ge=0, description="kinds 'groups' and 'loso': which group or subject tests")
    validation: float = Field(default=0.2, gt=0, le=0.5, description="share of training subjects held out to select")
    labelled_people: Annotated[int, Field(ge=2)] | tuple[str, ...] | None = Field(
        default=None,
        description="training subjects whose labels are used, by number or name; the others become unlabelled",
    )

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.kind == "subjects") != bool(self.test_subjects):
            raise ValueError("test_subjects goes with kind = 'subjects', and that kind needs it")
        if self.kind == "groups" and self.fold >= self.groups:
            raise ValueError(f"fold {self.fold} of {self.groups} groups: folds count from 0")
        return self


class StageRecipe(Contract):
    """A row of blocks; the first one strides."""

    width: int = Field(ge=4, le=1024)
    blocks: int = Field(ge=1, le=8)
    expansion: int | None = Field(
        default=None, ge=1, le=8, description="block 'inverted_residual' alone: its hidden width over its input's"
    )
    kernel: Kernel
    stride: Literal[1, 2]


class BackboneRecipe(Contract):
    """A convolutional network over time."""

    block: BlockKind = Field(
        default="inverted_residual",
        description="of the stages: MobileNetV3's, one convolution ('plain'), or one with its input added ('residual')",
    )
    stem: int = Field(ge=4, le=256, description="width of the first convolution")
    stem_kernel: Kernel = 5
    stem_stride: Literal[1, 2, 4] = 2
    stages: tuple[StageRecipe, ...] = Field(min_length=1, max_length=8)
    features: int = Field(ge=8, le=2048, description="width of the last 1x1 convolution")
    activation: Literal["relu", "hardswish"]
    dropout: Fraction = 0.1

    @property
    def strides(self) -> int:
        """How many samples become one time step of the last stage."""
        return self.stem_stride * math.prod(stage.stride for stage in self.stages)

    @model_validator(mode="after")
    def _expansion_where_it_is_used(self) -> Self:
        for index, stage in enumerate(self.stages):
            if (stage.expansion is None) == (self.block == "inverted_residual"):
                problem = "has no expansion" if stage.expansion is None else f"has expansion = {stage.expansion}"
                remedy = "give it one" if stage.expansion is None else "leave it out: nothing there expands"
                raise ValueError(f"stage {index} {problem}, its block is '{self.block}': {remedy}")
        return self


class ModelRecipe(Contract):
    """Teacher, student and what stands ahead of both."""

    student: BackboneRecipe = BackboneRecipe(
        block="plain",
        stem=16,
        stages=(
            StageRecipe(width=24, blocks=1, kernel=5, stride=2),
            StageRecipe(width=40, blocks=1, kernel=5, stride=2),
            StageRecipe(width=64, blocks=1, kernel=3, stride=1),
        ),
        features=80,
        activation="relu",
        dropout=0.1,
    )
    teacher: BackboneRecipe = BackboneRecipe(
        block="plain",
        stem=24,
        stages=(
            StageRecipe(width=40, blocks=1, kernel=5, stride=2),
            StageRecipe(width=80, blocks=1, kernel=5, stride=2),
            StageRecipe(width=112, blocks=2, kernel=3, stride=1),
        ),
        features=128,
        activation="relu",
        dropout=0.1,
    )
    clip_sd: float = Field(default=6.0, gt=0, le=100, description="saturation of the normalised input")
    heads: tuple[HeadKind, ...] = Field(
        default=("linear", "hopfield", "cosine", "mlp"), min_length=1, description="candidates of the head search"
    )

    @field_validator("heads")
    @classmethod
    def _each_once(cls, value: tuple[HeadKind, ...]) -> tuple[HeadKind, ...]:
        if len(set(value)) != len(value):
            raise ValueError(f"heads repeat: {', '.join(value)}: name each once")
        return value

    @model_validator(mode="after")
    def _stages_pair(self) -> Self:
        student, teacher = len(self.student.stages), len(self.teacher.stages)
        if student != teacher:
            raise ValueError(
                f"the student has {student} stages, the teacher {teacher}: give both the same number, each student "
                "stage learns from the teacher's of the same place"
            )
        return self

    @field_validator("student")
    @classmethod
    def _quantisable(cls, value: BackboneRecipe) -> BackboneRecipe:
        if value.activation != "relu":
            raise ValueError(
                f"a student's activation is relu, got {value.activation}: hardswish costs instructions on every "
                "processor and does not run on a Jetson's DLA (docs/adr/0002): give it to the teacher alone"
            )
        return value


class AugmentRecipe(Contract):
    """Random changes of training windows, in SI units."""

    rotation_rad: float = Field(default=0.2, ge=0, le=3.2, description="deviation of one rotation of all triads")
    turns: Fraction = Field(
        default=0.0,
        description="chance that the sensors of one place are turned by half a turn about x, y or z: worn upside down, "
        "face inwards or on the other hand",
    )
    scale: float = Field(default=0.1, ge=0, lt=1, description="uniform, one factor a window")
    jitter: float = Field(default=0.03, ge=0, le=1, description="noise, in a channel's standard deviations")
    shift: int = Field(default=12, ge=0, le=512, description="largest time shift, samples")
    edge: Edge = Field(
        default="reflect",
        description="what a shift moves in: the window's other end ('wrap') or its own end, mirrored ('reflect')",
    )
    sensor_dropout: Fraction = Field(default=0.0, description="chance that one sensor of a window falls silent")


class TrainRecipe(Contract):
    """How both networks are trained. Same optimiser and schedule for every method."""

    teachers: int = Field(
        default=3, ge=1, le=16, description="networks that teach together, their probabilities averaged"
    )
    teacher_epochs: int = Field(default=40, ge=1, le=1000)
    student_epochs: int = Field(default=80, ge=1, le=1000)
    int8_epochs: int = Field(default=5, ge=0, le=1000, description="afterwards, of the student with int8 rounding")
    search_epochs: int = Field(default=5, ge=1, le=1000, description="head search on held-out training subjects")
    batch: int = Field(default=128, ge=2, le=4096)
    lr: float = Field(default=3e-3, gt=0, le=1)
    weight_decay: float = Field(default=1e-2, ge=0, le=1)
    warmup: Fraction = 0.1
    label_smoothing: float = Field(default=0.05, ge=0, lt=1)
    mixed: Fraction = Field(
        default=0.5, description="share of a batch that is mixed windows with mixed labels, where labels alone teach"
    )
    refit: bool = Field(default=True, description="after the head search, train on validation subjects too")
    augment: AugmentRecipe = AugmentRecipe()


_TAU, _TAU_AHEAD = 4.0, 1.0


class DistillRecipe(Contract):
    """The method, and SMLDist's weights (arXiv 2107.07331, docs/method.md); baselines: docs/baselines.md."""

    method: MethodName = Field(default="smldist", description="SMLDist, a baseline or a control: docs/baselines.md")
    weight: float | None = Field(
        default=None,
        ge=0,
        le=1e6,
        description="multiplies what the method adds to the loss of labels, published weight included; None: 1",
    )
    temperature: float | None = Field(
        default=None,
        gt=0,
        le=100,
        description="tau, of every method that has one; not given: 4, and 1 for answers given ahead",
    )
    logits: Fraction = Field(default=0.5, description="lambda: weight of the soft target, 1 - lambda that of the label")
    mixed: Fraction = Field(default=0.5, description="share of a batch that is mixed windows, taught without labels")
    smoothing: Fraction = Field(default=0.1, description="s: label smoothing where the teacher is wrong")
    unlabelled: float = Field(
        default=0.5, gt=0, lt=1, description="share of a batch that is unlabelled windows, where there are any"
    )
    crops: int = Field(default=3, ge=1, le=16, description="time shifts that an unlabelled window is answered at")
    neighbours: int | None = Field(
        default=None,
        ge=0,
        le=8,
        description="windows of the same recording on each side over which answers given ahead are averaged; not "
        "given: 0, 1 or 2, what serves validation people best where the lead is measured, else 0",
    )
    lead: Fraction = Field(
        default=0.25,
        description="share of the student's epochs that teacher and control train for before the student, to see "
        "whether the teacher knows more; 0 distils unseen",
    )
    stage: float = Field(default=0.0, ge=0, le=1000, description="weight of the stage loss at the start; fades to 0")
    emphasis: Fraction = Field(default=0.5, description="gamma: attention to strong frequencies; 0 is plain MSE")
    memory: float = Field(default=0.0, ge=0, le=1000, description="weight of the memory loss")
    retrieval: float = Field(
        default=1.0, ge=0, le=1000, description="lambda_r: weight of the retrieved pattern's error"
    )
    patterns: int = Field(default=8, ge=1, le=64, description="stored patterns a class")

    @property
    def factor(self) -> float:
        """`weight` as a number."""
        return 1.0 if self.weight is None else self.weight

    @property
    def tau(self) -> float:
        """`temperature` as a number, for a teacher beside the student's batches."""
        return _TAU if self.temperature is None else self.temperature

    def settled(self, ahead: bool) -> Self:
        """With its temperature as a number.

        Args:
            ahead: The teacher's answers were computed before the student is trained.
        """
        return self.model_copy(update={"temperature": _TAU_AHEAD}) if ahead and self.temperature is None else self


Core = Literal["cortex-a53", "cortex-a76"]
"""Processor cores whose instructions can be counted (factory/devices/profiles.py)."""


class ExportRecipe(Contract):
    """What leaves the factory."""

    precisions: tuple[Precision, ...] = Field(
        default=(Precision.FP32, Precision.FP16, Precision.INT8_STATIC),
        min_length=1,
        description="int8_dynamic only where asked for: it costs what fp32 costs, or more (docs/targets/tflite.md)",
    )
    calibration_windows: int = Field(default=512, ge=16, le=65536, description="of training subjects only")
    max_instructions: dict[Core, Annotated[int, Field(gt=0)]] = Field(
        default_factory=dict,
        description="by core: the build fails if its cheapest file takes more arm64 instructions an inference",
    )


class VerifyRecipe(Contract):
    """What verification draws; tolerances are factory.verification.tolerances, not a recipe's to loosen."""

    golden_windows: int = Field(default=256, ge=16, le=4096)
    latency_runs: int = Field(default=300, ge=30, le=100_000, description="timed inferences a precision")
    max_drop_pp: float = Field(
        default=1.0,
        ge=0,
        le=100,
        description="accuracy and macro-F1 that a build may lose against a published model (verify --baseline); "
        "another seed gives and takes 1",
    )


class Recipe(Contract):
    """One complete run."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")
    summary: str = Field(max_length=200)
    seed: int = Field(default=0, ge=0, lt=2**31)
    data: DataRecipe
    split: SplitRecipe = SplitRecipe()
    model: ModelRecipe = ModelRecipe()
    train: TrainRecipe = TrainRecipe()
    distill: DistillRecipe = DistillRecipe()
    export: ExportRecipe = ExportRecipe()
    verify: VerifyRecipe = VerifyRecipe()
    rejection: Rejection = Rejection()

    @model_validator(mode="after")
    def _table_described(self) -> Self:
        if (self.data.source == "table") != (self.data.description is not None):
            raise ValueError("data.description goes with source = 'table', and that source needs it")
        return self

    @property
    def answered_once(self) -> bool:
        """Whether the teacher cannot stand beside the student's batches, so that its answers are computed ahead."""
        data = self.data
        return data.unlabelled or data.teacher_channels is not None or self.split.labelled_people is not None

    def by_cross_entropy(self) -> Self:
        """The same recipe whose student learns from labels alone."""
        return self.model_copy(update={"distill": self.distill.model_copy(update={"method": "cross_entropy"})})

    @model_validator(mode="after")
    def _losses_to_be_had(self) -> Self:
        if not self.answered_once:
            return self
        method = self.distill.method
        if method in ON_FEATURES:
            able = [name for name in get_args(MethodName) if name not in ON_FEATURES]
            raise ValueError(
                f"distill.method = '{method}' compares inner features batch by batch; with data.teacher_channels, "
                "data.unlabelled or split.labelled_people the teacher's answers are computed once, and there are none: "
                f"take one of {', '.join(able)}"
            )
        if method in ("smldist", "random_teacher") and (self.distill.stage or self.distill.memory):
            raise ValueError(
                "distill.stage and distill.memory compare inner features batch by batch; with data.teacher_channels, "
                "data.unlabelled or split.labelled_people the teacher's answers are computed once: set both to 0"
            )
        return self

    @model_validator(mode="after")
    def _window_outlasts_strides(self) -> Self:
        for name, network in (("student", self.model.student), ("teacher", self.model.teacher)):
            strides = network.strides
            if self.data.window < _LEAST_STEPS * strides:
                raise ValueError(
                    f"data.window = {self.data.window}, but the {name}'s strides divide it by {strides} (the stem by "
                    f"{network.stem_stride}): at least {_LEAST_STEPS * strides} samples are needed: raise data.window, "
                    f"or set stride = 1 in some of model.{name}.stages"
                )
        return self

    def to_toml(self) -> str:
        """The resolved recipe, every value written out, as TOML."""
        return tomli_w.dumps(_without_none(self.model_dump(mode="json")))


def parse_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file.

    Raises:
        RecipeError: Not there, not readable, not TOML; names file and line.
    """
    try:
        return tomllib.loads(path.read_text("utf-8-sig"))  # editors on Windows write a byte order mark
    except FileNotFoundError as error:
        raise RecipeError(f"{path} does not exist: name a TOML file, or a shipped recipe (factory recipes)") from error
    except UnicodeDecodeError as error:
        raise RecipeError(f"{path} is not valid TOML: it is not UTF-8, save it as that") from error
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"{path} is not valid TOML: {error}: correct it there") from error
    except OSError as error:
        raise RecipeError(f"{path} cannot be read: {error.strerror}") from error


def load_recipe(path: Path) -> Recipe:
    """Read and check a recipe.

    Raises:
        RecipeError: Names the file, each wrong key, what was got and what is allowed.
    """
    return validate(Recipe, parse_toml(path), str(path))


def validate(model: type[ContractT], values: dict[str, Any], where: str) -> ContractT:
    """Build a contract from read values, turning pydantic's report into one line.

    Raises:
        RecipeError: Names `where` and each wrong key.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise RecipeError(f"{where}: {explain(error)}") from error


def explain(error: ValidationError) -> str:
    """Every problem of a validation error in one line: key, what is wrong, what was got."""
    problems = []
    for problem in error.errors():
        key = ".".join(str(part) for part in problem["loc"]) or "file"
        if problem["type"] == "extra_forbidden":
            problems.append(f"unknown key '{key}' (misspelt?)")
        elif problem["type"] == "missing":
            problems.append(f"'{key}' is missing")
        else:
            got = "" if isinstance(problem["input"], dict) else f", got {problem['input']!r:.80}"
            problems.append(f"'{key}': {problem['msg'].removeprefix('Value error, ')}{got}")
    return "; ".join(problems)


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_none(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_none(item) for item in value]
    return value
