"""Each named format goes from files as they are delivered to windows, and to a model, by `factory init` alone."""

from pathlib import Path

import numpy as np
import pytest
import tomli_w

from factory.contracts.dataset import WindowSet
from factory.contracts.progress import Silent
from factory.contracts.recipe import load_recipe, parse_toml
from factory.contracts.window import Quantity
from factory.data import prepare
from factory.data.formats import FORMATS
from factory.data.guess.describe import description_toml, recipe_toml
from factory.data.guess.project import Files
from factory.data.guess.roles import Chosen
from factory.data.guess.table import TableGuess, guess_table
from tests.integration.conftest import RECIPE, Factory
from tests.integration.delivered import DELIVERED, ELSEWHERE, Delivered
from tests.unit.data.kinds import Piece, pieces

pytestmark = pytest.mark.slow
AXES = {"x": 0, "y": 1, "z": 2}


def initialised(format_: Delivered, out: Path) -> tuple[TableGuess, WindowSet]:
    """What `factory init` says of the folder, and the windows of the two files that it writes, untouched."""
    format_.make(out / "recordings")
    guess = guess_table([out / "recordings"], Chosen(), Files(), Silent())
    (out / "data.toml").write_text(description_toml(guess, out), encoding="utf-8")
    (out / "recipe.toml").write_text(recipe_toml(guess, "data.toml"), encoding="utf-8")
    recipe = load_recipe(out / "recipe.toml")
    return guess, prepare(recipe.data, None, out / "cache", Silent(), base=out)


def recorded(piece: Piece, windows: WindowSet, turned: float) -> np.ndarray:
    """(C, T) what the watch recorded of a piece, in the order of the windows' channels; NaN where it has no part."""
    whole = np.full((len(windows.spec.channels), len(piece.acc)), np.nan)
    for place, channel in enumerate(windows.spec.channels):
        if channel.quantity is Quantity.ACCELEROMETER:
            whole[place] = turned * piece.acc[:, AXES[channel.axis]]
        elif channel.quantity is Quantity.GYROSCOPE:
            whole[place] = piece.gyro[:, AXES[channel.axis]]
    return whole


def error_of(window: np.ndarray, whole: np.ndarray) -> float:
    """Root mean square difference, in the worst channel, from the stretch of a recording that is most alike."""
    known = np.isfinite(whole[:, 0])
    stretches = np.lib.stride_tricks.sliding_window_view(whole[known], window.shape[1], axis=1)
    differences = np.sqrt(np.square(stretches - window[known][:, None]).mean(axis=2)).max(axis=0)
    return float(differences.min())


def test_every_named_format_is_among_the_delivered() -> None:
    assert set(DELIVERED) == set(FORMATS)


CASES = {**{name: (name, one) for name, one in DELIVERED.items()}, **ELSEWHERE}


@pytest.mark.parametrize("case", CASES)
def test_files_as_delivered_become_the_windows_that_were_recorded(case: str, tmp_path: Path) -> None:
    name, format_ = CASES[case]
    guess, windows = initialised(format_, tmp_path)
    assert {reading.format for reading in guess.project.readings} == {name}
    assert {check.code for check in guess.checks} <= {"files.pattern", *format_.asked}
    assert sorted(set(windows.subject.tolist())) == sorted(format_.people.values())
    assert sorted(windows.spec.labels) == sorted(format_.labels.values())
    assert windows.spec.rate_hz == format_.rate_hz
    quantities = {channel.quantity.value for channel in windows.spec.channels}
    assert quantities - {"magnetometer"} == set(format_.quantities)
    acc = [i for i, channel in enumerate(windows.spec.channels) if channel.quantity is Quantity.ACCELEROMETER][:3]
    assert np.median(np.linalg.norm(windows.x[:, acc].mean(axis=2), axis=1)) == pytest.approx(9.81, rel=0.1)
    named = np.array([windows.spec.labels[index] for index in windows.y])
    for piece in pieces():
        mine = (windows.subject == format_.people[piece.who]) & (named == format_.labels[piece.label])
        assert 0 <= mine.sum() - format_.windows <= format_.crossing
        whole = recorded(piece, windows, format_.turned)
        assert max(error_of(window, whole) for window in windows.x[mine]) < format_.within


def test_zips_of_an_app_become_a_tflite_model_without_a_line_of_code(factory: Factory, tmp_path: Path) -> None:
    """Nothing but training is made smaller."""
    DELIVERED["sensor_logger"].make(tmp_path / "recordings")
    done = factory("init", "recordings", "--out", "mine")
    assert (done.code, "4 people, 3 classes, 50 Hz" in done.out) == (0, True)
    written, tiny = parse_toml(tmp_path / "mine" / "recipe.toml"), parse_toml(RECIPE)
    smaller = {key: tiny[key] for key in ("model", "train", "export", "verify")}
    smaller["train"] |= {"teacher_epochs": 20, "student_epochs": 40, "mixed": 0.0}
    recipe = smaller | written | {"data": written["data"] | {"hop": 16}}
    (tmp_path / "mine" / "recipe.toml").write_text(tomli_w.dumps(recipe), encoding="utf-8")
    done = factory("build", "mine/recipe.toml", "--target", "tflite", "--out", "built")
    assert done.code == 0, done.out + done.err
    assert list((tmp_path / "built").rglob("*.tflite"))
