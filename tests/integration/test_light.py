"""What somebody gets who installs the wheel and a runtime alone: a model and labels in two commands, below 100 MB."""

import csv
import os
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import factory
from factory.contracts.window import WindowSpec
from factory.data.live import cut_table
from factory.pipeline.inference import MAX_GAP_S
from tests.unit.test_repository import ROOT

pytestmark = pytest.mark.slow

MOST_MB = 100
"""Of the installed files; bytecode, which `pip install --no-compile` leaves out, is not counted."""
LABELLED_S = 10.0
"""Of processor time, so that it says the same on a busy machine; 2 s were measured."""
ABSENT = ("torch", "tensorflow", "pyarrow", "scipy", "matplotlib", "onnxruntime")
MOST_STEPS = 0.1
"""Difference of a logit between the small runtime and the current one; 0.03 was measured, logits are 3 large."""


def ran(*command: str | Path, folder: Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    plain = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "FACTORY_STORE")}
    environment = plain | {"XDG_DATA_HOME": str(folder / "data"), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert not check or done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment of its own with the wheel of this checkout and the extra `run`."""
    uv, folder = Path(sys.executable).with_name("uv"), tmp_path_factory.mktemp("light")
    if not uv.exists():
        pytest.skip("needs uv: make environment")
    built = ran(uv, "build", "--wheel", "--out-dir", folder / "dist", ROOT, folder=folder, check=False)
    (wheel,) = (folder / "dist").glob("*.whl") if built.returncode == 0 else _unreachable(built.stderr)
    ran(uv, "venv", "--python", sys.executable, folder / "venv", folder=folder)
    install = (uv, "pip", "install", "--python", folder / "venv/bin/python", f"{wheel}[run]")
    done = ran(*install, folder=folder, check=False)
    if done.returncode:
        _unreachable(done.stderr)
    return folder / "venv"


def _unreachable(told: str) -> list[Path]:
    """Without an index there is nothing to test; whatever else went wrong is a failure."""
    assert "error sending request" in told or "dns error" in told or "Failed to fetch" in told, told
    pytest.skip(f"no package index: {told.strip().splitlines()[-1]}")


def made_recording(path: Path, spec: WindowSpec, seconds: float = 30.0) -> dict[str, np.ndarray]:
    """A sensor that turns slowly under gravity, at twice the model's rate."""
    time_s = np.arange(round(seconds * 2 * spec.rate_hz)) / (2 * spec.rate_hz)
    random = np.random.default_rng(0)
    table = {"time_s": time_s}
    for channel in spec.channels:
        still = 9.81 * (channel.gravity and channel.axis == "z")
        table[channel.name] = np.round(still + np.sin(2 * np.pi * time_s) + 0.1 * random.normal(size=len(time_s)), 5)
    with path.open("w", newline="") as content:
        writer = csv.writer(content)
        writer.writerow(table)
        writer.writerows(zip(*(values.tolist() for values in table.values()), strict=True))
    return table


def test_it_is_small_and_brings_no_trainer(environment: Path) -> None:
    files = [path for path in environment.rglob("*") if path.is_file() and not path.is_symlink()]
    size = sum(path.stat().st_size for path in files if path.suffix != ".pyc") / 1e6
    print(f"{size:.1f} MB installed, {sum(path.stat().st_size for path in files) / 1e6:.1f} MB with bytecode")  # noqa: T201
    assert size < MOST_MB
    code = f"from importlib.util import find_spec; print([name for name in {ABSENT!r} if find_spec(name)])"
    assert ran(environment / "bin/python", "-c", code, folder=environment).stdout.strip() == "[]"


def test_from_the_store_that_ships_to_labels_in_two_commands(environment: Path, tmp_path: Path) -> None:
    spec = factory.find_model("motionsense").manifest.contract
    table = made_recording(tmp_path / "recording.csv", spec)
    program = environment / "bin/factory"
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    kind = ("--target", "tflite", "--precision", "int8_static")
    pulled = ran(program, "pull", "motionsense", *kind, "--into", "app", folder=tmp_path)
    ran(program, "predict", "app", "recording.csv", "--out", "labels.csv", folder=tmp_path)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < LABELLED_S
    assert "from the store inside smldist-factory" in pulled.stderr
    with (tmp_path / "labels.csv").open() as content:
        rows = list(csv.DictReader(content))
    assert len(rows) == len(cut_table(table, spec, MAX_GAP_S).x)
    assert {row["label"] for row in rows} <= set(spec.labels)


def test_the_small_runtime_answers_as_the_current_one(environment: Path, tmp_path: Path) -> None:
    """The same files, recording, cutting; another release of LiteRT."""
    spec = factory.find_model("motionsense").manifest.contract
    table = made_recording(tmp_path / "recording.csv", spec)
    code = (
        "import sys, numpy, factory; from pathlib import Path\n"
        "for model in factory.pull('motionsense', target='tflite', into='app').models:\n"
        "    found = factory.predict(model, 'recording.csv').parts[0].predictions\n"
        "    numpy.save(model.with_suffix('.npy'), found.logits)\n"
    )
    ran(environment / "bin/python", "-c", code, folder=tmp_path)
    models = sorted((tmp_path / "app/tflite").glob("*.tflite"))
    assert len(models) == 2
    for path in models:
        expected = factory.Model(path).predict_recording(table).logits
        assert np.abs(np.load(path.with_suffix(".npy")) - expected).max() < MOST_STEPS, path.name


@pytest.fixture(scope="module")
def folder(environment: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pulled model, and recordings in other layouts than plain CSV."""
    folder, kind = tmp_path_factory.mktemp("folder"), ("--target", "tflite", "--precision", "fp32")
    ran(environment / "bin/factory", "pull", "demo", *kind, "--into", "app", folder=folder)
    made_recording(folder / "plain.csv", factory.find_model("demo").manifest.contract)
    (folder / "semicolons.csv").write_text((folder / "plain.csv").read_text().replace(",", ";"))
    (folder / "recording.parquet").write_bytes(b"PAR1")
    return folder


@pytest.mark.parametrize(
    ("arguments", "extra"),
    [
        (("predict", "app", "recording.parquet"), "read"),
        (("predict", "app", "semicolons.csv"), "read"),
        (("build", "demo"), "tflite"),
        (("data", "check", "demo"), "seglearn"),
        (("report", "app"), "report"),
        (("list", "--from", "s3://bucket/store"), "remote"),
        (("pull", "demo", "--trust", "0" * 64), "sign"),
    ],
)
def test_what_is_not_installed_is_named_with_its_command(
    environment: Path, folder: Path, arguments: tuple[str, ...], extra: str
) -> None:
    done = ran(environment / "bin/factory", *arguments, folder=folder, check=False)
    assert done.returncode == 5, done.stderr
    assert "pip install" in done.stderr.splitlines()[-1]
    assert extra in done.stderr.splitlines()[-1]
