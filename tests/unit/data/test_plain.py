"""Plain CSV without any package: the same values as by pyarrow, and every fault with its line."""

from pathlib import Path

import numpy as np
import pytest

from factory.contracts.errors import DataError
from factory.data.intake.detect import detect, open_sheet
from factory.data.intake.members import list_members
from factory.data.plain import is_plain, read_plain

WANTED = ("time_s", "acc_x")
TEXT = "acc_x,note,time_s\n9.81,a,0\n-.5e-3,,0.02\n\n,b,4e-2\n"


def file(folder: Path, text: str | bytes = TEXT) -> Path:
    path = folder / "recording.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_columns_are_found_by_name_and_an_empty_cell_is_missing(tmp_path: Path) -> None:
    path = file(tmp_path)
    assert is_plain(path, WANTED)
    found = read_plain(path, WANTED)
    np.testing.assert_array_equal(found["time_s"], [0, 0.02, 0.04])
    np.testing.assert_array_equal(found["acc_x"], [9.81, -0.5e-3, np.nan])


@pytest.mark.parametrize("text", [TEXT, "\ufeff" + TEXT, TEXT.replace("\n", "\r\n"), TEXT.replace("9.81", '" 9.81"')])
def test_it_reads_what_the_other_reader_does(tmp_path: Path, text: str) -> None:
    path = file(tmp_path, text)
    (member,) = list_members(path)
    (batch,) = open_sheet(member, (detect(member),)).batches(dict.fromkeys(WANTED, "number"))
    found = read_plain(path, WANTED)
    for name in WANTED:
        np.testing.assert_array_equal(found[name], batch.column(name).to_numpy(zero_copy_only=False))


@pytest.mark.parametrize(
    "text",
    [
        "time_s;acc_x\n0;1\n",
        "t,acc_x\n0,1\n",
        "time_s,acc_x,acc_x\n0,1,2\n",
        "",
        "time_s,acc_x\n0,1\n".encode("utf-16"),
        b"PK\x03\x04\xff",
        '"time_s,acc_x\n',
    ],
)
def test_other_layouts_are_left_to_the_other_reader(tmp_path: Path, text: str | bytes) -> None:
    assert not is_plain(file(tmp_path, text), WANTED)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("time_s,acc_x\n0,1\n0.02,fast\n", r"line 3: acc_x is 'fast', expected a number"),
        ("time_s,acc_x\n0,1_0\n", r"line 2: acc_x is '1_0'"),
        ("time_s,acc_x\n0,nan\n", r"line 2: acc_x is 'nan'"),
        ("time_s,acc_x\n0,0x1\n", r"line 2: acc_x is '0x1'"),
        ("time_s,acc_x\n0,1,2\n", r"line 2 has 3 cells, the header has 2"),
        ("time_s,acc_x\n0,1\n0.02\n", r"line 3 has 1 cells, the header has 2"),
        (b"time_s,acc_x\n0,1\n0.02,\xff\n", r"is damaged"),
        ('time_s,acc_x\n0,"1\n', r"is damaged"),
    ],
)
def test_a_fault_is_told_with_its_line(tmp_path: Path, text: str | bytes, message: str) -> None:
    path = file(tmp_path, text)
    assert is_plain(path, WANTED)
    with pytest.raises(DataError, match=message):
        read_plain(path, WANTED)
