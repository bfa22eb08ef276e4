"""What the figures of a `DataReport` mean: rules, each a finding with its remedy.

An error is what makes results wrong whatever is trained: leakage, a wrong unit, values that are not
finite. A warning is what a person should look at. The rest is for information.
"""

from collections.abc import Iterable, Iterator

from factory.contracts.recipe import DataRecipe
from factory.contracts.report import DataReport, Finding, SensorReport, Severity
from factory.contracts.window import Quantity
from factory.data.label_stretches import advice, too_short

_ERROR, _WARNING, _INFO = Severity.ERROR, Severity.WARNING, Severity.INFO
_ORDER = tuple(Severity)

_JITTERY = 0.05
"""Share of intervals that are off by a fifth, above which the clock is called uneven."""
_STUCK = 0.001
"""Share of samples at an extreme, above which a channel is called clipped."""
_UPSAMPLING = 1.1
_IMBALANCE = 10.0
_LEAST_SUBJECTS = 3
_MOSTLY_LOST = 0.5


def judge(report: DataReport, recipe: DataRecipe) -> tuple[Finding, ...]:
    """Every finding on the report's figures, gravest first; `recipe` is what cut the windows."""
    rules = (_timing, _channels, _sensors, _classes, _subjects, _boundaries, _split)
    found = [finding for rule in rules for finding in rule(report)]
    return in_order([*found, *_empty_classes(report, recipe)])


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Errors, then warnings, then information; otherwise as they came."""
    return tuple(sorted(findings, key=lambda finding: _ORDER.index(finding.severity)))


def rate_finding(measured_hz: float | None, wanted_hz: float) -> Finding | None:
    """What it means that the recipe asks for another rate than was measured."""
    if measured_hz is None or abs(measured_hz / wanted_hz - 1) < 0.02:
        return None
    if wanted_hz > _UPSAMPLING * measured_hz:
        message = f"recorded at {measured_hz:.4g} Hz, the recipe asks for {wanted_hz:g}: set data.rate_hz no higher"
        return _finding(_WARNING, "timing.upsampled", "data", message)
    message = f"recorded at {measured_hz:.4g} Hz, resampled to {wanted_hz:g} Hz"
    return _finding(_INFO, "timing.resampled", "data", message)


def _finding(severity: Severity, code: str, where: str, message: str) -> Finding:
    return Finding(severity=severity, code=code, where=where, message=message)


def _timing(report: DataReport) -> Iterator[Finding]:
    timing = report.timing
    if timing.backwards:
        message = f"{timing.backwards} time stamps repeat or run backwards: sort or repair the recordings"
        yield _finding(_ERROR, "timing.backwards", "data", message)
    if timing.off_share > _JITTERY:
        message = (
            f"{timing.off_share:.1%} of the intervals are more than 20 % off the median "
            f"({1000 * (timing.interval_median_s or 0):.4g} ms): resampling by time stamp evens it out; "
            "check the time column if the rate looks wrong"
        )
        yield _finding(_WARNING, "timing.jitter", "data", message)
    if timing.gaps:
        message = f"{timing.gaps} gaps, the longest {timing.longest_gap_s:.4g} s: recordings are split there"
        yield _finding(_INFO, "timing.gaps", "data", message)


def _channels(report: DataReport) -> Iterator[Finding]:
    for channel in report.channels:
        if channel.non_finite:
            message = f"{channel.non_finite} samples are NaN or infinite: remove those rows; a gap is handled"
            yield _finding(_ERROR, "channel.not_finite", channel.name, message)
        if channel.dead:
            message = f"always {channel.minimum:g}: a dead sensor; leave it out with data.channels"
            yield _finding(_WARNING, "channel.dead", channel.name, message)
        elif channel.dead_recordings:
            message = f"constant throughout {channel.dead_recordings} recordings: look at them, or leave them out"
            yield _finding(_WARNING, "channel.sometimes_dead", channel.name, message)
        if channel.stuck_share > _STUCK:
            message = (
                f"{channel.stuck_share:.2%} of the samples stay at its limits "
                f"({channel.minimum:.4g} and {channel.maximum:.4g} {channel.unit}): clipped; widen the sensor's range"
            )
            yield _finding(_WARNING, "channel.clipped", channel.name, message)
        if channel.duplicate_of and not channel.dead:
            message = f"the same signal as {channel.duplicate_of}: leave one of them out with data.channels"
            yield _finding(_WARNING, "channel.duplicate", channel.name, message)


def _sensors(report: DataReport) -> Iterator[Finding]:
    for sensor in report.sensors:
        acceleration = sensor.quantity in (Quantity.ACCELEROMETER, Quantity.LINEAR_ACCELERATION)
        if sensor.likely_unit and sensor.likely_unit != sensor.unit:
            message = (
                f"declared {sensor.unit}, but looks like {sensor.likely_unit} ({sensor.evidence}): correct its unit"
            )
            yield _finding(_ERROR if sensor.certain else _WARNING, f"unit.{sensor.quantity}", sensor.name, message)
        elif sensor.likely_unit is None and sensor.likely_gravity:
            message = f"{sensor.evidence}: is the unit right, or converted twice?"
            yield _finding(_WARNING, f"unit.{sensor.quantity}", sensor.name, message)
        if acceleration and sensor.likely_gravity is not None and sensor.likely_gravity != sensor.gravity:
            yield _gravity(sensor)


def _gravity(sensor: SensorReport) -> Finding:
    if sensor.gravity:
        message = (
            f"declared with gravity, but there is none ({sensor.evidence}): declare gravity = false, "
            "or record the raw accelerometer; a phone delivers gravity"
        )
    else:
        message = f"declared without gravity, but it is there ({sensor.evidence}): declare gravity = true"
    return _finding(_ERROR if sensor.certain else _WARNING, "gravity.mismatch", sensor.name, message)


def _classes(report: DataReport) -> Iterator[Finding]:
    for entry in report.classes:
        if entry.subjects == 1 and entry.windows != 0:
            message = "comes from one subject only: it is missing in training or in test; record more people"
            yield _finding(_WARNING, "class.one_subject", entry.label, message)
    filled = sorted((c for c in report.classes if c.seconds > 0), key=lambda c: c.seconds)
    if len(filled) > 1 and filled[-1].seconds > _IMBALANCE * filled[0].seconds:
        few, many = filled[0], filled[-1]
        message = (
            f"{few.label} has {few.seconds:.0f} s, {many.label} {many.seconds:.0f} s: judge by macro-F1, not accuracy"
        )
        yield _finding(_WARNING, "class.imbalance", "data", message)


def _empty_classes(report: DataReport, recipe: DataRecipe) -> Iterator[Finding]:
    nothing = "window.none" in {finding.code for finding in report.findings}
    for entry in report.classes:
        if not entry.samples:
            message = "has no samples: leave it out with data.labels, or record it"
            yield _finding(_ERROR, "class.empty", entry.label, message)
        elif entry.median_s is None or entry.longest_s is None:
            continue
        elif entry.windows == 0 or (nothing and too_short(recipe, entry.longest_s)):
            remedy = advice(recipe, entry.median_s, entry.longest_s, gaps=nothing)
            yield _finding(_ERROR, "class.empty", entry.label, f"has no windows: {remedy}; or leave it out")


def _subjects(report: DataReport) -> Iterator[Finding]:
    if len(report.subjects) < _LEAST_SUBJECTS:
        message = (
            f"{len(report.subjects)} subjects: training, selection and test need different people, at least 3; "
            "record more, or name the subject column"
        )
        yield _finding(_ERROR, "subject.too_few", "data", message)
    partial = [s.subject for s in report.subjects if s.windows and 0 in s.windows_per_class.values()]
    if partial:
        named = ", ".join(partial[:8]) + (" ..." if len(partial) > 8 else "")
        message = f"{len(partial)} of {len(report.subjects)} subjects lack a class ({named})"
        yield _finding(_INFO, "subject.lacks_class", "data", message)
    for subject in report.subjects:
        if subject.windows == 0 and not subject.unlabelled:
            message = "gives no window: too short, unlabelled or too mixed"
            yield _finding(_WARNING, "subject.empty", subject.subject, message)


def _boundaries(report: DataReport) -> Iterator[Finding]:
    found = report.boundaries
    labelled = found.candidates - found.unlabelled if found else 0
    if found and labelled and found.mean_purity is not None:
        share = 1 - found.kept / labelled
        message = (
            f"{labelled - found.pure} of {labelled} labelled windows straddle a label boundary (mean purity "
            f"{found.mean_purity:.2f}); data.purity leaves out {labelled - found.kept} ({share:.1%})"
        )
        yield _finding(_WARNING if share > _MOSTLY_LOST else _INFO, "window.boundaries", "data", message)
    for reason, number in report.lost.items():
        yield _finding(_INFO, "window.lost", "data", f"{number} {reason} left out")


def _split(report: DataReport) -> Iterator[Finding]:
    if report.split is None:
        return
    for part in ("train", "validation", "test"):
        members = [s for s in report.subjects if s.part == part]
        for entry in report.classes:
            if members and entry.windows and not any(s.windows_per_class.get(entry.label) for s in members):
                severity = _ERROR if part == "train" else _WARNING
                message = f"no {part} subject has it: choose other test subjects, another fold or merge classes"
                yield _finding(severity, "class.missing_in_part", f"{entry.label}, {part}", message)
    if report.split.near_duplicates:
        message = (
            f"{report.split.near_duplicates} held-out windows nearly equal one of another part (still segments "
            "do; look whether a recording was copied)"
        )
        yield _finding(_WARNING, "split.near_duplicates", "data", message)
