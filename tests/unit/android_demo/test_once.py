"""A step runs again when anything that it reads or wrote has changed, and only then."""

import sys
from pathlib import Path

import pytest

from tests.unit.android_demo.test_tools import DEMO, tool

once = tool("once")

POM = """<project xmlns="http://maven.apache.org/POM/4.0.0">{parent}<artifactId>{name}</artifactId>
<modules>{modules}</modules><dependencies>{needs}</dependencies></project>"""
PARENT = "<parent><relativePath>../base/pom.xml</relativePath></parent>"
NEED = "<dependency><groupId>dev.smldist</groupId><artifactId>{}</artifactId></dependency>"
FOREIGN = "<dependency><groupId>org.junit</groupId><artifactId>junit</artifactId></dependency>"

BUILD = """
import sys, pathlib
marked = sorted(path.parent.parent.name for path in pathlib.Path().rglob("target/unchanged"))
for module in ("low", "high", "low/inner"):
    pathlib.Path(module, "target/classes").mkdir(parents=True, exist_ok=True)
    pathlib.Path(module, "target/classes/made").write_text("compiled")
with open("../runs", "a") as runs:
    print(*marked, file=runs)
sys.exit(pathlib.Path("broken").exists())
"""


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(once, "STATE", tmp_path / "state")


@pytest.fixture
def demo(tmp_path: Path) -> Path:
    """Three modules: high needs low, as base says, from which it inherits; inner lies in low's folder and is alone."""
    root = tmp_path / "demo"
    for name, parent, needs in (
        ("base", "", NEED.format("low")),
        ("low", "", FOREIGN),
        ("high", PARENT, ""),
        ("low/inner", "", ""),
    ):
        (root / name).mkdir(parents=True)
        (root / name / "pom.xml").write_text(POM.format(parent=parent, name=Path(name).name, modules="", needs=needs))
        (root / name / "source.kt").write_text("code")
    listed = "".join(f"<module>{name}</module>" for name in ("high", "low", "low/inner"))
    (root / "pom.xml").write_text(POM.format(parent="", name="parent", modules=listed, needs=""))
    (tmp_path / "model").write_text("a model")
    return root


def reactor(demo: Path) -> tuple[int, list[str]]:
    """Exit code, and which modules were left out."""
    code = once.main(["reactor", str(demo), "--reads", str(demo.parent / "model"), "--", sys.executable, "-c", BUILD])
    assert not list(demo.rglob("unchanged")), "marks are for one run"
    return code, (demo.parent / "runs").read_text().splitlines()[-1].split()


@pytest.mark.parametrize(
    ("changed", "left_out"),
    [
        ("", ["high", "inner", "low"]),
        ("low/source.kt", ["inner"]),
        ("high/source.kt", ["inner", "low"]),
        ("low/inner/source.kt", ["high", "low"]),
        ("low/target/classes/made", ["high", "inner"]),
        ("low/target/low.jar", ["high", "inner"]),
        ("high/new.kt", ["inner", "low"]),
        ("low/pom.xml", ["inner"]),
        ("base/source.kt", ["inner", "low"]),
        ("pom.xml", []),
        (".mvn/jvm.config", []),
        ("../model", []),
    ],
)
def test_modules_run_again_with_what_they_need_and_what_all_read(demo: Path, changed: str, left_out: list[str]) -> None:
    assert reactor(demo) == (0, [])
    if changed:
        path = demo / changed
        path.parent.mkdir(exist_ok=True)
        with path.open("a") as file:
            file.write("\n")
    assert reactor(demo) == (0, left_out)
    assert reactor(demo) == (0, ["high", "inner", "low"])


def test_a_deleted_file_and_a_deleted_output_run_a_module_again(demo: Path) -> None:
    reactor(demo)
    (demo / "high/source.kt").unlink()
    assert reactor(demo) == (0, ["inner", "low"])
    (demo / "high/target/classes/made").unlink()
    assert reactor(demo) == (0, ["inner", "low"])


def test_what_failed_is_not_left_out_and_what_did_not_change_is(demo: Path) -> None:
    reactor(demo)
    (demo / "high/source.kt").write_text("wrong")
    (demo / "broken").touch()
    assert reactor(demo) == (1, ["inner", "low"])
    (demo / "high/source.kt").write_text("code")
    assert reactor(demo) == (1, ["inner", "low"]), "nobody knows what the failed run left"
    (demo / "broken").unlink()
    assert reactor(demo) == (0, ["inner", "low"])
    assert reactor(demo) == (0, ["high", "inner", "low"])


def test_a_mark_that_a_killed_run_left_leaves_nothing_out(demo: Path) -> None:
    (demo / "high/target").mkdir()
    (demo / "high/target/unchanged").touch()
    assert reactor(demo) == (0, [])


def test_a_step_runs_again_for_another_input_output_or_command(tmp_path: Path) -> None:
    given, made, runs = tmp_path / "given", tmp_path / "made", tmp_path / "runs"
    (given / "folder").mkdir(parents=True)
    (given / "folder/file").write_text("1")

    def step(code: str = "") -> int:
        line = (
            f"import pathlib; pathlib.Path({str(made)!r}).write_text('x'); open({str(runs)!r}, 'a').write('.'); {code}"
        )
        before = len(runs.read_text()) if runs.exists() else 0
        ended = once.main(
            ["step", "some", "--reads", str(given), "--writes", str(made), "--", sys.executable, "-c", line]
        )
        assert ended == (3 if "exit" in code else 0)
        return len(runs.read_text()) - before

    assert [step(), step()] == [1, 0]
    (given / "folder/file").write_text("2")
    assert [step(), step()] == [1, 0]
    (given / "folder/file").rename(given / "folder/other")
    assert [step(), step()] == [1, 0]
    made.write_text("changed by hand")
    assert [step(), step()] == [1, 0]
    made.unlink()
    assert [step(), step()] == [1, 0]
    assert [step("pass"), step("pass")] == [1, 0]
    assert [step("raise SystemExit(3)  # exit"), step("raise SystemExit(3)  # exit")] == [1, 1]


def test_another_tool_runs_a_step_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = once.digest([tmp_path])
    (tmp_path / "bin").mkdir()
    java = tmp_path / "bin/java"
    java.touch(mode=0o755)
    other = once.digest([tmp_path / "none"])
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert once.digest([tmp_path / "none"]) != other
    assert before != once.digest([tmp_path])


def test_a_missing_command_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        once.main(["step", "some", "--reads", "a", "--writes", "b"])
    assert ended.value.code == 2
    assert "no command follows" in capsys.readouterr().err


@pytest.mark.parametrize("app", ["app", "wear"])
def test_the_modules_of_an_app_are_found_with_what_they_need(app: str) -> None:
    found = {module.name: module for module in once.modules(DEMO)}
    wanted = {"common", "sensing", "inference", "litert", "litert-aar", "recognizer-classes", "androidx-aar"}
    assert wanted <= set(found[app].needs)
    assert found[app].parents == (DEMO / "apk",)
    assert "sensing" in found["inference"].needs
    assert all(name in found for module in found.values() for name in module.needs)
