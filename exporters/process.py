"""A converter in a process of its own: started, followed, stopped.

An SDK takes seconds to import, prints past Python, and shares no thread pool with torch; in processes of their own,
several targets convert side by side. The worker is a module of the target that ends in `serve`; on its standard
output each line is a JSON object, {"done": step} or {"failed": step, "error": message}. What else it prints is a log.
"""

import json
import os
import re
import select
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from factory.contracts.errors import ExportError
from factory.contracts.progress import Task

Done = Callable[[str, str], None]
"""A worker calls it with the step that it finished and the one that follows."""
_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_HEARTBEAT_S = 0.3
_BLOCK = 65536


@contextmanager
def scratch(build: Path, target: str) -> Iterator[Path]:
    """A folder for a target's intermediate files inside the build, removed afterwards; so are those of killed runs."""
    prefix = f".{target}-"
    for abandoned in build.glob(f"{prefix}*"):
        shutil.rmtree(abandoned)
    with tempfile.TemporaryDirectory(prefix=prefix, dir=build) as folder:
        yield Path(folder).resolve()


def run_worker(target: str, module: str, arguments: Sequence[str], folder: Path, task: Task) -> None:
    """Run `python -m module arguments` in `folder` to its end, and move the bar a step at a time.

    The bar hears of every 0.3 s, so that whoever raises in `advance` stops the worker at once.

    Args:
        target: For messages.
        module: Ends in `serve`.
        arguments: Its command line.
        folder: Where it works; its log goes to log.txt there.
        task: The bar.

    Raises:
        ExportError: It failed or died; names the step and what it printed.
    """
    root = str(Path(__file__).parents[1])
    paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    # A fixed hash seed: converters iterate over sets, and the same input shall give the same bytes.
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONHASHSEED": "0"}
    command = [sys.executable, "-m", module, *arguments]
    log = folder / "log.txt"
    with (
        log.open("wb") as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, env=environment, cwd=folder) as worker,
    ):
        try:
            assert worker.stdout is not None
            failure = _follow(worker.stdout, task)
            code = worker.wait()
        finally:
            worker.kill()
    if failure is not None or code != 0:
        step, message = failure or ("conversion", f"the converter died with exit status {code}")
        raise ExportError(f"{target}, step {step}: {message}; {_last_errors(log)}")


def serve(work: Callable[[Done], None]) -> int:
    """The worker's side: do the work, report each step; 0 if it came to its end."""
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as events:
        os.dup2(2, 1)  # what converters print belongs to the log
        step = "import"

        def done(finished: str, following: str) -> None:
            nonlocal step
            step = following
            print(json.dumps({"done": finished}), file=events, flush=True)

        try:
            work(done)
        except (Exception, SystemExit) as error:
            failure = {"failed": step, "error": f"{type(error).__name__}: {error}"}
            print(json.dumps(failure), file=events, flush=True)
            raise
    return 0


def _follow(events: IO[bytes], task: Task) -> tuple[str, str] | None:
    """Advance the bar until the worker ends; its failure as (step, message)."""
    for line in _lines(events, task):
        event: dict[str, Any] = json.loads(line)
        if "failed" in event:
            return str(event["failed"]), str(event["error"])[:300]
        task.advance(note=str(event["done"]))
    return None


def _lines(events: IO[bytes], task: Task) -> Iterator[bytes]:
    """Complete lines as they come; the bar is told in between that time goes by."""
    rest = b""
    while True:
        if not select.select([events], [], [], _HEARTBEAT_S)[0]:
            task.advance(0)
            continue
        block = os.read(events.fileno(), _BLOCK)
        if not block:
            return
        *lines, rest = (rest + block).split(b"\n")
        yield from lines


def _last_errors(log: Path) -> str:
    """What the converter printed about it: its own ERROR lines, which name the operator, or else its last line."""
    lines = [_ANSI.sub("", line).strip() for line in log.read_text("utf-8", "replace").splitlines()]
    lines = [line for line in lines if line]
    errors = [line for line in lines if line.startswith("ERROR:") or "onnx_op_name" in line]
    return " ".join(errors[-3:] or lines[-1:])[:400] or "it printed nothing"
