"""A converter in a process of its own: started, followed, stopped.

An SDK takes seconds to import, prints past Python, and shares no thread pool with torch; in processes of their own,
several targets convert side by side. The worker is a module of the target that ends in `serve`; on its standard
output each line is a JSON object, {"done": step} or {"failed": step, "error": message, "full": whether a disk is
full}. What else it prints is a log. Its standard input is a pipe that nobody writes to: it ends when the parent does.
"""

import ctypes
import json
import os
import re
import select
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from factory.contracts.errors import ExportError
from factory.contracts.files import means_no_space, no_space, says_no_space
from factory.contracts.progress import Cancel, Task

Done = Callable[[str, str], None]
"""A worker calls it with the step that it finished and the one that follows."""
_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_HEARTBEAT_S = 0.3
_BLOCK = 65536
_SET_PARENT_DEATH_SIGNAL = 1
"""PR_SET_PDEATHSIG of Linux's <sys/prctl.h>."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Failure:
    step: str
    message: str
    disk_full: bool = False


@contextmanager
def scratch(build: Path, target: str) -> Iterator[Path]:
    """A folder for a target's intermediate files inside the build, removed afterwards; so are those of killed runs."""
    prefix = f".{target}-"
    for abandoned in build.glob(f"{prefix}*"):
        shutil.rmtree(abandoned)
    with tempfile.TemporaryDirectory(prefix=prefix, dir=build) as folder:
        yield Path(folder).resolve()


def run_worker(
    target: str, module: str, arguments: Sequence[str], folder: Path, task: Task, cancel: Cancel | None = None
) -> None:
    """Run `python -m module arguments` in `folder` to its end, and move the bar a step at a time.

    Every 0.3 s the bar hears that time goes by, and `cancel` is looked at. Whatever ends the wait ends the worker.

    Args:
        target: For messages.
        module: Ends in `serve`.
        arguments: Its command line.
        folder: Where it works; its log goes to log.txt there.
        task: The bar.
        cancel: Set to end the worker; None where nobody will.

    Raises:
        ExportError: It failed or died; names the step and what it printed.
        StorageError: Its disk is full.
        Cancelled: `cancel` was set.
    """
    root = str(Path(__file__).parents[1])
    paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    # A fixed hash seed: converters iterate over sets, and the same input shall give the same bytes.
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONHASHSEED": "0"}
    command = [sys.executable, "-m", module, *arguments]
    log = folder / "log.txt"
    with (
        log.open("wb") as errors,
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, env=environment, cwd=folder
        ) as worker,
    ):
        try:
            assert worker.stdout is not None
            failure = _follow(worker.stdout, task, cancel or Cancel())
            code = worker.wait()
        finally:
            worker.kill()
    if failure is None and code != 0:
        failure = _Failure(step="conversion", message=f"the converter died with exit status {code}")
    if failure is not None:
        raise _raised(target, failure, log)


def serve(work: Callable[[Done], None]) -> int:
    """The worker's side: do the work, report each step; 0 if it came to its end."""
    _end_with_parent()
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
            failure = {
                "failed": step,
                "error": f"{type(error).__name__}: {error}",
                "full": means_no_space(error),
            }
            print(json.dumps(failure), file=events, flush=True)
            raise
    return 0


def _end_with_parent() -> None:
    """End this process when the one that waits for it dies, by whatever.

    On Linux by the kernel's signal, because a converter that holds the interpreter's lock lets no thread run; the
    thread it is tied to is the one in `run_worker`. The end of standard input tells of a parent that died before
    that, and tells it on systems without such a signal.
    """
    if not stat.S_ISFIFO(os.fstat(0).st_mode):
        return  # started by hand
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
    parent, nothing = os.dup(0), os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    threading.Thread(target=_exit_at_end, args=(parent,), name="parent", daemon=True).start()


def _exit_at_end(pipe: int) -> None:
    while os.read(pipe, 1):
        pass
    os._exit(1)


def _raised(target: str, failure: _Failure, log: Path) -> Exception:
    """A failure of the converter, unless the disk that it worked on is full."""
    printed = _last_errors(log)
    if failure.disk_full or says_no_space(printed) or not os.statvfs(log.parent).f_bavail:
        return no_space(log.parent)
    return ExportError(f"{target}, step {failure.step}: {failure.message}; {printed}")


def _follow(events: IO[bytes], task: Task, cancel: Cancel) -> _Failure | None:
    """Advance the bar until the worker ends; how it failed."""
    for line in _lines(events, task, cancel):
        event: dict[str, Any] = json.loads(line)
        if "failed" in event:
            message, full = str(event["error"])[:300], bool(event["full"])
            return _Failure(step=str(event["failed"]), message=message, disk_full=full)
        task.advance(note=str(event["done"]))
    return None


def _lines(events: IO[bytes], task: Task, cancel: Cancel) -> Iterator[bytes]:
    """Complete lines as they come; the bar is told in between that time goes by."""
    rest = b""
    while True:
        cancel.raise_if_set()
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
