from pathlib import Path

from factory.verification import device_tolerances
from factory.verification.tolerances import TOLERANCES, table

DOCUMENT = Path(__file__).parents[3] / "docs" / "verification.md"


def test_every_row_is_in_the_table() -> None:
    assert len(table().splitlines()) == len(TOLERANCES) + 2


def test_the_documented_table_is_the_one_in_force() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    begin, end = "<!-- tolerances: begin -->\n", "\n<!-- tolerances: end -->"
    assert text.split(begin)[1].split(end)[0] == table(), "run: python -m factory.verification.tolerances"


def test_the_documented_table_of_devices_is_the_one_in_force() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    begin, end = "<!-- device tolerances: begin -->\n", "\n<!-- device tolerances: end -->"
    found = text.split(begin)[1].split(end)[0]
    assert found == device_tolerances.table(), "run: python -m factory.verification.device_tolerances"
