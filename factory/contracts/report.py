"""DataReport: what `factory data check` found in recordings, windows and their split."""

from enum import StrEnum
from typing import Literal

from pydantic import Field

from factory.contracts.base import Contract
from factory.contracts.window import Quantity


class Severity(StrEnum):
    """How much a finding matters. Only an error changes the exit code."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Place(Contract):
    """A stretch of one recording; without start and end, all of it."""

    subject: str
    session: str
    start_s: float | None = Field(default=None, description="on the recording's own clock")
    end_s: float | None = None


class Finding(Contract):
    """One observation, in one line, with what to do about it."""

    severity: Severity
    code: str = Field(pattern=r"^[a-z_]+(\.[a-z_]+)+$", description="stable name, for example unit.accelerometer")
    where: str = Field(description="the channel, subject, class or part concerned; 'data' for all of it")
    message: str
    places: tuple[Place, ...] = Field(default=(), description="where it occurs, if known; the first few")


class Timing(Contract):
    """Time stamps of all recordings, before resampling."""

    recordings: int
    samples: int
    seconds: float
    rate_hz: float | None = Field(description="1 / median interval; None without two samples in a recording")
    interval_median_s: float | None
    interval_p95_s: float | None
    off_share: float = Field(description="share of intervals more than 20 % off the median")
    backwards: int = Field(description="intervals that are zero or negative")
    gaps: int = Field(description="intervals longer than the recipe's max_gap_s")
    longest_gap_s: float | None


class ChannelReport(Contract):
    """One channel over all recordings, in the unit it is declared in, after conversion to SI."""

    name: str
    unit: str
    minimum: float | None
    maximum: float | None
    mean: float | None
    sd: float | None
    stuck_share: float = Field(description="share of samples that stay at the largest or smallest value (clipping)")
    dead: bool = Field(description="constant over all recordings")
    dead_recordings: int = Field(description="recordings of at least a second in which it is constant")
    duplicate_of: str | None = Field(description="an earlier channel with |r| > 0.9999")
    non_finite: int


class SensorReport(Contract):
    """One triad of axes: does it look like what it is declared to be?"""

    name: str
    quantity: Quantity
    unit: str = Field(description="as declared, after conversion")
    likely_unit: str | None = Field(description="what the values look like; None when they do not tell")
    gravity: bool = Field(description="as declared")
    likely_gravity: bool | None = Field(description="accelerometers: is the one-second mean a steady vector?")
    certain: bool = Field(description="whether a contradiction is an error rather than a doubt")
    evidence: str


class ClassReport(Contract):
    """How much there is of one class."""

    label: str
    samples: int
    seconds: float
    windows: int | None = Field(description="None when no windows were prepared")
    subjects: int
    median_s: float | None = Field(default=None, description="of its labelled stretches without a gap")
    longest_s: float | None = None


class SubjectReport(Contract):
    """What one subject contributes."""

    subject: str
    part: Literal["train", "validation", "test", "unlabelled"] | None = Field(
        description="'unlabelled' for people of whom nothing is labelled"
    )
    recordings: int
    seconds: float
    windows: int | None = Field(description="labelled ones")
    windows_per_class: dict[str, int] = Field(default_factory=dict)
    unlabelled: int = Field(default=0, description="windows without a label, which data.unlabelled cuts")


class BoundaryReport(Contract):
    """Candidate windows of the recipe's length and hop, by the share of samples that carry their main label."""

    candidates: int
    pure: int = Field(description="candidates of a single label")
    kept: int = Field(description="candidates at or above the recipe's purity")
    unlabelled: int = Field(description="candidates whose main label is none")
    mean_purity: float | None = Field(description="of labelled candidates that straddle a boundary")


class WindowLengthReport(Contract):
    """What another window length would change, judged by trees on statistics of training people's windows alone."""

    window: int = Field(description="samples")
    seconds: float
    recipe_window: int = Field(description="samples; what it is compared with")
    moments: int = Field(description="points in time at which windows of both lengths end, and are judged")
    folds: int = Field(description="groups of people; each is judged by trees that were fitted on the others")
    macro_f1: float = Field(description="mean over folds")
    recipe_macro_f1: float = Field(description="of the recipe's length, at the same moments")
    gain_pp: float = Field(description="percentage points of macro-F1, mean over folds")
    spread_pp: float = Field(description="standard deviation of the gain over folds")
    without: tuple[str, ...] = Field(description="classes that have windows of the recipe's length, but none of this")


class SplitReport(Contract):
    """Who trains, who selects, who tests, and whether anything stands on both sides."""

    windows: dict[str, int] = Field(description="per part")
    subjects: dict[str, tuple[str, ...]] = Field(description="per part")
    near_duplicates: int = Field(description="test or validation windows nearly equal to one of another part")


class DataReport(Contract):
    """Everything `factory data check` measured, and its findings, gravest first."""

    source: str
    recipe: str | None
    timing: Timing
    channels: tuple[ChannelReport, ...]
    sensors: tuple[SensorReport, ...]
    classes: tuple[ClassReport, ...]
    subjects: tuple[SubjectReport, ...]
    boundaries: BoundaryReport | None = Field(description="None where windows begin with labels, not on a grid")
    lost: dict[str, int] = Field(description="windows or samples left out, by reason")
    split: SplitReport | None
    window_lengths: tuple[WindowLengthReport, ...] = Field(default=(), description="empty where none were compared")
    findings: tuple[Finding, ...]

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that make the data unusable."""
        return tuple(finding for finding in self.findings if finding.severity is Severity.ERROR)
