from pathlib import Path

import pytest

from factory.contracts.errors import ArtifactError
from factory.reporting.epochs import read_epochs

GOOD = '{"epoch": 1, "phase": "student", "loss": 0.5, "lr": 0.003, "seconds": 3.1}'


def test_a_build_without_history_has_no_rows(tmp_path: Path) -> None:
    assert read_epochs(tmp_path / "epochs.jsonl") == ()


def test_a_repeated_epoch_of_a_resumed_training_counts_once_and_the_last_stands(tmp_path: Path) -> None:
    path = tmp_path / "epochs.jsonl"
    path.write_text(f"{GOOD}\n{GOOD.replace('0.5', '0.4')}\n")
    assert [row.loss for row in read_epochs(path)] == [0.4]


@pytest.mark.parametrize(
    "line",
    [
        GOOD[:-9],
        "",
        "[]",
        GOOD.replace("0.5", "NaN"),
        GOOD.replace("0.5", '"low"'),
        GOOD.replace("student", "holiday"),
        GOOD.replace('"epoch": 1, ', ""),
        "\x00\x00",
    ],
)
def test_a_corrupt_line_is_refused_by_number(tmp_path: Path, line: str) -> None:
    path = tmp_path / "epochs.jsonl"
    path.write_text(f"{GOOD}\n{line}\n")
    with pytest.raises(ArtifactError, match=r"epochs\.jsonl, line 2: expected one JSON object"):
        read_epochs(path)


def test_a_history_that_is_not_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "epochs.jsonl"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ArtifactError, match="UTF-8"):
        read_epochs(path)
