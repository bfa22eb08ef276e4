"""One JSON report a script, its checks, and the exit code that follows from them.

Exit codes: 0 no gate broke, 1 a gate broke, 2 the script could not do its work.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any, Callable

from bundle import Refusal

if TYPE_CHECKING:
    from pathlib import Path

_MOST_NOTE = 2000
PASSED, FAILED, NOT_RUN = "passed", "failed", "not_run"


def check(gate: str, precision: str | None, engine: str, **more: Any) -> dict[str, Any]:
    """A check of the factory's manifest; `engine` says which unit and batch. Not run unless `judged`."""
    row: dict[str, Any] = {"gate": gate, "precision": precision, "engine": engine, "outcome": NOT_RUN}
    row.update({"value": None, "relation": None, "limit": None, "unit": "", "note": ""})
    row.update(more)
    return row


def judged(row: dict[str, Any], value: float) -> dict[str, Any]:
    """The check with its figure, passed or failed by its own relation and limit; NaN fails."""
    # The same slack as the host's gates: shares such as 1 - 5/256 are computed in more than one way.
    slack = 1e-12 * max(1.0, abs(row["limit"]))
    holds = value <= row["limit"] + slack if row["relation"] == "<=" else value >= row["limit"] - slack
    finite = value == value and abs(value) != float("inf")
    return {**row, "outcome": PASSED if holds else FAILED, "value": float(value) if finite else None}


def write(path: Path, script: str, content: dict[str, Any]) -> int:
    """Write the report, whole or not at all, print its checks, and return the exit code."""
    checks = [{**row, "note": _one_line(row["note"])} for row in content["checks"]]
    broken = [row for row in checks if row["outcome"] == FAILED]
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.part")
    try:
        text = json.dumps({"script": script, "ok": not broken, **content, "checks": checks}, indent=1, allow_nan=False)
        temporary.write_text(text + "\n", "utf-8")
        temporary.replace(path)
    finally:
        if temporary.exists():
            temporary.unlink()
    for row in checks:
        print(_line(row))
    return 1 if broken else 0


def guarded(main: Callable[[], int]) -> None:
    """Run a script's `main`; a refusal or a full disk is one line on stderr and exit code 2."""
    try:
        code = main()
    except (Refusal, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        code = 2
    sys.exit(code)


def _one_line(note: str) -> str:
    """What a runtime said may hold line ends and colours; the host takes one line of at most 4000 characters."""
    printable = "".join(character if character.isprintable() else " " for character in note)
    return " ".join(printable.split())[:_MOST_NOTE]


def _line(row: dict[str, Any]) -> str:
    figure = "" if row["value"] is None else f" {row['value']:.4g} {row['unit']}"
    limit = "" if row["limit"] is None else f" ({row['relation']} {row['limit']:.4g})"
    note = f": {row['note']}" if row["note"] else ""
    return f"{row['outcome']:8s}{row['engine']:16s}{row['gate']}{figure}{limit}{note}"
