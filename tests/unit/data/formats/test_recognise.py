"""Each format recognises its files by their content, and nobody else's."""

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factory.contracts.errors import RecipeError
from factory.data.formats import FORMATS, Head, open_format
from factory.data.intake.detect import detect
from factory.data.intake.members import Member
from tests.unit.data.formats.makers import MAKERS, Made, write
from tests.unit.data.formats.reading import member_of
from tests.unit.data.tables import Rows

CASES = [(name, maker) for name, makers in MAKERS.items() for maker in makers]


def head_of(member: Member) -> Head:
    raw = member.head()
    return Head(member=member, raw=raw, text=raw.decode("utf-8", "replace"))


def test_every_format_has_a_maker() -> None:
    assert set(MAKERS) == set(FORMATS)


@pytest.mark.parametrize(("name", "maker"), CASES, ids=lambda part: getattr(part, "__name__", part))
def test_a_file_is_recognised_by_its_own_format_and_by_no_other(name: str, maker: Made, tmp_path: Path) -> None:
    member = member_of(maker(tmp_path))
    assert detect(member).format == name
    assert [other for other in FORMATS if open_format(other).recognise(head_of(member))] == [name]


@pytest.mark.parametrize(
    ("name", "maker"),
    [case for case in CASES if case[0] not in ("sensor_logger", "matlab_mobile", "edge_impulse")],
    ids=lambda part: getattr(part, "__name__", part),
)
def test_a_file_is_recognised_under_another_name(name: str, maker: Made, tmp_path: Path) -> None:
    path = maker(tmp_path)
    assert detect(member_of(path.rename(path.with_name("a.csv")))).format == name


def test_a_plain_table_is_claimed_by_no_format(tmp_path: Path) -> None:
    assert detect(member_of(Rows.moving(60).write(tmp_path))).format == "csv"


@pytest.mark.parametrize(
    "header",
    ["time,x,y,z", "timestamp,acc_x,acc_y,acc_z", "time,ax,ay,az,wx,wy,wz", "Time (s),speed (m/s),height (m)",
     "time,seconds_elapsed,z,y,x", "user,activity,timestamp,acc_x,acc_y,acc_z", "Timestamp,X,Y,Z"],
)  # fmt: skip
def test_tables_that_resemble_a_format_are_claimed_by_none(header: str, tmp_path: Path) -> None:
    width = header.count(",") + 1
    rows = [",".join(str(round(random.Random(i).uniform(0, 9), 3)) for _ in range(width)) for i in range(20)]
    assert detect(member_of(write(tmp_path / "data.csv", [header, *rows]))).format == "csv"


def test_an_unknown_format_names_those_there_are() -> None:
    with pytest.raises(RecipeError, match="wisdm"):
        open_format("fitbit")


@settings(max_examples=60, deadline=None)
@given(raw=st.binary(max_size=400), name=st.sampled_from(["a.csv", "Accelerometer.csv", "x.mat", "ACC.csv", "a.cwa"]))
def test_recognising_never_raises(raw: bytes, name: str) -> None:
    head = Head(member=Member(path=Path(name), inner=None, name=name), raw=raw, text=raw.decode("latin-1"))
    assert [format_ for format_ in FORMATS if open_format(format_).recognise(head) not in (True, False)] == []
