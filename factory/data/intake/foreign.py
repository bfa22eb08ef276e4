"""Files of kinds that are not read, told by their first bytes: what they are, and how their rows become a table."""

import re

from factory.contracts.errors import DataError
from factory.data.intake.members import Member

_HDF5 = b"\x89HDF\r\n\x1a\n"
_PANDAS = "write its table as Parquet or CSV, for example with pandas: {}.to_parquet('recordings.parquet')"
_MATLAB = (
    "in MATLAB, writetimetable(Acceleration, 'Acceleration.csv') exports a timetable of MATLAB Mobile, which nothing "
    "else reads, and writematrix(name, 'name.csv') an array, which Python's {} reads, too"
)
_BYTES: tuple[tuple[bytes, str, str], ...] = (
    (b"MATLAB 7.3 MAT-file", "a MATLAB file", _MATLAB.format("h5py")),
    (b"MATLAB 5.0 MAT-file", "a MATLAB file", _MATLAB.format("scipy.io.loadmat")),
    (_HDF5, "an HDF5 file", _PANDAS.format("pandas.read_hdf('recordings.h5')")),
    (b"\x93NUMPY", "a NumPy array, which names no columns", "write it as CSV with a header, one row a sample"),
    (b"ARROW1", "a Feather file", _PANDAS.format("pandas.read_feather('recordings.feather')")),
    (b"FEA1", "a Feather file", _PANDAS.format("pandas.read_feather('recordings.feather')")),
    (b"SQLite format 3\0", "an SQLite database", _PANDAS.format("pandas.read_sql(query, connection)")),
    (b"%PDF", "a PDF document", "ask for the table that it shows as CSV"),
)
_PICKLE = re.compile(rb"\x80[\x02-\x05][\x95\x63\x8a\x58\x5d\x7d(\x8c]")
_PICKLED = "a Python pickle, which may run any code when it is opened"
_TEXTS: tuple[tuple[re.Pattern[str], str, str], ...] = (
    (
        re.compile(r"(\s*%[^\n]*\n)*\s*@relation\b", re.IGNORECASE),
        "an ARFF file",
        "save it as CSV in Weka, or with scipy.io.arff.loadarff",
    ),
    (
        re.compile(r"\s*<(!doctype\s+html|html)\b", re.IGNORECASE),
        "a web page",
        "download the file itself, or save its table as CSV",
    ),
    (re.compile(r"\s*<\?xml\b"), "an XML document", "export a table of samples as CSV"),
    (
        re.compile(r'\s*(\[\s*)?\{\s*"[^"\n]+"\s*:'),
        "JSON of no known format",
        _PANDAS.format("pandas.read_json('recordings.json')") + "; lines=True if each line is an object",
    ),
)


def refuse_foreign(member: Member, raw: bytes, text: str) -> None:
    """Refuse what is no table, but something known.

    Args:
        member: The file.
        raw: Its first bytes.
        text: The same as text; empty where it is none.

    Raises:
        DataError: Says what the file is and how its rows become a table.
    """
    for mark, kind, remedy in _BYTES:
        if raw.startswith(mark):
            raise DataError(f"{member} is {kind}: {remedy}")
    if _PICKLE.match(raw):
        raise DataError(f"{member} is {_PICKLED}: {_PANDAS.format('table')}")
    for form, kind, remedy in _TEXTS:
        if form.match(text):
            raise DataError(f"{member} is {kind}: {remedy}")
