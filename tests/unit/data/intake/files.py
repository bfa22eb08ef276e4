"""Small files of odd layouts for the tests of reading."""

from pathlib import Path

from factory.data.intake.members import Member

HEADER = ("who", "t", "ax", "activity")
ROWS = (("ann", "0", "1.5", "walk"), ("ann", "20", "-2.25", "walk"), ("bob", "0", "3e-2", "sit"))


def lines(delimiter: str = ",", decimal: str = ".", header: bool = True) -> str:
    """Three rows as text."""
    rows = [*([HEADER] if header else []), *ROWS]
    return "".join(delimiter.join(cell.replace(".", decimal) for cell in row) + "\n" for row in rows)


def put(folder: Path, content: str | bytes, name: str = "rows.csv") -> Member:
    """A file with that content."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return Member(path=path, inner=None, name=name)
