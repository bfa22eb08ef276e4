"""What a file is, by its content, and the sheet it becomes."""

from collections.abc import Sequence
from pathlib import PurePosixPath

from factory.contracts.errors import DataError
from factory.contracts.table import Reading
from factory.data.formats import FORMATS, Head, open_format
from factory.data.intake.arrays import ArraySheet
from factory.data.intake.dialect import decode, sniff
from factory.data.intake.foreign import refuse_foreign
from factory.data.intake.members import WORKBOOKS, Member
from factory.data.intake.parquet import ParquetSheet
from factory.data.intake.patterns import fit
from factory.data.intake.sheet import Sheet
from factory.data.intake.text import TextSheet
from factory.data.intake.workbook import open_worksheet

_ZIP = b"PK\x03\x04"
_OLD_OFFICE = b"\xd0\xcf\x11\xe0"


def detect(member: Member, wanted: str | None = None, dated: bool = False) -> Reading:
    """How to read a file.

    Args:
        member: The file.
        wanted: A format's name; None takes the first that recognises it.
        dated: Whether columns of dates without numbers make a table, as in a list of labels.

    Raises:
        DataError: Nothing reads it; says what it is instead.
        RecipeError: There is no format of that name.
    """
    if member.worksheet is not None:
        return Reading(format="xlsx")
    raw = member.head()
    if raw.startswith(b"PAR1"):
        return Reading(format="parquet")
    old = DataError(
        f"{member} is an Excel file of the old kind (.xls) or protected by a password: save it as .xlsx without a "
        "password, or as CSV UTF-8"
    )
    if member.suffix in WORKBOOKS and raw.startswith(_OLD_OFFICE):
        raise old
    if member.suffix in WORKBOOKS or (member.inner is None and raw.startswith(_ZIP)):
        return Reading(format="xlsx")
    if raw.startswith(_ZIP):
        raise DataError(f"{member} is a zip archive inside of another: unpack the outer one")
    if wanted is not None and wanted != "csv":
        return Reading(format=open_format(wanted).name)
    head = Head(member=member, raw=raw, text=_text(raw, member))
    for name in FORMATS if wanted is None else ():
        if open_format(name).recognise(head):
            return Reading(format=name)
    if raw.startswith(_OLD_OFFICE):
        raise old
    refuse_foreign(member, raw, head.text)
    return sniff(member, dated)


def open_sheet(member: Member, readings: Sequence[Reading]) -> Sheet:
    """The table in a file, read as the first of `readings` whose pattern fits it.

    Raises:
        DataError: No reading fits, or the file is damaged.
        RecipeError: A pattern or a format's name cannot be used.
    """
    name = member.name or PurePosixPath(member.path).name
    reading = next((reading for reading in readings if fit(reading.files, name) is not None), None)
    if reading is None:
        raise DataError(f"{member}: none of the description's [[reading]] entries fits it: add one, or ignore the file")
    if reading.format == "csv":
        return TextSheet(member, reading)
    if reading.format == "parquet":
        return ParquetSheet(member)
    if reading.format == "xlsx":
        sheet: ArraySheet = open_worksheet(member, reading.skip)
        return sheet
    return open_format(reading.format).open(member, reading)


def _text(raw: bytes, member: Member) -> str:
    try:
        return decode(raw, str(member))[0]
    except DataError:
        return ""
