"""A user labels a few people and brings more: from their files to a recipe whose teacher answers for the others."""

from pathlib import Path

import pytest

from factory.cli.app import run
from factory.contracts.errors import DataError
from factory.contracts.progress import Silent
from factory.contracts.report import DataReport
from factory.data.checks import check
from factory.data.guess.describe import description_toml, recipe_toml
from factory.data.guess.project import Files
from factory.data.guess.roles import Chosen
from factory.data.guess.table import TableGuess, guess_table
from factory.recipes import find_recipe
from tests.unit.data.kinds import PEOPLE, RATE_HZ, Piece, pieces

HEADER = "activity,time_s,acc_x,acc_y,acc_z,gyro_x,gyro_y,gyro_z"


def file_of(folder: Path, who: str, label: str | None = "its own") -> None:
    """Everything a person did, in a file of theirs; None leaves the column of labels out, another text stands in it."""
    lines, clock = [HEADER if label is not None else HEADER.partition(",")[2]], 0.0
    for piece in pieces():
        if piece.who == who:
            lines += _rows(piece, label, clock)
            clock += len(piece.acc) / RATE_HZ + 1.0
    (folder / f"{who}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _rows(piece: Piece, label: str | None, clock: float) -> list[str]:
    first = [] if label is None else [piece.label if label == "its own" else label]
    return [
        ",".join([*first, f"{clock + index / RATE_HZ:.2f}", *(f"{value:.4f}" for value in (*acc, *gyro))])
        for index, (acc, gyro) in enumerate(zip(piece.acc, piece.gyro, strict=True))
    ]


def guess(folder: Path) -> TableGuess:
    return guess_table([folder], Chosen(), Files(pattern="{subject}.csv"), Silent())


def checked(found: TableGuess, folder: Path) -> DataReport:
    """`factory init` and `factory data check`."""
    (folder / "data.toml").write_text(description_toml(found, folder), "utf-8")
    text = recipe_toml(found, "data.toml").replace("# unlabelled = true would", "unlabelled = true  # would")
    (folder / "recipe.toml").write_text(text, "utf-8")
    recipe = find_recipe(folder / "recipe.toml")
    train = recipe.train.model_copy(update={"batch": 8})
    return check(recipe.model_copy(update={"train": train}), None, folder / "cache", Silent(), folder)


@pytest.mark.parametrize("column", [None, "", "unlabelled"])
def test_a_person_without_labels_is_answered_for(
    column: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for who in PEOPLE[:3]:
        file_of(tmp_path, who)
    file_of(tmp_path, "dia", column)
    found = guess(tmp_path)
    assert (found.labelled.people, found.labelled.without) == (PEOPLE[:3], ("dia",))
    assert not found.labelled.answered  # one beside three; asked for all the same below
    assert [c.code for c in found.checks if c.code.startswith("label.")] == ["label.absent"] * (column is None)
    report = checked(found, tmp_path)
    assert report.split is not None
    assert report.split.subjects["unlabelled"] == ("dia",)
    assert report.split.windows["unlabelled"] > 10
    (dia,) = [entry for entry in report.subjects if entry.subject == "dia"]
    assert (dia.part, dia.windows, dia.unlabelled) == ("unlabelled", 0, report.split.windows["unlabelled"])
    assert {entry.part for entry in report.subjects if entry.subject != "dia"} == {"train", "validation", "test"}
    assert sum(entry.windows or 0 for entry in report.classes) == sum(
        count for part, count in report.split.windows.items() if part != "unlabelled"
    )
    assert run(["data", "prepare", str(tmp_path / "recipe.toml"), "--cache", str(tmp_path / "cache")]) == 0
    assert f"unlabelled: {dia.unlabelled} windows of 1 people, for the teacher to answer" in capsys.readouterr().out
    assert not {"subject.empty", "leakage.split"} & {finding.code for finding in report.findings}


def test_labelled_people_alone_make_groups_and_their_gaps_alone_no_unlabelled_recipe(tmp_path: Path) -> None:
    for who in PEOPLE:
        file_of(tmp_path, who)
    text = recipe_toml(guess(tmp_path), "data.toml")
    assert "groups = 4" in text
    assert "unlabelled" not in text
    file_of(tmp_path, "dia", None)
    text = recipe_toml(guess(tmp_path), "data.toml")
    assert "# of 3 with labels; group `fold` tests\ngroups = 3" in text
    assert "# unlabelled = true would have a teacher answer for 1 without labels" in text
    assert "\nunlabelled" not in text
    for who in ("eva", "fay"):
        (tmp_path / f"{who}.csv").write_bytes((tmp_path / "dia.csv").read_bytes())
    text = recipe_toml(guess(tmp_path), "data.toml")
    assert "# a teacher trained on 3 people answers for 3 without labels\nunlabelled = true" in text


def test_too_few_labelled_people_are_refused_by_name(tmp_path: Path) -> None:
    for who in PEOPLE[:2]:
        file_of(tmp_path, who)
    for who in PEOPLE[2:]:
        file_of(tmp_path, who, None)
    with pytest.raises(DataError, match=r"2 of 4 people have labels in column 'activity' \(ann, ben\).*at least 3"):
        guess(tmp_path)


def test_a_file_without_the_column_of_labels_is_refused_unless_the_description_allows_it(tmp_path: Path) -> None:
    for who in PEOPLE[:3]:
        file_of(tmp_path, who)
    file_of(tmp_path, "dia", None)
    found = guess(tmp_path)
    (tmp_path / "data.toml").write_text(description_toml(found, tmp_path).replace("optional = true\n", ""), "utf-8")
    (tmp_path / "recipe.toml").write_text(recipe_toml(found, "data.toml"), "utf-8")
    with pytest.raises(DataError, match=r"dia\.csv: no column 'activity' of labels.*set labels\.optional = true"):
        check(find_recipe(tmp_path / "recipe.toml"), None, tmp_path / "cache", Silent(), tmp_path)


@pytest.mark.parametrize("called", ["sub_{}", "sub_{}.csv", "{}"])
def test_a_list_of_intervals_names_whom_it_labels_by_name_or_file(called: str, tmp_path: Path) -> None:
    lines = ["who,start,end,activity"]
    for who in PEOPLE:
        file_of(tmp_path, who, None)
        (tmp_path / f"{who}.csv").rename(tmp_path / f"sub_{who}.csv")
        clock = 0.0
        for piece in pieces() if who != "dia" else ():
            if piece.who == who:
                end = clock + (len(piece.acc) - 1) / RATE_HZ
                lines.append(f"{called.format(who)},{clock:.2f},{end:.2f},{piece.label}")
                clock += len(piece.acc) / RATE_HZ + 1.0
    (tmp_path / "labels.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    found = guess_table([tmp_path], Chosen(), Files(pattern="sub_{subject}.csv"), Silent())
    assert (found.labelled.people, found.labelled.without) == (PEOPLE[:3], ("dia",))
    report = checked(found, tmp_path)
    assert report.split is not None
    assert report.split.subjects["unlabelled"] == ("dia",)
    assert all(entry.windows for entry in report.classes)


def test_codes_as_pandas_writes_them_beside_empty_cells_are_whole_numbers(tmp_path: Path) -> None:
    codes = {"pendulum": "1.0", "row": "2.0", "trapezius": "3.0"}
    for who in PEOPLE[:3]:
        file_of(tmp_path, who)
        text = (tmp_path / f"{who}.csv").read_text()
        for name, code in codes.items():
            text = text.replace(f"\n{name},", f"\n{code},")
        (tmp_path / f"{who}.csv").write_text(text)
    file_of(tmp_path, "dia", "-1.0")
    (tmp_path / "eva.csv").write_text((tmp_path / "dia.csv").read_text().replace("\n-1.0,", "\n,"))
    found = guess(tmp_path)
    assert list(found.labels.order) == ["1", "2", "3"]
    assert (found.labelled.people, found.labelled.without) == (PEOPLE[:3], ("dia", "eva"))
    (tmp_path / "eva.csv").unlink()  # the same samples under two names are leakage
    report = checked(found, tmp_path)
    assert [entry.label for entry in report.classes] == ["1", "2", "3"]
    assert all(entry.windows for entry in report.classes)
    assert report.split is not None
    assert report.split.subjects["unlabelled"] == ("dia",)


@pytest.mark.parametrize("zero", ["0", "0.0"])
def test_a_pause_of_code_zero_is_one_however_it_is_written(zero: str, tmp_path: Path) -> None:
    ends = zero.removeprefix("0")
    for who in PEOPLE:
        file_of(tmp_path, who)
        lines = (tmp_path / f"{who}.csv").read_text().splitlines()
        found = [lines[0]]
        for line in lines[1:]:
            name, _, rest = line.partition(",")
            pause = int(float(rest.partition(",")[0]) * 50) % 500 < 50
            code = zero if pause else {"pendulum": "1", "row": "2", "trapezius": "3"}[name] + ends
            found.append(f"{code},{rest}")
        (tmp_path / f"{who}.csv").write_text("\n".join(found) + "\n")
    labels = guess(tmp_path).labels
    assert (list(labels.order), labels.null) == (["1", "2", "3"], ("0",))


def test_folders_that_say_what_is_labelled_are_no_activities(tmp_path: Path) -> None:
    for folder, people, label in (("labelled", PEOPLE[:3], "its own"), ("unlabelled", PEOPLE[3:], None)):
        (tmp_path / folder).mkdir()
        for who in people:
            file_of(tmp_path / folder, who, label)
            (tmp_path / folder / f"{who}.csv").rename(tmp_path / folder / f"P{PEOPLE.index(who)}.csv")
    found = guess_table([tmp_path], Chosen(), Files(), Silent())
    assert (found.labelled.people, found.labelled.without) == (("P0", "P1", "P2"), ("P3",))
    assert list(found.labels.order) == ["pendulum", "row", "trapezius"]
    report = checked(found, tmp_path)
    assert report.split is not None
    assert report.split.subjects["unlabelled"] == ("P3",)
