"""`factory init`, from a user's odd table to a recipe that checks and prepares."""

import json
from pathlib import Path

import pytest
import typer

from factory.cli import _errors
from factory.cli.app import run
from factory.cli.init import init
from tests.unit.data.kinds import sensor_logger
from tests.unit.data.kinds import table as kind_table
from tests.unit.data.odd_tables import watch_rows, write_odd

app = typer.Typer(pretty_exceptions_enable=False)
app.command()(init)


def run_init(*arguments: str) -> int:
    return _errors.guarded(lambda: app(args=list(arguments), prog_name="init"), debug=False)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Real movement of four people in g, deg/s and milliseconds, with a user's headers."""
    return write_odd(tmp_path_factory.mktemp("mine") / "exercises.csv", watch_rows(subjects=4, recordings=56))


def test_what_init_writes_can_be_checked_and_prepared(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "new"
    assert run_init(str(table), "--out", str(out)) == 0
    assert "4 people, 7 classes, 50 Hz, acc in g, gyro in deg/s" in capsys.readouterr().out
    recipe = str(out / "recipe.toml")
    assert run(["data", "check", recipe, "--cache", str(tmp_path / "cache"), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert [(s["likely_unit"], s["likely_gravity"]) for s in report["sensors"]] == [("m/s^2", True), ("rad/s", None)]
    asked = {"contract.placement", "contract.axes"}
    found = {finding["code"] for finding in report["findings"] if finding["severity"] != "info"}
    assert found - {"label.signal", "window.length"} == asked
    description = (out / "data.toml").read_text("utf-8")
    (out / "data.toml").write_text(description.replace('"unknown"', '"wrist"').replace('"as recorded"', '"Android"'))
    assert run(["data", "check", recipe, "--cache", str(tmp_path / "cache"), "--json"]) == 0
    again = {finding["code"] for finding in json.loads(capsys.readouterr().out)["findings"]}
    assert not again & asked
    assert run(["data", "prepare", recipe, "--cache", str(tmp_path / "cache"), "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["windows"]["test"]) == 1


def test_a_wrong_unit_written_by_hand_is_refused(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_init(str(table), "--out", str(tmp_path)) == 0
    description = tmp_path / "data.toml"
    description.write_text(description.read_text().replace('unit = "g"', 'unit = "m/s^2"'))
    assert run(["data", "check", str(tmp_path / "recipe.toml"), "--cache", str(tmp_path)]) == 4
    assert "looks like g" in capsys.readouterr().err


def test_existing_files_are_kept_without_force(table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "recipe.toml").write_text("mine")
    assert run_init(str(table), "--out", str(tmp_path)) == 3
    assert "--force" in capsys.readouterr().err
    assert (tmp_path / "recipe.toml").read_text() == "mine"
    assert not (tmp_path / "data.toml").exists()
    assert run_init(str(table), "--out", str(tmp_path), "--force") == 0
    assert (tmp_path / "recipe.toml").read_text() != "mine"


def test_paths_are_printed_for_machines(table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_init(str(table), "--out", str(tmp_path), "--json") == 0
    assert Path(json.loads(capsys.readouterr().out)["recipe"]).is_file()


def test_nothing_is_written_when_the_table_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bad.csv").write_text("user,activity\na,walk\n")
    assert run_init(str(tmp_path / "bad.csv"), "--out", str(tmp_path)) == 4
    assert capsys.readouterr().err.count("error: ") == 1
    assert {path.name for path in tmp_path.iterdir()} == {"bad.csv"}


def test_a_table_of_two_people_explains_why_three_are_needed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_odd(tmp_path / "two.csv", watch_rows(subjects=2, recordings=14))
    assert run_init(str(tmp_path / "two.csv"), "--out", str(tmp_path)) == 4
    assert "at least 3" in capsys.readouterr().err


def test_a_folder_of_one_file_a_sensor_goes_through_to_windows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = sensor_logger(tmp_path / "recordings")
    assert run_init(str(folder), "--out", str(tmp_path / "out")) == 0
    said = capsys.readouterr().out
    assert "4 people, 3 classes, 50 Hz" in said
    assert "PLEASE CHECK: paths are read as" in said
    assert "left out:" in said
    recipe = str(tmp_path / "out" / "recipe.toml")
    assert run(["data", "prepare", recipe, "--cache", str(tmp_path / "cache"), "--json"]) == 0
    counts = json.loads(capsys.readouterr().out)["windows"]
    assert sum(sum(classes.values()) for classes in counts["test"].values()) > 0


def test_checks_are_listed_for_machines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table_path = kind_table(tmp_path / "t.csv", own_clock=True)
    assert run_init(str(table_path), "--out", str(tmp_path), "--json") == 0
    checks = json.loads(capsys.readouterr().out)["checks"]
    assert [check["code"] for check in checks] == ["time.falls"]
    assert run(["data", "prepare", str(tmp_path / "recipe.toml"), "--cache", str(tmp_path / "c"), "--json"]) == 0


def test_options_say_what_no_file_tells(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    counted = kind_table(tmp_path / "t.csv", row=lambda piece, time, number: (piece.who, piece.label, str(number)))
    assert run_init(str(counted), "--out", str(tmp_path)) == 4
    assert "--rate HZ" in capsys.readouterr().err
    assert run_init(str(counted), "--out", str(tmp_path), "--rate", "50") == 0
    assert run(["data", "prepare", str(tmp_path / "recipe.toml"), "--cache", str(tmp_path / "c"), "--json"]) == 0
