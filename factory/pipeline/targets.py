"""Targets side by side; a failure stays with its target.

A thread each is enough, since every converter runs in a process of its own (exporters/process.py).
"""

from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import TYPE_CHECKING

from factory.contracts.artifact import Artifact, Precision
from factory.contracts.errors import MissingToolError, RecipeError, StorageError, Terminated, describe
from factory.contracts.manifest import Check, Outcome
from factory.devices.host import machine
from factory.pipeline.request import Run
from factory.pipeline.stages import target_stage

if TYPE_CHECKING:
    from exporters.registry import Target

ALL, ANDROID = "all", "android"
GATE = "export"
PHONE_TARGETS = ("tflite", "executorch")
"""What the Android app has classifiers for; `android` stands for them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Chosen:
    """What a command line's targets come to: those to export, and those of a group that cannot be, with the reason."""

    names: tuple[str, ...]
    checks: tuple[Check, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Exports:
    """What all targets wrote.

    Attributes:
        artifacts: Of the targets that succeeded.
        checks: The targets that failed or were not run.
        failures: What the former raised.
    """

    artifacts: tuple[Artifact, ...]
    checks: tuple[Check, ...]
    failures: tuple[Exception, ...]


def choose_targets(names: tuple[str, ...], precisions: tuple[Precision, ...]) -> Chosen:
    """Resolve groups, and refuse before training what could not be exported after it.

    Args:
        names: As given. Of the groups `all` (every target) and `android` (a phone's), those count that are installed
            and make one of the precisions; `android` needs one at least.
        precisions: The recipe's.

    Raises:
        RecipeError: No such target, it makes none of the precisions, or none is left to export for.
        MissingToolError: The SDK of a target that is named is not installed.
    """
    from exporters.registry import find_target, targets

    chosen, checks = [], []
    for name in names:
        if name not in (ALL, ANDROID):
            target = find_target(name)
            if (obstacle := _obstacle(target, precisions)) is not None:
                raise obstacle
            chosen.append(name)
    grouped = [target for target in targets() if ALL in names or (ANDROID in names and target.name in PHONE_TARGETS)]
    for target in grouped:
        if (obstacle := _obstacle(target, precisions)) is None:
            chosen.append(target.name)
        elif target.name not in chosen:
            checks.append(_check(target.name, Outcome.NOT_RUN, str(obstacle)))
    if ANDROID in names and not set(chosen) & set(PHONE_TARGETS):
        raise MissingToolError(f"no model for a phone can be exported: {'; '.join(check.note for check in checks)}")
    if not chosen:
        reasons = "; ".join(check.note for check in checks) or "no target is named"
        raise RecipeError(f"nothing would be exported ({reasons}): name a target that can be, such as tflite")
    return Chosen(names=tuple(dict.fromkeys(chosen)), checks=tuple(checks))


def export_targets(run: Run, chosen: Chosen) -> Exports:
    """Export to every chosen target at once; what one raises leaves the others to their end.

    Raises:
        StorageError: The disk is full or not writable, which is no one target's failure.
        Cancelled: The request's `cancel` was set; every worker has ended.
    """
    with ThreadPoolExecutor(max_workers=max(len(chosen.names), 1), thread_name_prefix="export") as pool:
        futures = {name: pool.submit(_attempt, run, name) for name in chosen.names}
        try:
            wait(futures.values())
        except BaseException:
            run.request.cancel.set()
            _join(futures)
            raise
    done = {name: future.result() for name, future in futures.items()}
    failed = {name: result for name, result in done.items() if isinstance(result, Exception)}
    for failure in failed.values():
        if isinstance(failure, StorageError | OSError):
            raise failure
    told = tuple(_check(name, Outcome.FAILED, describe(error)[0]) for name, error in failed.items())
    return Exports(
        artifacts=tuple(a for result in done.values() if not isinstance(result, Exception) for a in result),
        checks=told + chosen.checks,
        failures=tuple(failed.values()),
    )


def _obstacle(target: "Target", precisions: tuple[Precision, ...]) -> RecipeError | MissingToolError | None:
    """Why a target cannot be exported here."""
    if missing := [module for module in target.missing if module in target.exports_with]:
        return MissingToolError(f"target {target.name} needs {', '.join(missing)}: {target.install}")
    if not set(precisions) & set(target.precisions):
        return RecipeError(
            f"the recipe asks for {', '.join(precisions)}, target {target.name} makes {', '.join(target.precisions)}: "
            "add one of them to export.precisions"
        )
    return None


def _attempt(run: Run, name: str) -> tuple[Artifact, ...] | Exception:
    try:
        return target_stage(run, name)
    except Exception as error:
        run.progress.say(f"{name}: failed")
        return error


def _join(futures: Mapping[str, Future[tuple[Artifact, ...] | Exception]]) -> None:
    """Wait until every thread has ended its worker, however often an interrupt comes again."""
    while True:
        try:
            wait(futures.values())
        except (KeyboardInterrupt, Terminated):
            continue
        return


def _check(target: str, outcome: Outcome, note: str) -> Check:
    return Check(gate=GATE, target=target, outcome=outcome, where=machine(), note=note)
