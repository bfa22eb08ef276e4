"""A file as `factory` reads it: recognised by its content, every column as it is used."""

from pathlib import Path
from typing import Any

from factory.contracts.table import Reading
from factory.data.intake.detect import detect, open_sheet
from factory.data.intake.members import Member, list_members
from factory.data.intake.sheet import Kind, Sheet

TEXTS = ("activity", "gesture", "subject", "device", "model", "sensor", "date", "annotation", "label")


def member_of(path: Path, name: str | None = None) -> Member:
    return next(m for m in list_members(path) if name is None or m.name.endswith(name))


def sheet_of(path: Path, name: str | None = None) -> tuple[Reading, Sheet]:
    member = member_of(path, name)
    reading = detect(member)
    return reading, open_sheet(member, [reading])


def kinds(sheet: Sheet) -> dict[str, Kind]:
    return {
        name: "text" if name in TEXTS else "integer" if name.endswith(("(ns)", "(ms)")) else "number"
        for name in sheet.names
    }


def columns(path: Path, name: str | None = None, drop_faulty: bool = False) -> dict[str, list[Any]]:
    _, sheet = sheet_of(path, name)
    return columns_of(sheet, drop_faulty)


def columns_of(sheet: Sheet, drop_faulty: bool = False) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {column: [] for column in sheet.names}
    for batch in sheet.batches(kinds(sheet), drop_faulty):
        for column in batch.schema.names:
            found[column] += batch.column(column).to_pylist()
    return found
