"""Data sets without motion, which benches put through the same trainer."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from factory.contracts.errors import DataError, MissingToolError
from factory.contracts.progress import Silent
from factory.contracts.table import TableChannel
from factory.contracts.window import Quantity
from factory.data import make_split, prepare
from factory.data.sources import japanese_vowels as vowels
from factory.data.sources import open_source
from factory.recipes import find_recipe

RECIPES = Path(__file__).parents[3] / "factory" / "benches" / "recipes"
SHIPPED = any(importlib.util.find_spec(name) for name in ("aeon", "sktime"))


def test_digits_are_images_by_rows_in_ten_parts(tmp_path: Path) -> None:
    recipe = find_recipe(RECIPES / "digits.toml")
    windows = prepare(recipe.data, None, tmp_path, Silent())
    assert windows.x.shape == (1797, 8, 8)
    assert (float(windows.x.min()), float(windows.x.max())) == (0.0, 1.0)
    assert np.bincount(windows.y).min() > 170
    assert len(set(windows.subject.tolist())) == 10
    assert {channel.quantity for channel in windows.spec.channels} == {Quantity.OTHER}
    assert len(windows.spec.phone_obstacles()) >= 8
    split = make_split(windows, recipe.split, recipe.seed)
    assert len(split.test) > 300


def test_no_description_names_a_series_without_motion() -> None:
    values = {"column": "a", "name": "a", "quantity": "other", "axis": "x", "unit": "1"}
    with pytest.raises(ValidationError, match="other is no motion sensor's: name one of accelerometer"):
        TableChannel.model_validate(values)


LINE = ",".join("12345678") + (":" + ",".join("87654321")) * 11


def test_an_utterance_is_read_by_frames(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "japanese_vowels"
    folder.mkdir()
    for part in vowels.SHA256:
        lines = ["#about", "@data", *(f"{LINE}:{1 + number % 9}" for number in range(54))]
        (folder / f"JapaneseVowels_{part}.ts").write_text("\n".join(lines) + "\n", "utf-8")
    source = open_source("japanese_vowels")
    with pytest.raises(DataError, match="has SHA-256"):
        next(source.recordings(tmp_path, Silent()))
    monkeypatch.setattr(vowels, "sha256_file", lambda path: vowels.SHA256[path.stem.rpartition("_")[2]])
    found = list(source.recordings(tmp_path, Silent()))
    assert len(found) == 108
    assert found[0].samples.shape == (8, 12)
    assert found[0].samples[0].tolist() == [1, *[8] * 11]
    assert {recording.subject for recording in found} >= {"train0", "train5", *source.official_test}
    for subject in ("train0", "test3"):
        own = {int(recording.labels[0]) for recording in found if recording.subject == subject}
        assert own == set(range(9)), "each part has every speaker"


@pytest.mark.skipif(not SHIPPED, reason="needs the recordings: pip install --no-deps sktime==1.2.0")
def test_the_packages_utterances_are_windows(tmp_path: Path) -> None:
    windows = prepare(find_recipe(RECIPES / "japanese_vowels.toml").data, None, tmp_path, Silent())
    assert windows.x.shape[1:] == (12, 8)
    assert len(set(windows.recording.tolist())) > 600


@pytest.mark.skipif(SHIPPED, reason="the package is installed")
def test_where_utterances_come_from_is_told() -> None:
    with pytest.raises(MissingToolError, match="pip install --no-deps sktime"):
        open_source("japanese_vowels").files(None)
