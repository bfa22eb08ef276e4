"""Names of files to a pattern: which part is who, what, when and which sensor."""

import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from factory.data.guess.path_guess import PathGuess, guess_paths
from factory.data.guess.path_words import Kind, is_activity, tokens
from factory.data.intake.members import Member
from factory.data.intake.patterns import fill, fit


def guessed(names: list[str]) -> PathGuess:
    return guess_paths([Member(path=Path("x"), inner=None, name=name) for name in names])


def made(layout: str, **texts: str | list[str]) -> list[str]:
    """A name for every combination of the parts' texts."""
    return [layout.format(**dict(zip(texts, row, strict=True))) for row in product(*texts.values())]


WHAT = ["walk", "jog", "sit"]
LAYOUTS = [
    (made("{l}_{p}/{s}.csv", l=WHAT, p=["P1-2024-09-29_08-51-00", "P2-2024-09-29_08-52-00"],
          s=["Accelerometer", "Gyroscope", "Gravity", "TotalAcceleration"]),
     r"{label}_{subject:P\d+}-{session}/{sensor}.csv", "{label}_{session}"),
    (made("{p}/{l}/trial_{t}.csv", p=["S1", "S2", "S3"], l=WHAT, t="12"),
     "{subject}/{label}/{session}.csv", "{label}_{session}"),
    (["dws_1/sub_1.csv", "dws_1/sub_2.csv", "dws_2/sub_1.csv", "jog_9/sub_1.csv", "jog_16/sub_2.csv",
      "std_6/sub_10.csv"],
     "{label}_{session}/sub_{subject}.csv", "{session}"),
    (["dws_1/1.csv", "dws_1/2.csv", "dws_2/1.csv", "dws_2/2.csv", "jog_9/1.csv", "jog_9/2.csv",
      "std_6/1.csv", "std_6/2.csv"],
     "{label}_{session}/{subject}.csv", "{session}"),
    (made("{s}_exp{e}.txt", s=["acc", "gyro"], e=["01_user01", "02_user01", "03_user02", "04_user02"]),
     "{sensor}_exp{session}_user{subject}.txt", "{session}"),
    (made("a{l}/p{p}/s{t}.txt", l=["01", "02", "19"], p="12345678", t=["01", "02", "60"]),
     "a{label}/p{subject}/s{session}.txt", "{label}_{session}"),
    (["subject101.dat", "subject102.dat", "subject103.dat"], "subject{subject}.dat", None),
    (made("{l}_{p}_Raw Data.csv", l=["walk", "jog"], p=["anna", "bert", "carl"]),
     "{label}_{subject}_Raw Data.csv", "{label}"),
    (made("E4_{l}_{p}/{s}.csv", l=["A01", "A02"], p=["P1", "P2"], s=["ACC", "BVP"]),
     "E4_{label}_{subject}/{sensor}.csv", "{label}"),
    (["walk.anna.3q1.json", "walk.bert.9k2.json", "jog.anna.1z7.json", "jog.bert.2c4.json"],
     "{label}.{subject}.{session}.json", "{session}"),
    (["user=1/part-0.parquet", "user=1/part-1.parquet", "user=2/part-0.parquet"], "user={subject}/*.parquet", None),
    (made("activity={l}/user={p}/829f681e21f54fd095e847cd9cabe9b5-0.parquet", l="123", p="1234"),
     "activity={label}/user={subject}/*.parquet", "{label}"),
    (made("{p}/2024-05-0{d}/{l}_{w}_{t}.csv", p=["anna", "bert"], d="12", l=["standing", "walk"],
          w=["left_wrist", "right_wrist"], t="12"),
     "{subject}/{session}/{label:[^_/]+}_{placement}_{trial}.csv", "{label}_{session}_{trial}"),
    (made("{l}_{p}.csv", l=["going_up", "walk", "open_door"], p=["P1", "P2"]), "{label}_{subject}.csv", "{label}"),
    (made("{p}_{l}.csv", l=["going_up", "walk"], p=["anna", "bert"]), "{subject:[^_/]+}_{label}.csv", "{label}"),
    (made("{p}_{l}_{t}.csv", l=["open_door", "wash_hands"], p=["P1", "P2"], t="12"),
     r"{subject:P\d+}_{label}_{session}.csv", "{label}_{session}"),
    (made("{l}_{p}.zip/{s}.csv", l=WHAT, p=["P1", "P2"], s=["Accelerometer", "Gyroscope"]),
     "{label}_{subject}.zip/{sensor}.csv", "{label}"),
    (["walk_P1.zip/Gyroscope.csv", "jog_P1/Gyroscope.csv", "walk_P2.zip/Gyroscope.csv", "jog_P2/Gyroscope.csv"],
     r"{label}_{subject:P\d+}*/Gyroscope.csv", "{label}"),
    (made("{p}/{l}.csv", p=["太郎", "花子"], l=["歩く", "走る"]), "{subject}/{label}.csv", "{label}"),
    (made("{p}_{l}.csv", p=["Анна", "Борис"], l=["ходьба", "бег"]), "{subject}_{label}.csv", "{label}"),
    (made("a{l}_s{p}_t{t}_inertial.mat", l=["1", "2", "27"], p="12345678", t="1234"),
     "a{label}_s{subject}_t{session}_inertial.mat", "{label}_{session}"),
    (made("a{l}s{p}t{t}.csv", l="123", p="123", t="12"), "a{label}s{subject}t{session}.csv", "{label}_{session}"),
    (made("{l}_run{t}_id{p}.csv", l=WHAT, t="12", p="123"),
     "{label}_run{session}_id{subject}.csv", "{label}_{session}"),
    (made("{l}{p}.csv", l=["Walking", "Sitting"], p=["Anna", "Bert"]),
     "{label:Sitting|Walking}{subject}.csv", "{label}"),
    (made("{d}/{p}_{l}.csv", d=["train"], p=["S1", "S2"], l=WHAT)
     + made("{d}/{p}_{l}.csv", d=["test"], p=["S3"], l=WHAT),
     "*/{subject}_{label}.csv", "{label}"),
    (["walk_anna.csv", "walk_anna_2.csv", "jog_bert.csv", "jog_anna.csv", "walk_bert_2.csv"],
     r"{label}_{subject:[^\d/]+}{session:(?:_\d+)?}.csv", "{label}_{session}"),
    (["walk_anna.csv", "walk_bert.csv.gz", "jog_bert.csv", "jog_anna.CSV"], "{label}_{subject:[^./]+}*", "{label}"),
    (made("{l}/3f2504e0-4f89-11d3-9a0c-0305e82c33{u}.csv", l=["walk"], u=["01", "02"])
     + made("{l}/3f2504e0-4f89-11d3-9a0c-0305e82c33{u}.csv", l=["jog"], u=["03", "04"]),
     "{label}/{session}.csv", "{session}"),
    (["{a}[1]_walk.csv", "{a}[1]_jog.csv", "{a}[1]_sit.csv"], "{{a}}[[]1]_{label}.csv", "{label}"),
    (["P1_walk.csv", "P1_jog.csv", "P2_walk.csv", "P2_jog.csv", "C1_walk.csv", "C1_jog.csv"],
     "{subject}_{label}.csv", "{label}"),
]  # fmt: skip


@pytest.mark.parametrize(("names", "pattern", "session"), LAYOUTS, ids=[pattern for _, pattern, _ in LAYOUTS])
def test_layouts_that_people_have_are_named(names: list[str], pattern: str, session: str | None) -> None:
    found = guessed(names)
    assert (found.pattern, found.session, found.sure, found.ignore) == (pattern, session, True, ())


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (made("{a}_{b}.csv", a="123", b="123"), "'1', '2', '3' is the person here, but may be the session"),
        (made("{a}_{b}.csv", a=["foo", "bar"], b=["quux", "zork"]), "is the person here, but may be the label"),
        (["anna.csv", "bert.csv", "carl.csv"], "is the person here, but may be the label"),
        (
            made("data_{a}_{s}.txt", a=["1600", "1601"], s=["accel", "gyro"]),
            "is the person here, but may be the session",
        ),
    ],
)
def test_two_readings_that_are_as_likely_are_both_told(names: list[str], message: str) -> None:
    found = guessed(names)
    assert not found.sure
    assert message in found.reason


def test_a_word_that_all_names_end_with_is_no_part_of_the_person() -> None:
    assert guessed(["annRAW.csv", "benRAW.csv", "choRAW.csv"]).pattern == "{subject}RAW.csv"


def test_each_part_has_its_reason() -> None:
    fields = guessed(LAYOUTS[4][0]).fields
    assert fields == {
        "sensor": "'acc', 'gyro' (2 different): sensors",
        "session": "'01', '02', '03', ... (4 different): stands behind 'exp'",
        "subject": "'01', '02' (2 different): stands behind 'user'",
    }


def test_files_that_hold_no_recordings_are_left_out() -> None:
    recordings = LAYOUTS[0][0]
    folders = sorted({name.rpartition("/")[0] for name in recordings})
    others = ["README.md", "load.py", "plot.py", *(f"{folder}/Metadata.csv" for folder in folders)]
    notes = [f"{folder}/Annotation.csv" for folder in folders]
    found = guessed([*recordings, *others, *notes])
    assert found.pattern == LAYOUTS[0][1]
    assert found.ignore == ("**/*.md", "**/*.py", "**/Metadata.csv", "**/Annotation.csv")
    assert found.label_files == tuple(notes)
    assert found.sure


def test_a_file_of_labels_that_the_pattern_does_not_fit_needs_no_ignoring() -> None:
    found = guessed([*LAYOUTS[4][0], "labels.txt"])
    assert (found.ignore, found.label_files) == ((), ("labels.txt",))


def test_what_lies_elsewhere_is_left_out_and_told() -> None:
    found = guessed([*LAYOUTS[0][0], "by_hand.csv"])
    assert (found.pattern, found.ignore, found.sure) == (LAYOUTS[0][1], ("by_hand.csv",), False)
    assert "left out, for they lie elsewhere or are of another type: by_hand.csv" in found.reason


def test_one_file_is_its_own_pattern() -> None:
    assert guessed(["rows [1] {a}.csv", "LICENSE"]).pattern == "rows [[]1] {{a}}.csv"


def test_files_without_one_layout_keep_their_names_as_sessions() -> None:
    found = guessed(["a/1.csv", "a/2.csv", "b.csv", "c.csv"])
    assert (found.pattern, found.session, found.sure) == ("**/*.csv", "{file}", False)


def test_no_recordings_have_no_pattern() -> None:
    assert guessed(["README.md"]).pattern is None
    assert guessed([]).pattern is None


@pytest.mark.parametrize(
    "text", ["walking_on_treadmill_flat", "ClimbingStairs", "Gehen", "turn left", "marcher", "上楼"]
)
def test_activities_are_known_in_many_languages(text: str) -> None:
    assert is_activity(text)


@pytest.mark.parametrize("text", ["anna", "left_wrist", "P1", "", "wristwatch"])
def test_other_words_are_no_activities(text: str) -> None:
    assert not is_activity(text)


@pytest.mark.parametrize(
    "text",
    [
        "2024-09-29_08-51-00",
        "29.09.2024",
        "20240501T101500",
        "1714550400123",
        "829f681e21f54fd095e847cd9cabe9b5",
        "3q1",
    ],
)
def test_dates_and_identifiers_stay_whole(text: str) -> None:
    found, tail = tokens(text, codes=True, counted_runs=True)
    assert [(token.text, token.kind) for token in found] == [(text, Kind.STAMP)]
    assert not tail


WORDS = some.sampled_from(
    ["walk", "going_up", "P1", "S02", "anna", "12", "left_wrist", "acc", "2024-05-01", "Übung", "歩く"]
)
ODD = some.text(some.characters(exclude_categories=["C", "Z"], exclude_characters="/\\"), min_size=1, max_size=6)


@some.composite
def layouts(draw: some.DrawFn) -> list[str]:
    """Files of one layout: fixed text and parts that take a few values each."""
    parts = draw(some.lists(some.tuples(some.sampled_from(["", "_", "-", " ", "/", ".", "sub", "{", "[", "__"]),
                                        some.lists(WORDS | ODD, min_size=1, max_size=3, unique=True)),
                            min_size=1, max_size=4))  # fmt: skip
    suffix = draw(some.sampled_from([".csv", ".txt", "", ".csv.gz"]))
    names = ["".join(before + text for (before, _), text in zip(parts, row, strict=True)) + suffix
             for row in product(*(texts for _, texts in parts))]  # fmt: skip
    kept = [re.sub(r"^/+", "", re.sub(r"/+", "/", name)) for name in names]
    return sorted({name for name in kept if name and not name.endswith("/")})


@settings(max_examples=80, deadline=None)
@given(layouts() | some.lists(ODD, max_size=6, unique=True))
def test_a_pattern_fits_all_recordings_and_nothing_that_is_left_out(names: list[str]) -> None:
    found = guessed(names)
    left = [name for name in names if any(fit(pattern, name) is not None for pattern in found.ignore)]
    kept = [name for name in names if name not in left and name not in found.label_files]
    if found.pattern is None:
        assert not kept
        return
    fields = {name: fit(found.pattern, name) for name in kept}
    assert all(parts is not None for parts in fields.values()), (found, fields)
    assert all(set(found.fields) <= set(parts or {}) for parts in fields.values())
    if found.session and found.session != "{file}":
        assert all(_filled(found.session, fields))


def _filled(session: str, fields: dict[str, dict[str, str] | None]) -> Iterator[str]:
    return (fill(session, parts or {}) for parts in fields.values())
