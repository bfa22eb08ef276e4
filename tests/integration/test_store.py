"""docs/store.md's commands, run as a reader would; what a store and a model refuse on the way."""

import csv
import json
import shlex
import shutil
import sys
import time
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import tomli_w

from factory.contracts.dataset import Recording
from factory.contracts.progress import Silent
from factory.data.sources.watch import Watch
from tests.integration.conftest import Factory
from tests.integration.test_readme import run
from tests.unit.test_repository import FENCE, ROOT

pytestmark = pytest.mark.slow

PULLED_S = 10.0
"""From a store to labels: the target is 10 s."""


def lines() -> list[str]:
    """The page's commands, of the tiny build; its `pip install` is run by test_light.py."""
    text = (ROOT / "docs/store.md").read_text("utf-8").replace("demo", "tiny").replace("int8_static", "fp32")
    shown = [line for kind, block in FENCE.findall(text) if kind == "console" for line in block.splitlines() if line]
    return [line for line in shown if not line.startswith("pip install")]


def recorded(label: str) -> Recording:
    watch = Watch()
    wanted = watch.labels.index(label)
    return next(one for one in watch.recordings(None, Silent()) if one.labels[0] == wanted)


def write_table(path: Path, recording: Recording, names: Sequence[str], every: int = 1) -> None:
    with path.open("w", newline="") as content:
        writer = csv.writer(content)
        writer.writerow(names)
        for moment, values in zip(recording.time_s[::every], recording.samples[::every], strict=True):
            writer.writerow([f"{moment:.4f}", *(f"{value:.5f}" for value in values)])


def columns(*rest: str) -> list[str]:
    return ["time_s", *(channel.name for channel in Watch().channels), *rest]


@pytest.fixture
def folder(build: Path, tmp_path: Path) -> Path:
    """A finished build at build/tiny, and a recording."""
    (tmp_path / "build").mkdir()
    shutil.move(build, tmp_path / "build/tiny")
    write_table(tmp_path / "recording.csv", recorded("pendulum"), columns())
    return tmp_path


@pytest.fixture
def pulled(folder: Path, factory: Factory) -> Path:
    assert factory("publish", "build/tiny", "--to", "models").code == 0
    assert factory("pull", "tiny", "--from", "models", "--target", "tflite", "--into", "app").code == 0
    return folder / "app"


def test_every_command_of_the_page_runs(folder: Path, cache: Path) -> None:
    pytest.importorskip("cryptography")
    assert len(lines()) >= 15
    for line in lines():
        done = run(line, folder, cache)
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
    with (folder / "labels.csv").open() as content:
        rows = list(csv.DictReader(content))
    assert len(rows) > 5
    assert np.mean([row["label"] == "pendulum" for row in rows]) > 0.5
    card = (folder / "whole/README.md").read_text()
    assert card.startswith("---\nlicense: bsd-3-clause\n")
    assert "# tiny 1.0.0" in card


def test_from_store_to_labels_in_seconds(folder: Path, factory: Factory) -> None:
    factory("publish", "build/tiny", "--to", "models")
    start = time.monotonic()
    assert factory("pull", "tiny", "--from", "models", "--target", "tflite").code == 0
    assert factory("predict", "tiny", "recording.csv", "--out", "labels.csv").code == 0
    assert time.monotonic() - start < PULLED_S


def test_the_page_of_python_runs(folder: Path, cache: Path) -> None:
    text = (ROOT / "docs/store.md").read_text("utf-8").replace("demo", "tiny").replace("int8_static", "fp32")
    (code,) = (block for kind, block in FENCE.findall(text) if kind == "python")
    (folder / "page.py").write_text(code)
    done = run(f"{shlex.quote(sys.executable)} page.py", folder, cache)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "minor"


def test_a_build_whose_gate_broke_is_not_published(folder: Path, factory: Factory) -> None:
    path = folder / "build/tiny/manifest.json"
    values = json.loads(path.read_text())
    values["checks"][0]["outcome"] = "failed"
    path.write_text(json.dumps(values))
    done = factory("publish", "build/tiny", "--to", "models")
    assert done.code == 8
    assert not (folder / "models").exists()


def test_a_changed_build_is_not_published(folder: Path, factory: Factory) -> None:
    (folder / "build/tiny/golden.npz").write_bytes(b"other")
    done = factory("publish", "build/tiny", "--to", "models")
    assert (done.code, "golden.npz has 5 bytes" in done.err) == (9, True)
    assert not (folder / "models").exists()


def test_terms_that_forbid_commercial_use_are_asked_for(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import factory as api
    from factory.contracts.errors import DataError
    from factory.data import sources

    monkeypatch.setattr(sources, "COMMERCIAL_USE_FORBIDDEN", ("watch",))
    with pytest.raises(DataError, match=r"tiny was made from watch, .*--accept-terms"):
        api.publish(folder / "build/tiny", to=folder / "models")
    assert not (folder / "models").exists()
    assert api.publish(folder / "build/tiny", to=folder / "models", accept_terms=True).commercial_use is False


def test_a_rolled_back_store_is_refused(folder: Path, factory: Factory) -> None:
    factory("publish", "build/tiny", "--to", "models")
    shutil.copytree(folder / "models", folder / "older")
    factory("publish", "build/tiny", "--to", "models")
    assert factory("pull", "tiny", "--from", "models", "--into", "app").code == 0
    shutil.rmtree(folder / "models")
    (folder / "older").rename(folder / "models")
    done = factory("pull", "tiny", "--from", "models", "--into", "app")
    assert done.code == 9
    assert "1.1.0 was seen before, so this is an older state of the store" in done.err
    assert factory("show", "tiny", "--from", "models").code == 9


def test_a_pinned_key_is_remembered(folder: Path, factory: Factory) -> None:
    pytest.importorskip("cryptography")
    public = factory("key", "mine.pem").out.strip()
    other = factory("key", "other.pem").out.strip()
    factory("publish", "build/tiny", "--to", "models", "--key", "mine.pem")
    assert factory("pull", "tiny", "--from", "models", "--trust", other).code == 9
    assert factory("pull", "tiny", "--from", "models", "--trust", public).code == 0
    shutil.rmtree(folder / "models")
    factory("publish", "build/tiny", "--to", "models", "--key", "other.pem")
    done = factory("pull", "tiny", "--from", "models")
    assert (done.code, "is signed by key" in done.err) == (9, True)


def test_a_model_file_that_was_changed_is_not_asked(pulled: Path, factory: Factory) -> None:
    path = pulled / "tflite/model_fp32.tflite"
    path.write_bytes(path.read_bytes() + b"\0")
    done = factory("predict", "app", "recording.csv")
    assert (done.code, "is missing or not what was pulled: pull it again" in done.err) == (9, True)


def test_a_recording_that_breaks_the_contract_is_refused(pulled: Path, factory: Factory) -> None:
    here = pulled.parent
    recording = recorded("row")
    write_table(here / "slow.csv", recording, columns(), every=2)
    write_table(here / "named.csv", recording, [name.replace("gyro", "rotation") for name in columns()])
    write_table(here / "sound.csv", recording, columns())
    done = factory("contract", "check", "app", "sound.csv", "--unit", "accelerometer=g")
    assert (done.code, "acc holds gravity" in done.err, "correct the unit" in done.err) == (4, True, True), done.err
    done = factory("contract", "check", "app/contract.json", "sound.csv", "--json")
    assert (done.code, json.loads(done.out)["recording"]) == (0, "sound.csv")
    for file, message in (
        ("slow.csv", "slow.csv has 25 samples a second, the model expects 50"),
        ("named.csv", "named.csv has no column gyro_x, gyro_y, gyro_z, only time_s, acc_x"),
        ("none.csv", "none.csv does not exist"),
    ):
        for words in (("predict",), ("contract", "check")):
            done = factory(*words, "app", file)
            assert (done.code, message in done.err, done.out) == (4, True, ""), done.err


def test_what_lies_beside_a_recording_is_not_read(pulled: Path, factory: Factory) -> None:
    here = pulled.parent
    expected = factory("predict", "app", "recording.csv", "--json")
    (here / "torn.zip").write_bytes(b"PK\x03\x04 and no more")
    done = factory("predict", "app", "recording.csv", "--json")
    assert (done.code, done.out) == (0, expected.out), done.err
    with zipfile.ZipFile(here / "packed.zip", "w") as packed:
        packed.write(here / "recording.csv", "recording.csv")
    assert factory("predict", "app", "packed.zip", "--json").out == expected.out
    done = factory("predict", "app", "torn.zip")
    assert (done.code, "torn.zip is not a readable archive" in done.err) == (4, True), done.err


def described(folder: Path, **changes: object) -> None:
    """data.toml of files with dates in seconds, g and other names of columns."""
    channels = [
        {"column": f"{sensor}{axis}", "name": f"{sensor}_{axis}", "quantity": quantity, "axis": axis, "unit": unit}
        for sensor, quantity, unit in (("acc", "accelerometer", "g"), ("gyro", "gyroscope", "rad/s"))
        for axis in "xyz"
    ]
    for channel in channels[:3]:
        channel["gravity"] = True  # type: ignore[assignment]
    values = {
        "version": 2,
        "files": ["{label}_{who}.csv"],
        "columns": {"subject": "{who}", "timestamp": "t", "label": "{label}"},
        "timestamp_unit": "ms",
        "channels": channels,
        "rate_hz": 50,
        "placement": "wrist",
        "axes": "the watch's own",
    }
    (folder / "data.toml").write_text(tomli_w.dumps(values | changes))


def test_a_description_reads_a_recording_of_another_layout(pulled: Path, factory: Factory) -> None:
    here, recording = pulled.parent, recorded("pendulum")
    described(here)
    samples = recording.samples.copy()
    samples[:, :3] /= 9.80665
    converted = Recording(
        subject="1", session="", time_s=recording.time_s * 1000, samples=samples, labels=recording.labels
    )
    write_table(
        here / "anna.csv", converted, ["t", *(f"{sensor}{axis}" for sensor in ("acc", "gyro") for axis in "xyz")]
    )
    plain = factory("predict", "app", "recording.csv", "--json")
    done = factory("predict", "app", "anna.csv", "--description", "data.toml", "--json")
    assert done.code == 0, done.err
    ours, theirs = json.loads(done.out), json.loads(plain.out)
    assert {row["subject"] for row in ours} == {"anna"}
    assert [row["label"] for row in ours] == [row["label"] for row in theirs]


def test_a_description_of_another_place_is_refused(pulled: Path, factory: Factory) -> None:
    described(pulled.parent, placement="ankle")
    done = factory("predict", "app", "recording.csv", "--description", "data.toml")
    assert done.code == 4
    assert "acc_x has placement ankle, the model expects wrist" in done.err
