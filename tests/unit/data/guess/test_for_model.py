"""A recording that a model is to answer: described in the model's words, or refused."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

import factory
from factory.cli.app import run
from factory.contracts.dataset import Floats
from factory.contracts.errors import DataError
from factory.contracts.progress import Silent
from factory.contracts.window import Channel, WindowSpec
from factory.data.guess.describe import description_toml
from factory.data.guess.project import Files
from factory.data.guess.roles import Chosen
from factory.data.guess.table import TableGuess, guess_table
from factory.pipeline.predict import predict

AXES = ("x", "y", "z")
_G, _DEGREE = 9.80665, np.pi / 180


@pytest.fixture(scope="module")
def pulled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The phone model that ships."""
    into = tmp_path_factory.mktemp("store") / "phone"
    factory.pull("motionsense", target="tflite", precision="int8_static", into=into)
    return into


@pytest.fixture(scope="module")
def spec(pulled: Path) -> WindowSpec:
    return factory.Model(next(pulled.rglob("*.tflite"))).contract.window


@pytest.fixture(scope="module")
def walk() -> Mapping[str, Floats]:
    """Somebody who walks, by the names, units and rate of the phone model's contract."""
    time_s = np.arange(1500) / 50
    noise = np.random.default_rng(0).normal(size=(6, len(time_s)))
    stride = np.sin(2 * np.pi * 1.8 * time_s)
    acc = np.stack([0.2 * _G * stride, -_G + 0.3 * _G * stride, 0.1 * _G * stride]) + 0.2 * noise[:3]
    gyro = np.stack([1.5 * stride, 0.4 * stride, 0.8 * np.cos(2 * np.pi * 0.9 * time_s)]) + 0.05 * noise[3:]
    names = [f"{sensor}_{axis}" for sensor in ("acc", "gyro") for axis in AXES]
    return {"time_s": time_s, **dict(zip(names, (*acc, *gyro), strict=True))}


def written(path: Path, columns: Mapping[str, Sequence[object] | Floats]) -> Path:
    with path.open("w", newline="") as content:
        writer = csv.writer(content)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    return path


def as_exported(walk: Mapping[str, Floats]) -> dict[str, Sequence[object] | Floats]:
    """As another app would write it: its own names and order, g, deg/s, milliseconds, a label and a magnetometer."""
    gyro = {f"gyr{axis.upper()}": walk[f"gyro_{axis}"] / _DEGREE for axis in AXES}
    acc = {f"a{axis}": walk[f"acc_{axis}"] / _G for axis in AXES}
    magnet = {f"mag_{axis}": 20 + np.sin(walk["time_s"] + place) for place, axis in enumerate(AXES)}
    label = ["walk"] * 700 + ["stairs"] * 800
    return {"Time (ms)": 1000 * walk["time_s"], **gyro, **acc, **magnet, "activity": label}


def guess(path: Path, spec: WindowSpec) -> TableGuess:
    return guess_table([path], Chosen(model=spec), Files(), Silent())


def test_an_unlabelled_recording_in_other_words_gets_the_same_answers(
    pulled: Path, walk: Mapping[str, Floats], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain, exported = written(tmp_path / "plain.csv", walk), written(tmp_path / "exported.csv", as_exported(walk))
    assert run(["init", str(exported), "--for", str(pulled), "--out", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "acc in g, gyro in deg/s" in said
    assert f"factory predict {pulled} {exported} --description {tmp_path / 'data.toml'}" in said
    assert not (tmp_path / "recipe.toml").exists()
    assert run(["predict", str(pulled), str(plain)]) == 0
    expected = list(csv.DictReader(capsys.readouterr().out.splitlines()))
    assert run(["predict", str(pulled), str(exported), "--description", str(tmp_path / "data.toml")]) == 0
    found = list(csv.DictReader(capsys.readouterr().out.splitlines()))
    assert len(found) == len(expected) > 20
    for one, other in zip(found, expected, strict=True):
        assert (one["label"], one["start_s"]) == (other["label"], other["start_s"])
        assert float(one["confidence"]) == pytest.approx(float(other["confidence"]), abs=0.01)
    assert {row["subject"] for row in found} == {"exported"}


def test_what_the_model_does_not_take_is_left_out_and_its_places_are_asked_about(
    spec: WindowSpec, walk: Mapping[str, Floats], tmp_path: Path
) -> None:
    found = guess(written(tmp_path / "walk.csv", as_exported(walk)), spec)
    assert found.left_out["mag"] == "the model does not take it"
    assert [sensor.axes.name for sensor in found.sensors] == ["acc", "gyro"]
    text = description_toml(found, tmp_path)
    assert 'PLEASE CHECK: the model\'s; was the sensor worn there?\nplacement = "trouser_pocket"' in text
    assert "PLEASE CHECK: the model's; are the sensor's axes the same?" in text
    assert "\nlabel" not in text


def test_sensors_are_named_as_the_models_channels_and_chosen_by_place(
    spec: WindowSpec, walk: Mapping[str, Floats], tmp_path: Path
) -> None:
    columns = {"t": walk["time_s"]}
    for place, factor in (("left_arm", 1.0), ("right_arm", 1.1)):
        columns |= {f"{place}_acc_{axis}": factor * walk[f"acc_{axis}"] for axis in AXES}
    wrist = [named(channel, "right_arm") for channel in spec.channels[:3]]
    found = guess(written(tmp_path / "arms.csv", columns), spec.model_copy(update={"channels": tuple(wrist)}))
    (sensor,) = found.sensors
    assert (sensor.axes.name, sensor.axes.columns["x"]) == ("right_arm_acc", "right_arm_acc_x")


def named(channel: Channel, place: str) -> Channel:
    return channel.model_copy(update={"name": f"{place}_acc_{channel.axis}", "placement": place})


def test_a_sensor_that_is_missing_is_named(spec: WindowSpec, walk: Mapping[str, Floats], tmp_path: Path) -> None:
    columns = {name: values for name, values in walk.items() if not name.startswith("gyro")}
    with pytest.raises(
        DataError, match=r"the model expects gyroscope \(gyro_x, gyro_y, gyro_z\), the recording has acc"
    ):
        guess(written(tmp_path / "walk.csv", columns), spec)


def test_acceleration_without_gravity_is_another_sensor(
    spec: WindowSpec, walk: Mapping[str, Floats], tmp_path: Path
) -> None:
    columns = {**walk, "acc_y": walk["acc_y"] + _G}
    with pytest.raises(DataError, match=r"expects accelerometer with gravity .* the recording has linear acceleration"):
        guess(written(tmp_path / "walk.csv", columns), spec)


def test_a_channel_that_no_sensor_delivers_is_refused(
    spec: WindowSpec, walk: Mapping[str, Floats], tmp_path: Path
) -> None:
    derived = spec.channels[0].model_copy(update={"derived": True})
    with pytest.raises(DataError, match="takes acc_x, which no sensor delivers"):
        guess(
            written(tmp_path / "walk.csv", walk),
            spec.model_copy(update={"channels": (derived, *spec.channels[1:])}),
        )


def test_a_description_without_labels_trains_nothing(
    pulled: Path, walk: Mapping[str, Floats], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recording = written(tmp_path / "walk.csv", walk)
    assert run(["init", str(recording), "--for", str(pulled), "--out", str(tmp_path)]) == 0
    recipe = 'name = "mine"\nsummary = ""\n[data]\nsource = "table"\ndescription = "data.toml"\n'
    (tmp_path / "recipe.toml").write_text(recipe)
    capsys.readouterr()
    assert run(["data", "check", str(tmp_path / "recipe.toml")]) == 4
    assert "is described without labels, which training needs: name columns.label" in capsys.readouterr().err
    answers = predict(
        factory.Model(next(pulled.rglob("*.tflite"))), recording, tmp_path / "data.toml", {}, "time_s", Silent()
    )
    assert len(answers.parts) == 1
