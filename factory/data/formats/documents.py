"""JSON and CBOR documents of a bounded size, read whole."""

import json
from typing import Any

from factory.contracts.errors import DataError
from factory.contracts.files import BROKEN_ZIP
from factory.data.intake.dialect import decode
from factory.data.intake.members import Member

_MOST_BYTES = 256 << 20


def read_json(member: Member, instead: str) -> Any:
    """A JSON document, or one object a line as a list.

    Args:
        member: The file.
        instead: What to do if it is too large.

    Raises:
        DataError: Too large, or no JSON; names the line.
    """
    raw = _whole(member, instead)
    _, encoding = decode(raw[: 1 << 16], str(member))
    try:
        text = raw.decode("utf-8-sig" if encoding == "utf-8" else encoding)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise DataError(f"{member}, line {line} is not {encoding} text: export it again") from error
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        if error.msg == "Extra data":
            return _each_line(member, text)
        raise _no_json(member, error.lineno, error.msg) from error
    except (RecursionError, ValueError) as error:
        raise DataError(f"{member} is no JSON of recordings ({str(error)[:80]}): export it again") from error


def read_cbor(member: Member, instead: str) -> Any:
    """A CBOR document.

    Raises:
        DataError: Too large, truncated, or no CBOR.
    """
    import cbor2

    raw = _whole(member, instead)
    try:
        return cbor2.loads(raw)
    except Exception as error:  # tags of hostile files raise whatever builds their values does
        said = " ".join(str(error).split())[:80] or type(error).__name__
        raise DataError(f"{member} is truncated or no CBOR ({said}; {len(raw)} bytes): export it again") from error


def _each_line(member: Member, text: str) -> list[Any]:
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        bare = line.strip().rstrip(",")
        if not bare:
            continue
        try:
            found.append(json.loads(bare))
        except (json.JSONDecodeError, RecursionError) as error:
            raise _no_json(member, number, getattr(error, "msg", "nested too deeply")) from error
    return found


def _no_json(member: Member, line: int, said: str) -> DataError:
    return DataError(
        f"{member}, line {line}: no whole JSON ({said}): the file is truncated or damaged; export it again"
    )


def _whole(member: Member, instead: str) -> bytes:
    try:
        with member.open() as handle:
            raw = handle.read(_MOST_BYTES + 1)
    except (*BROKEN_ZIP, OSError, EOFError) as error:
        raise DataError(f"{member} is damaged ({error}): export or download it again") from error
    if len(raw) > _MOST_BYTES:
        raise DataError(f"{member} is larger than {_MOST_BYTES >> 20} MB, which is read at once: {instead}")
    return raw
