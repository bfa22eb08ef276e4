"""A file that cannot be decoded or unpacked, in one line that says where and what to do."""

import lzma
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from factory.contracts.errors import DataError
from factory.contracts.files import BROKEN_ZIP
from factory.data.intake.members import Member


@contextmanager
def decoding(member: Member, encoding: str) -> Iterator[None]:
    """Turn what fails while `member` is read into a DataError that names it, and the line of the text that is none."""
    try:
        yield
    except (DataError, RecursionError, NotImplementedError):
        raise
    except UnicodeError as error:
        line = _line_of_bad_text(member, encoding)
        raise DataError(
            f"{member}{line} is not {encoding} text: save the file as CSV UTF-8, or correct reading.encoding in the "
            "description"
        ) from error
    except (*BROKEN_ZIP, lzma.LZMAError, OSError) as error:
        raise DataError(f"{member} is damaged ({short(error)}): export or download it again") from error
    except LookupError as error:
        if "encoding" not in str(error):
            raise
        raise DataError(f"{member}: no encoding '{encoding}': correct reading.encoding") from error


def short(error: BaseException) -> str:
    """What an error says, on one line."""
    return " ".join(str(error).split())[:200] or type(error).__name__


def _line_of_bad_text(member: Member, encoding: str) -> str:
    """', line 12' of the first line that cannot be decoded, where lines can be told apart."""
    number = 0
    with suppress(OSError, LookupError), member.open() as handle:
        try:
            for line in handle:
                number += 1
                line.decode(encoding)
        except UnicodeError:
            return "" if encoding.lower().startswith("utf-16") else f", line {number}"
    return ""
