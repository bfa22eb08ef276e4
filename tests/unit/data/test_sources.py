"""Each source delivers SI units in Android's signs, and refuses a folder that is not what its authors publish."""

import hashlib
import io
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from factory.contracts.dataset import Recording, WindowSet
from factory.contracts.errors import DataError, MissingToolError, RecipeError
from factory.contracts.progress import Silent
from factory.contracts.recipe import DataRecipe, SplitRecipe
from factory.contracts.window import Quantity
from factory.data import make_split, prepare
from factory.data.sources import SOURCES, Source, open_source
from factory.data.sources.layout import STANDARD_GRAVITY, read_numbers
from factory.data.sources.motionsense import MotionSense
from factory.data.sources.watch import load_watch, read_arrays

OFFICIAL = ("uci_har", "hapt", "motionsense", "dsads")


def all_of(source: Source, folder: Path | None) -> list[Recording]:
    return list(source.recordings(folder, Silent()))


def prepared(data_folder: Path, cache: Path, **settings: object) -> WindowSet:
    return prepare(DataRecipe.model_validate(settings), data_folder, cache, Silent())


def test_every_named_source_can_be_opened_and_describes_itself() -> None:
    for name in set(SOURCES) - {"table"}:
        source = open_source(name)
        assert source.name == name
        assert len(source.labels) >= 2
        assert source.cite
        assert source.terms


def test_unknown_source_and_table_without_description_are_refused() -> None:
    with pytest.raises(RecipeError, match="choose one of watch, uci_har"):
        open_source("uci")
    with pytest.raises(RecipeError, match=r"needs data.description"):
        open_source("table")


@pytest.mark.parametrize("name", OFFICIAL)
def test_folder_without_recordings_says_what_was_expected_where(name: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=f"{name}: found no .* in any of {tmp_path}.*factory data fetch {name}"):
        open_source(name).files(tmp_path)
    with pytest.raises(DataError, match="name it with --data"):
        open_source(name).files(None)


def test_watch_holds_140_recordings_with_gravity_in_si() -> None:
    recordings = all_of(open_source("watch"), None)
    assert len(recordings) == 140
    assert len({recording.subject for recording in recordings}) == 10
    samples = np.concatenate([recording.samples for recording in recordings])
    assert 9 < np.median(np.linalg.norm(samples[:, :3], axis=1)) < 11.5
    # rad/s: a shoulder exercise turns the wrist at some radians a second, not at some hundred degrees.
    assert 2 < np.percentile(np.abs(samples[:, 3:]), 99) < 10


def test_watch_never_imports_seglearn() -> None:
    code = (
        "import sys; from factory.contracts.progress import Silent; from factory.data.sources import open_source;"
        "next(open_source('watch').recordings(None, Silent())); assert 'seglearn' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_watch_refuses_a_changed_file(tmp_path: Path) -> None:
    path = tmp_path / "watch_dataset.npy"
    path.write_bytes(b"\x93NUMPY")
    with pytest.raises(DataError, match="expected eb122f23cdf0"):
        load_watch(path)


def test_watch_says_how_to_install_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(MissingToolError, match=r"pip install seglearn==1.2.5"):
        open_source("watch").files(None)


class _Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (eval, ("1/0",))


@pytest.mark.parametrize("content", [_Evil(), [Path("x")], {"a": hashlib.sha256}])
def test_pickle_that_names_anything_but_arrays_is_refused(content: object) -> None:
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": "|O", "fortran_order": False, "shape": ()})
    pickle.dump(content, stream)
    with pytest.raises(DataError, match="which no array needs"):
        read_arrays(stream.getvalue())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 2 3\n4 5\n", "row 2: 2 values, expected 3"),
        ("1 2 3\n4 x 6\n", "row 2: a value is not a finite number"),
        ("1 2 3\n4 nan 6\n", "row 2: a value is not a finite number"),
        ("", "holds no rows"),
    ],
)
def test_damaged_number_file_is_named_with_the_row(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "a.txt"
    path.write_text(text)
    with pytest.raises(DataError, match=message):
        read_numbers(path, 3)


def ios_trial(folder: Path) -> Path:
    """Two MotionSense files of a phone that lies on its back at rest, turning slowly to the left."""
    header = (
        ",attitude.roll,attitude.pitch,attitude.yaw,gravity.x,gravity.y,gravity.z,"
        "rotationRate.x,rotationRate.y,rotationRate.z,userAcceleration.x,userAcceleration.y,userAcceleration.z"
    )
    for trial in ("std_6", "sit_5"):
        path = folder / "A_DeviceMotion_data" / trial / "sub_4.csv"
        path.parent.mkdir(parents=True)
        path.write_text(header + "\n" + "0,0,0,0,0,0,-1,0,0,0.5,0,0,0\n" * 200)
    return folder


def test_phone_on_its_back_reads_plus_gravity_on_z_as_on_android(tmp_path: Path) -> None:
    recording = next(MotionSense().recordings(ios_trial(tmp_path), Silent()))
    assert np.allclose(recording.samples[0], [0, 0, STANDARD_GRAVITY, 0, 0, 0.5])


def test_motionsense_with_other_columns_is_refused(tmp_path: Path) -> None:
    path = ios_trial(tmp_path) / "A_DeviceMotion_data/sit_5/sub_4.csv"
    path.write_text(path.read_text().replace("gravity.x,gravity.y", "gravity.y,gravity.x"))
    with pytest.raises(DataError, match="row 1: columns are"):
        all_of(MotionSense(), tmp_path)


def hapt_trial(folder: Path, labels: str = "1 7 5 3 4\n1 7 7 6 8\n") -> Path:
    raw = folder / "RawData"
    raw.mkdir()
    (raw / "acc_exp01_user07.txt").write_text("1 0 0\n" * 10)
    (raw / "gyro_exp01_user07.txt").write_text("0 0 0.5\n" * 10)
    (raw / "labels.txt").write_text(labels)
    return folder


def test_hapt_ranges_count_from_one_and_include_the_last(tmp_path: Path) -> None:
    (recording,) = all_of(open_source("hapt"), hapt_trial(tmp_path))
    assert recording.labels.tolist() == [-1, -1, 4, 4, -1, 6, 6, 6, -1, -1]
    assert recording.subject == "7"
    assert recording.samples[0].tolist() == pytest.approx([9.80665, 0, 0, 0, 0, 0.5])


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ("1 7 5 3 11\n", "labelled up to sample 11, but its recording has 10"),
        ("1 7 13 3 4\n", "row 1: expected a label"),
    ],
)
def test_hapt_labels_outside_the_recording_are_refused(tmp_path: Path, labels: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        all_of(open_source("hapt"), hapt_trial(tmp_path, labels))


def test_hapt_names_a_missing_gyroscope_file(tmp_path: Path) -> None:
    (hapt_trial(tmp_path) / "RawData/gyro_exp01_user07.txt").unlink()
    with pytest.raises(DataError, match=r"gyro_exp01_user07.txt is missing"):
        open_source("hapt").files(tmp_path)


@pytest.mark.data
def test_uci_har_gives_the_published_windows_in_their_order(data_folder: Path, tmp_path: Path) -> None:
    windows = prepared(data_folder, tmp_path, source="uci_har")
    assert windows.x.shape == (10299, 9, 128)
    root = open_source("uci_har").files(data_folder)[0].parents[2]
    for part, rows in (("train", slice(0, 7352)), ("test", slice(7352, None))):
        signals = root / part / "Inertial Signals"
        published = read_numbers(signals / f"total_acc_y_{part}.txt", 128)[::37] * STANDARD_GRAVITY
        assert np.array_equal(windows.x[rows][::37, 1], published.astype(np.float32))
        assert np.array_equal(windows.y[rows] + 1, read_numbers(root / part / f"y_{part}.txt", 1)[:, 0])
        assert (
            windows.subject[rows].astype(int).tolist()
            == read_numbers(root / part / f"subject_{part}.txt", 1)[:, 0].tolist()
        )
    split = make_split(windows, SplitRecipe(), 0)
    assert len(split.test) == 2947
    # Windows of one run overlap by half; most stand in a run, or the reconstruction found none.
    assert len(np.unique(windows.recording)) < 1500


@pytest.mark.data
def test_uci_har_contract_names_filters_and_derived_channels(data_folder: Path, tmp_path: Path) -> None:
    names = ("acc_x", "acc_y", "acc_z", "gyro_x", "gyro_y", "gyro_z")
    nine, six = (prepared(data_folder, tmp_path, source="uci_har", **extra).spec for extra in ({}, {"channels": names}))
    assert [channel.name for channel in nine.channels if channel.derived] == ["body_acc_x", "body_acc_y", "body_acc_z"]
    assert tuple(channel.name for channel in six.channels) == names
    assert six.filters_published
    assert "body_acc_x" not in {name for item in six.filters for name in item.channels}
    assert six.resampling == "none"
    with pytest.raises(DataError, match="needs filter median"):
        six.require_phone()


def test_uci_har_cannot_be_cut_otherwise(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="published as windows of 128 samples, hop 64, at 50 Hz"):
        prepared(tmp_path, tmp_path, source="uci_har", window=100)


@pytest.mark.data
def test_hapt_keeps_transitions_at_lower_purity(data_folder: Path, tmp_path: Path) -> None:
    windows = prepared(data_folder, tmp_path, source="hapt", purity=0.6)
    assert np.bincount(windows.y, minlength=12).min() > 80
    windows.spec.require_phone()
    assert windows.lost["unlabelled windows"] > 0
    merged = dict.fromkeys(windows.spec.labels[6:], "transition")
    seven = prepared(data_folder, tmp_path, source="hapt", purity=0.6, merge=merged)
    assert len(seven.spec.labels) == 7
    six = prepared(data_folder, tmp_path, source="hapt", labels=windows.spec.labels[:6])
    assert six.y.max() == 5
    assert six.lost["windows of a class that the recipe leaves out"] > 0


@pytest.mark.data
def test_hapt_signal_is_that_of_uci_har_before_filtering(data_folder: Path) -> None:
    """UCI HAR is HAPT filtered: people lying, standing and sitting hold the phone the same way in both."""
    means = {}
    for name in ("hapt", "uci_har"):
        parts = [
            recording.samples[recording.labels == 4][:, :3]
            for recording in open_source(name).recordings(data_folder, Silent())
            if recording.subject == "2"
        ]
        means[name] = np.concatenate(parts).mean(axis=0)
    assert np.allclose(means["hapt"], means["uci_har"], atol=0.3)


@pytest.mark.data
def test_motionsense_signs_are_physical(data_folder: Path) -> None:
    source = open_source("motionsense")
    recordings = all_of(source, data_folder)
    assert len(recordings) == 360
    still = [r for r in recordings if source.labels[int(r.labels[0])] == "sitting"]
    for recording in still:
        path = next(data_folder.glob(f"**/A_DeviceMotion_data/{recording.session}/sub_{recording.subject}.csv"))
        gravity = read_numbers(path, 13, header=True)[:, 4:7].mean(axis=0)
        mean = recording.samples[:, :3].mean(axis=0)
        assert np.dot(mean, gravity) < -0.98 * np.linalg.norm(mean) * np.linalg.norm(gravity)
    # In a jogger's flight nothing holds the phone: what an accelerometer reads comes close to zero.
    jogging = np.concatenate([r.samples[:, :3] for r in recordings if source.labels[int(r.labels[0])] == "jogging"])
    length = np.linalg.norm(jogging, axis=1)
    assert np.percentile(length, 10) < 5
    assert np.percentile(length, 90) > 15


@pytest.mark.data
def test_motionsense_rotation_is_right_handed(data_folder: Path) -> None:
    """What is fixed in the world turns by -omega x v in the phone: so must gravity."""
    agreement = []
    for recording in all_of(open_source("motionsense"), data_folder)[:20]:
        path = next(data_folder.glob(f"**/A_DeviceMotion_data/{recording.session}/sub_{recording.subject}.csv"))
        up = -read_numbers(path, 13, header=True)[:, 4:7]
        turned = -np.cross(recording.samples[1:-1, 3:], up[1:-1])
        agreement.append(np.corrcoef(turned.ravel(), ((up[2:] - up[:-2]) * 25).ravel())[0, 1])
    assert np.median(agreement) > 0.9


@pytest.mark.data
@pytest.mark.slow
def test_dsads_joins_segments_and_serves_one_position(data_folder: Path, tmp_path: Path) -> None:
    channels = tuple(f"right_arm_{sensor}_{axis}" for sensor in ("acc", "gyro") for axis in "xyz")
    windows = prepared(data_folder, tmp_path, source="dsads", rate_hz=25, window=75, hop=37, channels=channels)
    assert len(np.unique(windows.recording)) == 150
    rowing = windows.y == windows.spec.labels.index("rowing")
    assert set(np.unique(windows.subject[rowing]).tolist()) == set("1234567"), "person 8's is person 4's"
    assert (np.bincount(windows.recording) == (7500 - 75) // 37 + 1).all()
    assert {channel.placement for channel in windows.spec.channels} == {"right_arm"}
    windows.spec.require_phone()


@pytest.mark.data
def test_dsads_segment_cut_short_is_named(data_folder: Path, tmp_path: Path) -> None:
    source = open_source("dsads")
    first = source.files(data_folder)[0]
    shutil.copytree(first.parent, tmp_path / "data/a01/p1")
    path = tmp_path / "data/a01/p1/s02.txt"
    path.write_text("\n".join(path.read_text().splitlines()[:100]) + "\n")
    with pytest.raises(DataError, match=r"s02.txt has 100 rows, expected 125"):
        next(iter(source.recordings(tmp_path, Silent())))
    with pytest.raises(DataError, match="is missing"):
        source.files(tmp_path)


def test_dsads_magnetometer_has_no_unit() -> None:
    channels = open_source("dsads").channels
    assert len(channels) == 45
    assert {channel.unit for channel in channels if channel.quantity is Quantity.MAGNETOMETER} == {"1"}
