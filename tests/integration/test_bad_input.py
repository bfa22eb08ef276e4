"""Bad recordings, recipes and cache files through the command line.

Each is one line with its remedy and the right exit code, leaves nothing half-written, and stops no later run.
Damaged artifacts are in test_build.py, full disks of a build and kills in each stage in test_crash.py.
"""

import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import tomli_w

from factory.cli.app import run
from tests.integration.test_crash import small_disk
from tests.unit.data.tables import Rows, description

PEOPLE = ("ann", "bob", "cid", "dee")
SAMPLES = 200
"""Of each of a person's two recordings: line 2 begins ann's rest, line 202 her walk, line 402 bob's rest."""
RECIPE = {
    "name": "mine",
    "summary": "",
    "data": {"source": "table", "description": "data.toml", "window": 64, "hop": 32},
    "split": {"kind": "subjects", "test_subjects": ["dee"]},
}
STAGE = [{"width": 8, "blocks": 1, "expansion": 1, "kernel": 3, "stride": 2}]
NETWORK: dict[str, object] = {"stem": 4, "features": 8}
WHO, RUN, TIME, ACC_X, ACC_Z, GYRO_X, ACTIVITY = 0, 1, 2, 3, 5, 6, 9


@dataclass(frozen=True, kw_only=True, slots=True)
class Project:
    """What a user has: rows.csv, data.toml and recipe.toml, and a cache of their own."""

    folder: Path

    @property
    def recipe(self) -> Path:
        return self.folder / "recipe.toml"

    @property
    def cache(self) -> Path:
        return self.folder / "cache"

    def write(self, rows: Rows, **changes: object) -> None:
        """All three files; `changes` replaces sections of the recipe."""
        rows.write(self.folder)
        values = description().model_dump(mode="json", exclude_none=True)
        (self.folder / "data.toml").write_text(tomli_w.dumps(values), "utf-8")
        self.recipe.write_text(tomli_w.dumps(RECIPE | changes), "utf-8")

    def run(self, *command: str) -> int:
        out = ("--out", str(self.folder / "build")) if command == ("build",) else ()
        return run([*command, str(self.recipe), "--cache", str(self.cache), *out])

    def half_written(self) -> list[Path]:
        """Files that only a finished preparation or build may leave, and temporary ones."""
        found = [*self.folder.rglob("*.npy"), *self.folder.rglob("*.part"), *self.folder.rglob("rows-*")]
        return found + list(self.folder.rglob("manifest.json"))


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    return Project(folder=tmp_path)


def good() -> Rows:
    return Rows.moving(SAMPLES, people=PEOPLE)


def cut_short(rows: Rows) -> None:
    rows.lines[-1] = rows.lines[-1][:20]


def in_g(rows: Rows) -> None:
    for line in range(2, len(rows.lines) + 1):
        for column in range(ACC_X, ACC_Z + 1):
            value = float(rows.lines[line - 1].split(",")[column])
            rows.replace(line, column, f"{value / 9.80665:.6f}")


def copied(rows: Rows) -> None:
    """Bob's recordings under dee's name, too: the test split has been trained on."""
    rows.lines = [line for line in rows.lines if not line.startswith("dee")]
    rows.lines += [line.replace("bob", "dee") for line in rows.lines if line.startswith("bob")]


def only_dee_walks(rows: Rows) -> None:
    rows.lines = [line for line in rows.lines if line.startswith("dee") or not line.endswith("walk")]


BAD_ROWS: dict[str, tuple[Callable[[Rows], object], str]] = {
    "truncated": (cut_short, "line 1601: 5 values, expected 10: the file is truncated"),
    "nan": (lambda rows: rows.replace(500, ACC_X, "nan"), "line 500: column 'ax' is empty or NaN"),
    "infinite": (lambda rows: rows.replace(500, GYRO_X, "-inf"), "line 500: column 'gx' is infinite"),
    "falling": (lambda rows: rows.replace(500, TIME, "0"), "line 500: time falls there, once"),
    "duplicate": (lambda rows: rows.replace(500, TIME, "1940"), "line 500: the time stamp repeats the one before"),
    "wrong unit": (in_g, "acc: is described in m/s^2, but looks like g"),
    "subject of two lines": (
        lambda rows: rows.replace(500, WHO, "bo\tb"),
        "line 500: subject 'bo\\tb' holds a line break or another control character: rename that person",
    ),
    "subject with a blank": (
        lambda rows: rows.replace(500, WHO, "bob "),
        "line 500: subject 'bob ' begins or ends with a blank: rename that person",
    ),
    "unknown label": (lambda rows: rows.replace(500, ACTIVITY, "fly"), "line 500: unknown label 'fly', expected rest"),
}


@pytest.mark.parametrize("command", [("data", "check"), ("data", "prepare"), ("build",)], ids=" ".join)
@pytest.mark.parametrize("kind", BAD_ROWS)
def test_bad_rows(kind: str, command: tuple[str, ...], project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    spoil, told = BAD_ROWS[kind]
    rows = good()
    spoil(rows)
    project.write(rows)
    assert_refused(project, command, 4, told, capsys)
    project.write(good())
    assert project.run("data", "prepare") == 0, "the next run goes on"


@pytest.mark.parametrize("command", [("data", "check"), ("data", "prepare"), ("build",)], ids=" ".join)
def test_a_subject_in_two_parts_of_the_split(
    command: tuple[str, ...], project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = good()
    copied(rows)
    project.write(rows)
    assert project.run(*command) == 4
    (error,) = errors(capsys)
    assert "leakage" in error
    assert "remove one" in error
    assert not list(project.folder.rglob("manifest.json"))


def test_a_class_missing_from_training(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    rows = good()
    only_dee_walks(rows)
    project.write(rows)
    for command in (("data", "check"), ("data", "prepare"), ("build",)):
        assert project.run(*command) == 4
        (error,) = errors(capsys)
        assert "walk" in error
        assert "train" in error


@pytest.mark.parametrize("command", [("data", "check"), ("data", "prepare"), ("build",)], ids=" ".join)
def test_a_window_longer_than_every_recording(
    command: tuple[str, ...], project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    project.write(good(), data={**RECIPE["data"], "window": 256})  # type: ignore[dict-item]
    assert_refused(project, command, 4, "window of 256 samples (5.12 s) is longer than every gap-free", capsys)


@pytest.mark.parametrize("command", [("data", "check"), ("data", "prepare"), ("build",)], ids=" ".join)
def test_a_label_of_two_lines(command: tuple[str, ...], project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    rows = good()
    rows.lines = [line.replace(",walk", ",wa\tlk") for line in rows.lines]
    project.write(rows)
    values = description(labels=["rest", "wa\tlk"]).model_dump(mode="json", exclude_none=True)
    (project.folder / "data.toml").write_text(tomli_w.dumps(values), "utf-8")
    told = "rows.csv: label 'wa\\tlk' holds a line break or another control character: rename it there, or"
    assert_refused(project, command, 4, told, capsys)
    changed = RECIPE | {"data": {**RECIPE["data"], "merge": {"wa\tlk": "walk, slowly"}}}  # type: ignore[dict-item]
    project.recipe.write_text(tomli_w.dumps(changed), "utf-8")
    assert project.run("data", "prepare") == 0


@pytest.mark.parametrize("command", [("data", "check"), ("data", "prepare"), ("build",)], ids=" ".join)
def test_a_trimmed_and_noisy_copy(
    command: tuple[str, ...], project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = Rows.moving(1000, people=PEOPLE)
    rng = np.random.default_rng(1)
    rows.lines = [line for line in rows.lines if not line.startswith("dee")]
    for line in [line for line in rows.lines if line.startswith("bob")]:
        cells = line.split(",")
        if int(cells[TIME]) >= 37 * 20:
            values = [f"{float(cell) + 0.05 * rng.normal():.5f}" for cell in cells[ACC_X:ACTIVITY]]
            rows.lines.append(",".join(["dee", *cells[1:ACC_X], *values, cells[ACTIVITY]]))
    project.write(rows)
    assert project.run(*command) == 4
    (error,) = errors(capsys)
    assert "windows of subject dee in test are near copies" in error
    assert "of subject bob's" in error
    assert not list(project.folder.rglob("manifest.json"))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"data": {**RECIPE["data"], "windw": 64}}, "unknown key 'data.windw' (misspelt?)"),  # type: ignore[dict-item]
        ({"train": {"lr": -1.0}}, "'train.lr': Input should be greater than 0, got -1.0"),
        (
            {"model": {"student": {**NETWORK, "activation": "relu", "stages": 2 * STAGE}}},
            "the student has 2 stages, the teacher 3: give both the same number",
        ),
        (
            {"data": {**RECIPE["data"], "window": 8}},  # type: ignore[dict-item]
            "data.window = 8, but the student's strides divide it by 8",
        ),
        ({"split": {"kind": "subjects", "test_subjects": ["eve"]}}, "split.test_subjects names eve: subjects with"),
    ],
    ids=["misspelt key", "out of range", "unequal stages", "short window", "unknown subject"],
)
def test_a_wrong_recipe(
    changes: dict[str, object], told: str, project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    project.write(good(), **changes)
    for command in (("data", "check"), ("data", "prepare"), ("build",)):
        assert project.run(*command) == 3
        (error,) = errors(capsys)
        assert told in error


@pytest.mark.parametrize("name", ["x.npy", "y.npy", "subject.npy", "meta.json"])
def test_a_corrupt_cache_file_is_noticed_and_made_again(
    name: str, project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    project.write(good())
    assert project.run("data", "prepare") == 0
    (path,) = project.cache.rglob(name)
    before = path.read_bytes()
    path.write_bytes(before[:-1] + bytes([before[-1] ^ 1]) if name != "meta.json" else before[: len(before) // 2])
    capsys.readouterr()
    assert project.run("data", "prepare") == 0
    assert "cached windows cannot be used" in capsys.readouterr().err
    assert path.read_bytes() == before


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 kB."""
    folder = tmp_path / "disk"
    small_disk(folder, "64k")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_under_the_cache(disk: Path, project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    project.write(good())
    arguments = ["data", "prepare", str(project.recipe), "--cache", str(disk)]
    assert run(arguments) == 10
    (error,) = errors(capsys)
    assert error.startswith(f"error: no space left for {disk}")
    assert "--cache" in error
    assert not list(disk.rglob("*.npy"))
    subprocess.run(["mount", "-o", "remount,size=64m", str(disk)], check=True)
    assert run(arguments) == 0


def test_a_full_disk_under_the_temporary_files(
    disk: Path, project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(disk))
    (disk / "filler").write_bytes(bytes(48 << 10))
    project.write(good())
    assert project.run("data", "check") == 10
    (error,) = errors(capsys)
    assert error.startswith(f"error: no space left for {disk}")
    assert "TMPDIR" in error
    assert [path.name for path in disk.iterdir()] == ["filler"]


def test_a_full_disk_under_what_init_writes(disk: Path, project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    project.write(good())
    (disk / "filler").write_bytes(bytes(60 << 10))
    columns = ("--subject", "who", "--session", "run", "--time", "t", "--label", "activity")
    assert run(["init", str(project.folder / "rows.csv"), "--out", str(disk), *columns]) == 10
    (error,) = errors(capsys)
    assert error.startswith(f"error: no space left for {disk}")
    assert [path.name for path in disk.iterdir()] == ["filler"]


@pytest.mark.parametrize(
    "command",
    [
        ["data", "prepare", "demo", "--cache", "taken"],
        ["data", "fetch", "hapt", "--data", "taken"],
        ["train", "demo", "--out", "taken"],
        ["train", "demo", "--out", "taken/below"],
        ["init", "rows.csv", "--out", "taken", "--subject", "who", "--time", "t", "--session", "run"],
    ],
    ids=" ".join,
)
def test_a_file_where_a_folder_is_needed(
    command: list[str], project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project.write(good())
    monkeypatch.chdir(project.folder)
    Path("taken").write_text("mine")
    assert run(command) == 10
    (error,) = errors(capsys)
    assert "taken" in error
    assert "choose another" in error
    assert Path("taken").read_text() == "mine"


def assert_refused(
    project: Project, command: tuple[str, ...], code: int, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line that says `told`, the exit code, and nothing half-written.

    A check looks at the windows of mislabelled units, too, and may keep them; nothing is trained on those.
    """
    assert project.run(*command) == code
    (error,) = errors(capsys)
    assert told in error
    kept = set(project.folder.glob("cache/windows/*/*.npy")) if command == ("data", "check") else set()
    assert set(project.half_written()) - kept == set()


def errors(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Lines on stderr that are errors; nothing comes after them."""
    lines = capsys.readouterr().err.splitlines()
    assert lines[-1].startswith("error: ")
    return [line for line in lines if line.startswith("error: ")]
