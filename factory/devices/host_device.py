"""This host as a device: the runners that verify every build, behind the interface of the others."""

from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from factory.contracts.exporter import Runner
from factory.devices.device import Answer, Question
from factory.devices.host import machine

NAME = "host"
OpenRunner = Callable[[str, Path], Runner]
"""Target and path to a runner that is not entered yet."""


class HostDevice:
    """Runs artifacts by this host's runtimes; see `Device`."""

    name = NAME
    emulated = False

    def __init__(self, open_runner: OpenRunner) -> None:
        self._open = open_runner

    @property
    def facts(self) -> dict[str, str]:
        """Processor and system."""
        return {"machine": machine()}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def runs(self, target: str) -> bool:
        """Any target: whether its runtime is installed shows when it is asked."""
        return bool(target)

    def limits(self, target: str) -> str:
        """The target."""
        return target

    def ask(self, question: Question) -> Answer:
        """See `Device.ask`; instructions are not counted here."""
        question.require_intact()
        with self._open(question.artifact.target, question.path) as runner:
            logits = runner.run(question.windows)
            times = runner.latency_us(question.windows[0], question.timed) if question.timed else ()
            return Answer(logits=logits, runtime=runner.name, latency_us=tuple(float(time) for time in times))
