"""The command line's surface: help, exit codes of user errors, and what commands import."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from factory.cli._errors import EXIT_CODES
from factory.cli.app import run

HEAVY = ("torch", "tensorflow", "onnx", "onnxruntime", "pyarrow", "scipy", "matplotlib", "pydantic", "ai_edge_litert")
COMMANDS = (
    "build",
    "train",
    "export",
    "verify",
    "report",
    "doctor",
    "recipes",
    "models",
    "schema",
    "search",
    "data",
    "init",
    "check-onnx",
    "publish",
    "pull",
    "list",
    "show",
    "diff",
    "key",
    "predict",
)
RECIPE = 'name = "mine"\nsummary = "mine"\n[data]\nsource = "watch"\n[split]\nkind = "groups"\n'


def imported_by(*arguments: str) -> set[str]:
    """Modules that are loaded after `factory ARGUMENTS` in a process of its own."""
    code = (
        "import sys, json\n"
        "from factory.cli.app import run\n"
        f"run({list(arguments)!r})\n"
        "print('\\n' + json.dumps(sorted(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("command", [(), *((name,) for name in COMMANDS)], ids=lambda value: "".join(value) or "root")
def test_help_explains_and_gives_an_example(command: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*command, "--help"]) == 0
    out = capsys.readouterr().out
    assert "Usage: factory" in out
    if command and command != ("data",):
        assert "Example: factory" in out


def test_help_lists_every_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    run(["--help"])
    out = " ".join(capsys.readouterr().out.split())
    assert all(f"{code} {meaning}" in out for code, meaning in EXIT_CODES.items())


def test_help_imports_nothing_heavy() -> None:
    assert not imported_by("--help") & set(HEAVY)


def test_check_and_verify_need_no_exporter_and_no_tensorflow(tmp_path: Path) -> None:
    for command in (("data", "check", "demo"), ("verify", str(tmp_path))):
        modules = imported_by(*command)
        assert not modules & {"torch", "torch.onnx", "tensorflow", "executorch", "executorch.exir"}


def test_unknown_option_exits_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["build", "--no-such-option"]) == 2
    assert "No such option" in capsys.readouterr().err


def test_unknown_recipe_suggests_the_closest(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["build", "motionsens"]) == 3
    err = capsys.readouterr().err
    assert "did you mean 'motionsense'?" in err
    assert err.count("\n") == 1


def test_recipe_file_that_does_not_exist(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["build", str(tmp_path / "none.toml")]) == 3
    assert "does not exist" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("[train]\nstudent_epoch = 3\n", "unknown key 'train.student_epoch' (misspelt?)"),
        ("[train]\nlr = -1\n", "'train.lr': Input should be greater than 0, got -1"),
        ("[verify]\ngolden_windows = 2\n", "'verify.golden_windows'"),
        ("[train\n", "not valid TOML"),
    ],
)
def test_wrong_recipe_names_file_and_key(
    wrong: str, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(RECIPE + wrong)
    out = tmp_path / "out"
    assert run(["build", str(path), "--out", str(out)]) == 3
    err = capsys.readouterr().err
    assert str(path) in err
    assert told in err
    assert err.count("\n") == 1
    assert not out.exists()


def test_recipe_may_begin_with_a_byte_order_mark_and_must_be_utf8(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(RECIPE, "utf-8-sig")
    assert run(["recipes", str(path)]) == 0
    path.write_text(RECIPE.replace('summary = "mine"', 'summary = "größer"'), "latin-1")
    assert run(["recipes", str(path)]) == 3
    assert "not UTF-8" in capsys.readouterr().err


def test_unknown_target_is_refused_before_anything_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert run(["build", "demo", "--target", "coreml", "--out", str(out)]) == 3
    assert "no target 'coreml'" in capsys.readouterr().err
    assert not out.exists()


def test_the_processor_that_trains_is_no_board(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["build", str(tmp_path), "--device", "ssh://nobody@xavier"]) == 2
    told = "".join(capsys.readouterr().err.split()).replace("│", "")
    assert "--boardssh://nobody@xavier" in told
    assert "--verify-onssh://nobody@xavier" in told


@pytest.mark.parametrize("command", ["build", "verify"])
def test_a_board_is_named_by_its_address(command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([command, str(tmp_path), "--board", "xavier"]) == 2
    assert "ssh://[user@]host[:port]" in " ".join(capsys.readouterr().err.split())


def test_a_board_that_answers_files_is_named_as_a_device_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert run(["build", "demo", "--verify-on", "ssh://nobody@xavier/home", "--out", str(out)]) == 3
    assert "expected ssh://user@host" in capsys.readouterr().err
    assert not out.exists()


def test_a_board_needs_the_files_that_it_builds_from(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert run(["build", "demo", "--board", "ssh://nobody@127.0.0.1", "--out", str(out)]) == 3
    assert "builds the files of target jetson" in capsys.readouterr().err
    assert not out.exists()


def test_missing_recordings_exit_4(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["build", "uci_har", "--data", str(tmp_path), "--out", str(tmp_path / "o"), "--cache", str(tmp_path)]
    assert run(arguments) == 4
    assert capsys.readouterr().err.splitlines()[-1].startswith("error:")


def test_folder_that_is_no_build_exits_9(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("verify", "report", "export"):
        assert run([command, str(tmp_path)]) == 9
        assert capsys.readouterr().err.count("\n") == 1


def test_foreign_folder_exits_10(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    assert run(["train", "demo", "--out", str(tmp_path)]) == 10
    assert "no build wrote" in capsys.readouterr().err


def test_debug_may_stand_anywhere(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["--debug", "recipes", "nope"], ["recipes", "nope", "--debug"]):
        assert run(arguments) == 3
        assert "Traceback" in capsys.readouterr().err


def test_shipped_recipes_are_listed_and_printed(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run(["recipes", "--json"]) == 0
    names = [row["name"] for row in json.loads(capsys.readouterr().out)]
    assert {"demo", "uci_har", "uci_har_6ch", "hapt", "motionsense", "motionsense_acc", "dsads", "dsads_wrist"} <= set(
        names
    )
    for name in names:
        assert run(["recipes", name]) == 0
        printed = tmp_path / f"{name}.toml"
        printed.write_text(capsys.readouterr().out)
        assert run(["recipes", str(printed)]) == 0
        assert capsys.readouterr().out == printed.read_text()


@pytest.mark.parametrize("document", ["manifest", "recipe", "contract", "pack", "table"])
def test_schema_is_json_schema(document: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["schema", document]) == 0
    assert json.loads(capsys.readouterr().out)["additionalProperties"] is False


def test_models_counts_every_head_of_both_networks(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("torch")
    assert run(["models", "uci_har", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {(row["network"], row["head"]) for row in rows} == {
        (network, head) for network in ("teacher", "student") for head in ("linear", "hopfield", "cosine", "mlp")
    }
    assert all(row["parameters"] < 50_000 for row in rows if row["network"] == "student")


def test_doctor_reports_as_json(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run(["doctor", "--json", "--data", str(tmp_path), "--cache", str(tmp_path)]) in (0, 5)
    lines = {(line["group"], line["name"]): line for line in json.loads(capsys.readouterr().out)}
    assert lines["recordings", "hapt"]["state"] == "missing"
    assert ("target", "tflite") in lines


def test_a_failure_with_json_is_one_json_object_with_its_remedy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for arguments, code, kind in (
        (["verify", str(tmp_path), "--json"], 9, "ArtifactError"),
        (["build", "dmeo", "--json"], 3, "RecipeError"),
        (["build", "demo", "--json", "--board", "xavier"], 2, "UsageError"),
    ):
        assert run(arguments) == code
        captured = capsys.readouterr()
        error = json.loads(captured.out)["error"]
        assert (error["kind"], error["exit_code"]) == (kind, code)
        assert error["remedy"], error
        assert error["message"].endswith(error["remedy"])
        assert captured.err, "a person still reads it"


def test_without_json_a_failure_leaves_stdout_empty(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["verify", str(tmp_path)]) == 9
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("bound", "told"),
    [("m4=9", "'m4' is none of cortex-a53"), ("cortex-a76=-3", "bounds nothing"), ("x", "is none of")],
)
def test_a_bound_that_is_none_exits_2(bound: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["search", "--max-instructions", bound]) == 2
    assert told in " ".join(capsys.readouterr().err.replace("│", " ").split())
