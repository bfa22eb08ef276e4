"""What commands print: JSON on standard output, one document a command, and doubts on standard error."""

import json
import sys
from collections.abc import Sequence

from factory.contracts.errors import remedy

_MOST_DOUBTS = 5
_printed = False


def print_json(value: object) -> None:
    """Print the command's one document: a contract, or what `json` takes."""
    from pydantic import BaseModel

    global _printed
    _printed = True
    text = value.model_dump_json(indent=2) if isinstance(value, BaseModel) else json.dumps(value, indent=2)
    print(text, flush=True)  # noqa: T201


def print_doubts(doubts: Sequence[str]) -> None:
    """Say what is most likely wrong with a recording, the first few."""
    more = [f"{len(doubts) - _MOST_DOUBTS} recordings more"] if len(doubts) > _MOST_DOUBTS else []
    for doubt in (*doubts[:_MOST_DOUBTS], *more):
        print(f"warning: {doubt}", file=sys.stderr)  # noqa: T201


def print_json_error(line: str, code: int, kind: str) -> None:
    """Print a failure as the command's document; nothing where its result stands there already, checks included."""
    if not _printed:
        print_json({"error": {"kind": kind, "message": line, "remedy": remedy(line), "exit_code": code}})


def reset() -> None:
    """Forget what was printed: a new command begins."""
    global _printed
    _printed = False
