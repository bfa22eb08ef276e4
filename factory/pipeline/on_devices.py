"""`--devices N`: the networks of one build trained by N processes of this machine (factory/training/parallel.py).

This process trains in the build folder, and it alone reports, saves and listens. Each of the others makes the same
stages in a copy of what is there, which is thrown away. They start when there is a batch to share, so a build that is
current starts none.
"""

import multiprocessing
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from multiprocessing.process import BaseProcess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from factory.artifacts.store import STAGES, open_store
from factory.contracts.errors import MissingToolError, RecipeError, TrainingError, describe
from factory.contracts.progress import Silent
from factory.devices.host import choose_device, cpu_count
from factory.pipeline.request import BuildRequest, Run

_COPIED = (STAGES, "lead", "teacher", "student")
_UNSENT = ("progress", "cancel")
_POLL_S = 0.1
_LAST_WORDS_S = 5.0


@contextmanager
def on_devices(run: Run, stages: Callable[[Run], object]) -> Iterator[None]:
    """Within the block, `stages` of this run are trained by `run.request.devices` processes.

    Args:
        run: Windows and split are at hand.
        stages: What the block does, a function of a module: the other processes call it, too.

    Raises:
        RecipeError: There are fewer devices, or they cannot share a batch.
        TrainingError: Another process died or does not answer; what was finished is kept.
    """
    count = run.request.devices
    if count == 1:
        yield
        return
    device = _require_devices(run)
    from factory.training.parallel import LostError, connect, shared_out

    team: list[BaseProcess] = []
    with TemporaryDirectory(prefix="factory-devices-") as name, _share_of_threads(device, count):
        folder = Path(name)

        def join() -> None:
            sent = {f.name: getattr(run.request, f.name) for f in fields(BuildRequest) if f.name not in _UNSENT}
            context = multiprocessing.get_context("spawn")
            for rank in range(1, count):
                arguments = (rank, type(run), sent, device, folder, os.getpid(), stages)
                team.append(context.Process(target=_help, args=arguments, daemon=True))
                team[-1].start()
            while not all(_ready(folder, rank).exists() for rank in range(1, count)):
                run.request.cancel.raise_if_set()
                if not all(process.is_alive() for process in team):
                    raise LostError
                time.sleep(_POLL_S)
            connect(0, count, folder / "meeting")

        try:
            with shared_out(0, count, join):
                yield
            for process in team:
                process.join(_LAST_WORDS_S)
        except LostError as error:
            raise TrainingError(
                f"{_what_became(team, folder)}: free memory or take fewer --devices; what is finished is kept, and the "
                "same command goes on from there"
            ) from error
        finally:
            for process in team:
                process.kill()
            for process in team:
                process.join()


def _require_devices(run: Run) -> str:
    """The kind of device that trains.

    Raises:
        RecipeError: There are fewer of it, or a batch has not a window for each.
        MissingToolError: This torch cannot train by several processes.
    """
    import torch

    count, device, batch = run.request.devices, choose_device(run.request.device), run.recipe.train.batch
    if count < 1 or count > batch:
        raise RecipeError(f"--devices is {count}, a batch has {batch} windows to share out: choose from 1 to {batch}")
    if device == "mps":
        raise RecipeError(f"--devices is {count}, and there is one mps device: leave it out, or add --device cpu")
    if device == "cuda" and count > torch.cuda.device_count():
        raise RecipeError(
            f"--devices is {count}, torch finds {torch.cuda.device_count()} cuda devices: choose as many, or add "
            "--device cpu"
        )
    if not torch.distributed.is_available() or not torch.distributed.is_gloo_available():
        raise MissingToolError(f"torch {torch.__version__} was built without gloo: leave --devices out")
    return device


@contextmanager
def _share_of_threads(device: str, count: int) -> Iterator[None]:
    import torch

    before = torch.get_num_threads()
    if device == "cpu":
        torch.set_num_threads(max(1, min(before, cpu_count() // count)))
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _what_became(team: list[BaseProcess], folder: Path) -> str:
    """Of the first process that ended."""
    end = time.monotonic() + _LAST_WORDS_S
    while all(process.is_alive() for process in team) and time.monotonic() < end:
        time.sleep(_POLL_S)
    for rank, process in enumerate(team, start=1):
        if not process.is_alive():
            words = _error(folder, rank)
            why = f"exit code {process.exitcode}" + (f": {words.read_text('utf-8')}" if words.exists() else "")
            return f"process {rank + 1} of {len(team) + 1} that train ended ({why})"
    return f"one of the {len(team) + 1} processes that train does not answer"


def _help(
    rank: int,
    kind: type[Run],
    sent: dict[str, Any],
    device: str,
    folder: Path,
    parent: int,
    stages: Callable[[Run], object],
) -> None:
    """Another process: the same stages, in a copy of the build folder."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first process ends it
    threading.Thread(target=_end_with, args=(parent, folder), daemon=True).start()
    import torch

    from factory.training.parallel import LostError, connect, shared_out

    def join() -> None:
        _ready(folder, rank).touch()
        connect(rank, request.devices, folder / "meeting")

    request = BuildRequest(**sent)
    if device == "cuda":
        torch.cuda.set_device(rank)
    own = folder / str(rank)
    for name in _COPIED:
        if (request.build / name).is_dir():
            shutil.copytree(request.build / name, own / name, ignore=shutil.ignore_patterns("lock", "owner"))
    try:
        with _share_of_threads(device, request.devices), open_store(own, Silent()) as store:
            run = kind(request, store)
            assert len(run.split.train) > 0, "windows and split are read now, while the folder is the build's"
            run.request = replace(request, build=own, tensorboard=False)
            with shared_out(rank, request.devices, join):
                stages(run)
    except LostError:
        sys.exit(1)
    except Exception as error:
        _error(folder, rank).write_text(describe(error)[0], "utf-8")
        sys.exit(1)


def _end_with(parent: int, folder: Path) -> None:
    """End this process when the first one ended without a word, and tidy up in its place."""
    while os.getppid() == parent:
        time.sleep(_POLL_S)
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(1)


def _ready(folder: Path, rank: int) -> Path:
    return folder / f"{rank}.ready"


def _error(folder: Path, rank: int) -> Path:
    return folder / f"{rank}.error"
