"""Whatever is done to a file, `factory init` and the reading of recordings end in recordings or in one line."""

import random
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from factory.contracts.errors import FactoryError
from factory.contracts.progress import Silent
from factory.contracts.recipe import parse_toml, validate
from factory.contracts.table import TableDescription
from factory.data.guess.describe import description_toml, recipe_toml
from factory.data.guess.project import Files
from factory.data.guess.roles import Chosen
from factory.data.guess.table import guess_table
from factory.data.sources.table import Table
from tests.unit.data.formats import makers
from tests.unit.data.tables import Rows

_DAMAGED = 500
"""Inputs in all."""
Damage = Callable[[bytes, random.Random], bytes]


def _cut(content: bytes, rng: random.Random) -> bytes:
    return content[: rng.randrange(len(content))]


def _flip(content: bytes, rng: random.Random) -> bytes:
    damaged = bytearray(content)
    for _ in range(rng.choice((1, 3, 50))):
        damaged[rng.randrange(len(damaged))] = rng.randrange(256)
    return bytes(damaged)


def _lines(content: bytes, rng: random.Random) -> bytes:
    """Lines left out, doubled, swapped, or with other delimiters."""
    lines = content.split(b"\n")
    for _ in range(rng.choice((1, 5, 40))):
        place = rng.randrange(len(lines))
        kind = rng.randrange(5)
        if kind == 0:
            del lines[place : place + 1]
        elif kind == 1:
            lines.insert(place, lines[rng.randrange(len(lines))])
        elif kind == 2:
            lines[place] = lines[place].replace(b",", rng.choice((b";", b"\t", b",,", b"")))
        elif kind == 3:
            lines[place] = rng.choice((b'"', b"# x", b"NaN,NaN", b"\xff\xfe", b"\0", b"1e999,-1e999", b"," * 60))
        else:
            lines[place] = lines[place][::-1]
        lines = lines or [b""]
    return b"\n".join(lines)


def _values(content: bytes, rng: random.Random) -> bytes:
    """Numbers replaced by odd ones."""
    odd = (b"", b"nan", b"inf", b"-", b"1e400", b"0x1F", b"1.2.3", b"9" * 40, b"\xe2\x88\x921.5", b"true", b"12:61:00")
    cells = content.split(b",")
    for _ in range(min(len(cells), rng.choice((1, 20, 400)))):
        cells[rng.randrange(len(cells))] = rng.choice(odd)
    return b",".join(cells)


def _recode(content: bytes, rng: random.Random) -> bytes:
    text = content.decode("utf-8", "replace").replace("walk", "läuft 歩く")
    return text.encode(rng.choice(("utf-16", "utf-8-sig", "cp932", "utf-32", "utf-16-be", "utf-7")), "replace")


def _noise(content: bytes, rng: random.Random) -> bytes:
    return rng.randbytes(rng.choice((0, 1, 12, 4000))) + content[rng.randrange(len(content)) :]


DAMAGES: tuple[Damage, ...] = (_cut, _flip, _lines, _values, _recode, _noise)


def _rows(folder: Path) -> Path:
    return Rows.moving(150, people=("ann", "bob", "cid")).write(folder)


def _parquet(folder: Path) -> Path:
    from pyarrow import csv, parquet

    path = _rows(folder)
    parquet.write_table(csv.read_csv(path), folder / "rows.parquet")
    path.unlink()
    return folder / "rows.parquet"


def _workbook(folder: Path) -> Path:
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    sheet = book.create_sheet("rows")
    for line in Rows.moving(40, people=("ann", "bob", "cid")).lines:
        sheet.append(line.split(","))
    book.save(folder / "rows.xlsx")
    return folder / "rows.xlsx"


def _sheets(folder: Path) -> Path:
    """A worksheet a person and activity."""
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    header, *lines = Rows.moving(40, people=("ann", "bob", "cid")).lines
    for who in ("ann", "bob", "cid"):
        for activity in ("rest", "walk"):
            sheet = book.create_sheet(f"{activity}_{who}")
            sheet.append(header.split(",")[2:9])
            for cells in (line.split(",") for line in lines):
                if (cells[0], cells[-1]) == (who, activity):
                    sheet.append([float(cell) for cell in cells[2:9]])
    book.save(folder / "sheets.xlsx")
    return folder / "sheets.xlsx"


def _sensors(folder: Path) -> Path:
    """A folder a person and activity, a file a sensor."""
    for number, who in enumerate(("ann", "bob", "cid")):
        for activity in ("sit", "walk"):
            inside = folder / "recordings" / f"{activity}_{who}"
            for name, columns in (("TotalAcceleration", slice(0, 3)), ("Gyroscope", slice(3, 6))):
                stamps = (f"{(makers.START_S + number) * 10**9 + i * makers.MS20},{i / 50}" for i in range(makers.ROWS))
                rows = ((stamp, *row) for stamp, row in zip(stamps, makers.samples(columns=columns), strict=True))
                makers.write(inside / f"{name}.csv", makers.table("time,seconds_elapsed,z,y,x", rows))
    return folder / "recordings"


def _intervals(folder: Path) -> Path:
    """A file a person, and a list of labels."""
    labels = ["person,start,end,activity"]
    for who in ("ann", "bob", "cid"):
        rows = ((i / 50, *row) for i, row in enumerate(makers.signal().tolist()))
        makers.write(folder / "recordings" / f"{who}.csv", makers.table("time,ax,ay,az,gx,gy,gz", rows))
        labels += [f"{who},0.0,1.9,sit", f"{who},2.0,3.9,walk"]
    makers.write(folder / "recordings" / "labels.csv", labels)
    return folder / "recordings"


def _archive(folder: Path) -> Path:
    path = _rows(folder)
    with zipfile.ZipFile(folder / "rows.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(path, "rows.csv")
    path.unlink()
    return folder / "rows.zip"


MADE: dict[str, Callable[[Path], Path]] = {
    "csv": _rows,
    "parquet": _parquet,
    "workbook": _workbook,
    "sheets": _sheets,
    "archive": _archive,
    "sensors": _sensors,
    "intervals": _intervals,
    "sensor_logger": makers.sensor_logger,
    "phyphox": makers.phyphox_german,
    "sensorlog": makers.sensorlog,
    "edge_impulse": makers.edge_impulse,
    "cbor": makers.edge_impulse_cbor,
    "wisdm": makers.wisdm,
    "pamap2": makers.pamap2,
    "actigraph": makers.actigraph,
    "empatica": makers.empatica,
    "hhar": makers.hhar,
}


def run_through(paths: Sequence[Path], out: Path) -> str:
    """What a user sees: 'read', or the one line of the error.

    `factory init`, its files parsed again, and every recording.
    """
    try:
        guess = guess_table(paths, Chosen(), Files(), Silent())
        (out / "data.toml").write_text(description_toml(guess, out), encoding="utf-8")
        (out / "recipe.toml").write_text(recipe_toml(guess, "data.toml"), encoding="utf-8")
        parse_toml(out / "recipe.toml")
        described = validate(TableDescription, parse_toml(out / "data.toml"), "data.toml")
        for recording in Table(described, out, out).recordings(None, Silent()):
            assert len(recording.time_s) == len(recording.samples) == len(recording.labels)
    except FactoryError as error:
        return str(error)
    return "read"


def _files(whole: Path) -> list[Path]:
    """The file, or those below a folder."""
    return sorted(path for path in whole.rglob("*") if path.is_file()) if whole.is_dir() else [whole]


@pytest.mark.slow
@pytest.mark.parametrize("name", MADE)
def test_a_damaged_file_gives_recordings_or_one_line(name: str, tmp_path: Path) -> None:
    whole = MADE[name](tmp_path)
    contents = {path: path.read_bytes() for path in _files(whole)}
    rng = random.Random(f"damage {name}")
    for number in range(_DAMAGED // len(MADE) + 1):
        damage = DAMAGES[number % len(DAMAGES)]
        path, content = rng.choice(list(contents.items()))
        path.write_bytes(damage(content, rng))
        said = run_through([whole], tmp_path)
        path.write_bytes(content)
        assert "\n" not in said, f"{damage.__name__}, number {number}"
        assert len(said) < 1500, f"{damage.__name__}, number {number}"
        assert not list(tmp_path.glob("rows-*")), "temporary files stay behind"


@pytest.mark.parametrize("name", MADE)
def test_the_files_before_they_are_damaged_are_read_or_ask_for_people(name: str, tmp_path: Path) -> None:
    said = run_through([MADE[name](tmp_path)], tmp_path)
    assert said == "read" or any(word in said for word in ("subject", "person", "people", "label"))
