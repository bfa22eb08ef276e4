"""Each check finds what it is for in recordings that were spoilt on purpose, and is quiet on good ones."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from factory.contracts.dataset import Recording
from factory.contracts.errors import DataError
from factory.contracts.progress import Silent
from factory.contracts.recipe import DataRecipe, Recipe, SplitRecipe
from factory.contracts.report import DataReport, Finding, Place, Severity
from factory.contracts.window import Channel, Quantity
from factory.data.checks import check, report_on
from factory.data.sources.layout import index_time, triad
from factory.data.survey import Survey, WindowPlan
from factory.data.units import triads
from factory.data.windows import plan_labels

CHANNELS = triad("acc", Quantity.ACCELEROMETER, "wrist") + triad("gyro", Quantity.GYROSCOPE, "wrist")
LABELS = ("rest", "walk")
PLAN = WindowPlan(length_s=2.56, hop_s=1.28, purity=1.0, max_gap_s=0.1)
RECIPE = Recipe(name="spoilt", summary="", data=DataRecipe(source="watch"), split=SplitRecipe(kind="groups", groups=2))


def recording(subject: str, seed: int, samples: int = 1000) -> Recording:
    """Half rest, half walk, at 50 Hz, gravity on z."""
    rng = np.random.default_rng(seed)
    strength = np.where(np.arange(samples) < samples // 2, 0.2, 2.0)[:, None]
    values = rng.normal([0, 0, 9.81, 0, 0, 0], strength, (samples, 6))
    return Recording(
        subject=subject,
        session=str(seed),
        time_s=index_time(samples, 50),
        samples=values.astype(np.float32),
        labels=(np.arange(samples) >= samples // 2).astype(np.int64),
    )


def good() -> list[Recording]:
    return [recording(subject, 10 * index + run) for index, subject in enumerate("abcd") for run in range(2)]


def survey(recordings: list[Recording], channels: tuple[Channel, ...] = CHANNELS) -> Survey:
    found = Survey(channels, plan_labels(LABELS, None, {}), PLAN)
    for one in recordings:
        found.add(one)
    return found


def report(recordings: list[Recording], channels: tuple[Channel, ...] = CHANNELS) -> DataReport:
    return report_on(RECIPE, survey(recordings, channels), None, None, ())


def codes(found: DataReport, severity: Severity | None = None) -> set[str]:
    return {f.code for f in found.findings if severity is None or f.severity is severity}


def spoil(column: int, change: object) -> list[Recording]:
    """Good recordings, one column of each replaced by what `change` makes of it."""
    assert callable(change)
    spoilt = []
    for one in good():
        samples = one.samples.copy()
        samples[:, column] = change(samples[:, column])
        spoilt.append(replace(one, samples=samples))
    return spoilt


def test_good_recordings_are_quiet() -> None:
    found = report(good())
    assert codes(found, Severity.ERROR) | codes(found, Severity.WARNING) == set()
    assert found.timing.rate_hz == pytest.approx(50)


def test_a_dead_channel_is_found() -> None:
    assert "channel.dead" in codes(report(spoil(4, np.zeros_like)), Severity.WARNING)


def test_a_channel_dead_in_one_recording_is_found() -> None:
    recordings = good()
    samples = recordings[2].samples.copy()
    samples[:, 4] = 0
    recordings[2] = replace(recordings[2], samples=samples)
    found = report(recordings)
    assert found.channels[4].dead_recordings == 1
    assert "channel.sometimes_dead" in codes(found)


def test_a_clipped_channel_is_found() -> None:
    found = report(spoil(0, lambda x: np.clip(x, -1, 1)))
    assert found.channels[0].stuck_share > 0.05
    assert "channel.clipped" in codes(found, Severity.WARNING)


def test_a_copied_channel_is_found_even_scaled() -> None:
    recordings = [
        replace(r, samples=r.samples[:, [0, 1, 2, 3, 4, 3]] * np.array([1, 1, 1, 1, 1, -2], np.float32)) for r in good()
    ]
    found = report(recordings)
    assert found.channels[5].duplicate_of == "gyro_x"
    assert "channel.duplicate" in codes(found)


def test_samples_that_are_not_finite_are_an_error_and_do_not_spread() -> None:
    recordings = good()
    recordings[0].samples[7, 1] = np.nan
    recordings[0].samples[8, 1] = np.inf
    found = report(recordings)
    assert found.channels[1].non_finite == 2
    assert found.channels[1].maximum is not None
    assert "channel.not_finite" in codes(found, Severity.ERROR)


def test_acceleration_in_g_is_an_error() -> None:
    recordings = [replace(r, samples=r.samples / np.float32(9.81)) for r in good()]
    found = report(recordings)
    assert found.sensors[0].likely_unit == "g"
    assert "unit.accelerometer" in codes(found, Severity.ERROR)


def test_rotation_in_degrees_is_an_error() -> None:
    recordings = [replace(r, samples=r.samples * np.array([1, 1, 1, 57, 57, 57], np.float32)) for r in good()]
    assert "unit.gyroscope" in codes(report(recordings), Severity.ERROR)


def test_missing_gravity_is_an_error() -> None:
    recordings = [replace(r, samples=r.samples - np.array([0, 0, 9.81, 0, 0, 0], np.float32)) for r in good()]
    assert "gravity.mismatch" in codes(report(recordings), Severity.ERROR)


def test_undeclared_gravity_is_an_error() -> None:
    channels = triad("acc", Quantity.LINEAR_ACCELERATION, "wrist") + CHANNELS[3:]
    assert "gravity.mismatch" in codes(report(good(), channels), Severity.ERROR)


def test_jitter_gaps_and_a_clock_that_runs_backwards_are_found() -> None:
    recordings = good()
    rng = np.random.default_rng(0)
    recordings[0] = replace(recordings[0], time_s=recordings[0].time_s + rng.uniform(0, 0.019, 1000))
    recordings[1] = replace(recordings[1], time_s=recordings[1].time_s + 3.0 * (np.arange(1000) > 500))
    backwards = recordings[2].time_s.copy()
    backwards[10] = backwards[9]
    recordings[2] = replace(recordings[2], time_s=backwards)
    found = report(recordings)
    assert found.timing.gaps == 1
    assert found.timing.longest_gap_s == pytest.approx(3.02)
    assert found.timing.backwards == 1
    assert {"timing.jitter", "timing.gaps", "timing.backwards"} <= codes(found)


def test_one_recording_under_two_subjects_is_leakage() -> None:
    recordings = good()
    recordings.append(replace(recordings[0], subject="z"))
    assert "leakage.recording" in codes(report(recordings), Severity.ERROR)


def test_one_recording_twice_under_a_subject_is_a_warning() -> None:
    recordings = good()
    recordings.append(replace(recordings[0], session="again"))
    assert "recording.copy" in codes(report(recordings), Severity.WARNING)


def test_an_unknown_label_is_an_error() -> None:
    recordings = good()
    recordings[0].labels[:5] = 7
    assert "label.unknown" in codes(report(recordings), Severity.ERROR)


def test_a_class_without_samples_is_an_error() -> None:
    recordings = [replace(r, labels=np.zeros_like(r.labels)) for r in good()]
    assert "class.empty" in codes(report(recordings), Severity.ERROR)


def test_a_rare_class_is_a_warning() -> None:
    recordings = [replace(r, labels=(np.arange(1000) > 960).astype(np.int64)) for r in good()]
    assert "class.imbalance" in codes(report(recordings), Severity.WARNING)


def test_findings_say_where_they_occur() -> None:
    recordings = good()
    recordings[0].samples[7:9, 1] = np.nan
    recordings[2].samples[:, 4] = 0
    recordings[3] = replace(recordings[3], time_s=recordings[3].time_s + 3.0 * (np.arange(1000) > 500))
    recordings.append(replace(recordings[4], subject="z"))
    places = {finding.code: finding.places for finding in report(recordings).findings}
    (lost,) = places["channel.not_finite"]
    assert (lost.subject, lost.session) == ("a", "0")
    assert [lost.start_s, lost.end_s] == pytest.approx([0.14, 0.16])
    (dead,) = places["channel.sometimes_dead"]
    assert dead == Place(subject="b", session="10")
    (gap,) = places["timing.gaps"]
    assert gap.subject == "b"
    assert [gap.start_s, gap.end_s] == pytest.approx([10, 13.02])
    assert [place.subject for place in places["leakage.recording"]] == ["c", "z"]


def test_places_outlive_merging() -> None:
    recordings = good()
    recordings[5].samples[7, 1] = np.nan
    first, second = survey(recordings[:3]), survey(recordings[3:])
    first.merge(second)
    found = {f.code: f.places for f in report_on(RECIPE, first, None, None, ()).findings}
    assert [place.session for place in found["channel.not_finite"]] == [recordings[5].session]


def test_one_person_in_g_is_named_and_figures_of_all_are_not_judged() -> None:
    recordings = good()
    for one in recordings[:2]:
        one.samples[:, :3] /= np.float32(9.81)
    found = report(recordings)
    assert [f.code for f in found.errors] == ["unit.mixed"]
    assert "subject a looks like g" in found.errors[0].message


def test_zeros_and_rates_reach_the_report() -> None:
    recordings = good()
    recordings[0].samples[400:700] = 0
    recordings[1] = replace(recordings[1], time_s=recordings[1].time_s * 2)
    recordings[0] = replace(recordings[0], time_s=recordings[0].time_s * 2)
    assert {"signal.zeros", "timing.subject_rate"} <= codes(report(recordings))


def test_a_device_worn_the_other_way_round_reaches_the_report_and_outlives_merging() -> None:
    recordings = good()
    for one in recordings[:2]:
        one.samples[:, :3] *= -1
    assert "gravity.direction" in codes(report(recordings), Severity.WARNING)
    first, second = survey(recordings[:3]), survey(recordings[3:])
    first.merge(second)
    assert "gravity.direction" in {found.code for found in report_on(RECIPE, first, None, None, ()).findings}


def test_subjects_named_as_recordings_are_a_warning() -> None:
    named = [replace(one, subject=f"{one.subject}_{run % 2}") for run, one in enumerate(good())]
    assert "subject.recordings" in codes(report(named), Severity.WARNING)
    assert "subject.recordings" not in codes(report(good()))


def test_a_class_without_windows_names_windows_that_work() -> None:
    recordings = [replace(r, labels=(np.arange(1000) % 500 < 100).astype(np.int64)) for r in good()]
    found = survey(recordings)
    entry = report_on(RECIPE, found, None, None, ()).classes[1]
    assert [entry.median_s, entry.longest_s] == pytest.approx([2, 2])
    problem = Finding(severity=Severity.ERROR, code="window.none", where="data", message="no window is left")
    told = [f for f in report_on(RECIPE, found, None, None, [problem]).findings if f.code == "class.empty"]
    assert "data.window = 64 (1.28 s) with data.hop = 32" in told[-1].message


def test_two_subjects_are_too_few() -> None:
    assert "subject.too_few" in codes(report(good()[:4]), Severity.ERROR)


def test_windows_over_a_label_boundary_are_counted() -> None:
    boundaries = report(good()).boundaries
    assert boundaries is not None
    assert boundaries.candidates == 8 * 14
    assert 0 < boundaries.candidates - boundaries.pure <= 8 * 2
    assert boundaries.mean_purity is not None
    assert 0.5 <= boundaries.mean_purity < 1


def test_a_rate_above_the_recorded_one_is_a_warning() -> None:
    fast = RECIPE.model_copy(update={"data": RECIPE.data.model_copy(update={"rate_hz": 100.0})})
    found = report_on(fast, survey(good()), None, None, ())
    assert "timing.upsampled" in codes(found, Severity.WARNING)


def test_merged_surveys_equal_one() -> None:
    recordings = good()
    whole, first, second = survey(recordings), survey(recordings[:3]), survey(recordings[3:])
    first.merge(second)
    one, other = (report_on(RECIPE, s, None, None, ()) for s in (whole, first))
    assert one.timing.model_dump() == pytest.approx(other.timing.model_dump())
    assert one.boundaries is not None
    assert other.boundaries is not None
    assert one.boundaries.model_dump() == pytest.approx(other.boundaries.model_dump())
    assert [c.samples for c in one.classes] == [c.samples for c in other.classes]
    assert [s.recordings for s in one.subjects] == [s.recordings for s in other.subjects]
    for mine, theirs in zip(one.channels, other.channels, strict=True):
        assert (mine.minimum, mine.maximum, mine.dead) == (theirs.minimum, theirs.maximum, theirs.dead)
        assert mine.mean == pytest.approx(theirs.mean, abs=1e-9)


def test_a_copy_across_merged_surveys_is_found() -> None:
    first, second = survey(good()[:1]), survey([replace(good()[0], subject="z")])
    first.merge(second)
    assert [twin.same_subject for twin in first.twins] == [False]


def test_a_sensor_without_all_axes_is_no_triad() -> None:
    assert list(triads(CHANNELS[:5])) == ["acc"]


def test_the_watch_recordings_pass(tmp_path: Path) -> None:
    found = check(RECIPE, None, tmp_path, Silent())
    assert found.errors == ()
    assert found.split is not None
    assert sum(found.split.windows.values()) == sum(c.windows or 0 for c in found.classes)
    assert {s.part for s in found.subjects} == {"train", "validation", "test"}


def test_a_window_longer_than_all_recordings_is_a_finding(tmp_path: Path) -> None:
    long = RECIPE.model_copy(update={"data": DataRecipe(source="watch", window=4096)})
    found = check(long, None, tmp_path, Silent())
    assert "window.none" in codes(found, Severity.ERROR)


def test_no_data_folder_is_one_line(tmp_path: Path) -> None:
    recipe = RECIPE.model_copy(update={"data": DataRecipe(source="hapt")})
    with pytest.raises(DataError, match="--data"):
        check(recipe, None, tmp_path, Silent())


@pytest.fixture(scope="module", params=["uci_har", "hapt", "motionsense"])
def official(request: pytest.FixtureRequest, data_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> DataReport:
    recipe = Recipe(name="real", summary="", data=DataRecipe(source=request.param), split=SplitRecipe(kind="official"))
    return check(recipe, data_folder, tmp_path_factory.mktemp("cache"), Silent())


@pytest.mark.data
@pytest.mark.slow
def test_the_documented_facts_are_found(official: DataReport) -> None:
    assert official.errors == ()
    assert official.timing.rate_hz == pytest.approx(50, rel=1e-3)
    sensors = {sensor.name: sensor for sensor in official.sensors}
    assert (sensors["acc"].likely_unit, sensors["acc"].likely_gravity) == ("m/s^2", True)
    assert sensors["gyro"].likely_unit == "rad/s"
    if "body_acc" in sensors:
        assert sensors["body_acc"].likely_gravity is False
    assert len(official.subjects) == (24 if official.source == "motionsense" else 30)


@pytest.mark.data
@pytest.mark.slow
def test_motionsense_holds_one_recording_twice(official: DataReport) -> None:
    assert ("recording.copy" in codes(official)) == (official.source == "motionsense")


def test_boundaries_of_a_grid_are_not_reported_where_windows_begin_with_labels(tmp_path: Path) -> None:
    recipe = RECIPE.model_copy(update={"data": RECIPE.data.model_copy(update={"anchor": "label"})})
    assert check(recipe, None, tmp_path, Silent()).boundaries is None
    assert check(RECIPE, None, tmp_path, Silent()).boundaries is not None
