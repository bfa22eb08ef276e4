"""`factory data`: tables, JSON, exit codes; no training or export library is imported."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from factory.cli.app import run


def test_list_shows_every_source(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["data", "list"]) == 0
    shown = capsys.readouterr().out
    for name in ("watch", "uci_har", "hapt", "motionsense", "dsads", "factory init"):
        assert name in shown


def test_list_is_readable_by_machines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["data", "list", "--data", str(tmp_path), "--json"]) == 0
    rows = {row["source"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["watch"]["found"] is True
    assert rows["hapt"]["found"] is False
    assert all(url.startswith("https://") for row in rows.values() for url in row["urls"])
    assert all(row["terms"] and row["cite"] for row in rows.values())


def test_check_of_good_data_passes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["data", "check", "watch", "--cache", str(tmp_path)]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "10 subjects" in shown
    assert "a window of 64 samples (1.28 s) would" in shown
    assert "macro-F1" in shown


def test_check_prints_a_report_for_machines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["data", "check", "demo", "--cache", str(tmp_path), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["timing"]["recordings"] == 140
    assert report["split"]["near_duplicates"] >= 0
    assert [row["window"] for row in report["window_lengths"]] == [64, 256]


def test_check_without_windows_compares_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["data", "check", "watch", "--cache", str(tmp_path), "--no-windows", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["window_lengths"] == []


def test_check_ends_with_4_when_it_finds_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = tmp_path / "long.toml"
    recipe.write_text(
        'name = "long"\nsummary = ""\n[data]\nsource = "watch"\nwindow = 4096\n[split]\nkind = "groups"\n'
    )
    assert run(["data", "check", str(recipe), "--cache", str(tmp_path)]) == 4
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("error: ")
    assert "lower data.window" in error


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["check", "nothing"], 3, "nothing"),
        (["check", "hapt"], 4, "--data"),
        (["fetch", "nothing"], 3, "choose one of"),
        (["fetch", "hapt"], 4, "--data FOLDER"),
        (["prepare", "missing.toml"], 3, "does not exist"),
    ],
)
def test_mistakes_are_one_line(
    arguments: list[str], code: int, words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("FACTORY_DATA", raising=False)
    assert run(["data", *arguments]) == code
    lines = capsys.readouterr().err.strip().splitlines()
    assert words in lines[-1]
    assert sum(line.startswith("error: ") for line in lines) == 1


def test_fetch_of_what_ships_with_a_package_needs_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["data", "fetch", "watch"]) == 0
    assert "no download" in capsys.readouterr().out


def test_prepare_counts_windows_and_names_the_cache(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["data", "prepare", "demo", "--cache", str(tmp_path), "--json"]) == 0
    prepared = json.loads(capsys.readouterr().out)
    assert (Path(prepared["cache"]) / "x.npy").is_file()
    assert set(prepared["windows"]) == {"train", "validation", "test"}
    assert run(["data", "prepare", "demo", "--cache", str(tmp_path)]) == 0
    assert "by subject" in capsys.readouterr().out


def test_check_imports_no_training_or_export_library(tmp_path: Path) -> None:
    code = (
        "import sys; from factory.cli.app import run; "
        f"assert run(['data', 'check', 'watch', '--cache', {str(tmp_path)!r}]) == 0; "
        "print(sorted({'torch', 'tensorflow', 'onnx', 'onnxruntime', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().splitlines()[-1] == "[]"


def test_show_writes_a_page_and_says_what_is_on_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "page.html"
    assert run(["data", "show", "watch", "--cache", str(tmp_path), "--out", str(page), "--subject", "3"]) == 0
    shown = capsys.readouterr()
    assert shown.out.splitlines()[-1] == str(page)
    assert "14 recordings of 1 people" in shown.out
    assert "look: 140 recordings" in shown.err
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_show_counts_for_machines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "page.html"
    assert run(["data", "show", "demo", "--cache", str(tmp_path), "--out", str(page), "--json"]) == 0
    shown = capsys.readouterr()
    found = json.loads(shown.out)
    assert {key: found[key] for key in ("page", "recordings", "left_out", "people")} == {
        "page": str(page),
        "recordings": 140,
        "left_out": 0,
        "people": 10,
    }
    assert found["suspects"] > 0
    assert shown.err == ""


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["nothing"], 3, "nothing"),
        (["hapt"], 4, "--data"),
        (["watch", "--subject", "nobody"], 4, "choose of 1, 2"),
        (["watch", "--out", f"{__file__}/page.html"], 10, "remove what is in the way"),
    ],
)
def test_show_ends_as_other_commands_do(
    arguments: list[str],
    code: int,
    words: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("FACTORY_DATA", raising=False)
    out = [] if "--out" in arguments else ["--out", str(tmp_path / "page.html")]
    assert run(["data", "show", *arguments, "--cache", str(tmp_path / "cache"), *out]) == code
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("error: ")
    assert words in error
    assert not (tmp_path / "page.html").exists()


def test_formats_are_listed_for_people_and_machines(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["data", "formats"]) == 0
    shown = capsys.readouterr().out
    assert run(["data", "formats", "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert len(rows) == 16
    assert all(name in shown for name in rows)
    assert "**/Metadata.csv" in rows["sensor_logger"]["auxiliary"]
    assert all(row["about"].startswith("https://") for row in rows.values())
