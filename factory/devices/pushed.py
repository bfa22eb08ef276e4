"""An arm64 machine that the runtimes are brought to: the programs of the emulated device, on a real processor.

Everything goes to one folder there, is checked by its hash and removed at the end, also after a failure. The programs
bring arm64's C library and its dynamic linker, so that nothing of the machine's own is needed, neither Python nor a
runtime. How a command gets there is the link's affair: adb.py, ssh_device.py.

Instructions are counted by what the machine has for it, simpleperf on a phone and perf on a board, and allows.
"""

import re
import shlex
import tempfile
import uuid
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from factory.contracts.errors import DeviceError, FactoryError, StorageError
from factory.contracts.files import says_no_space, sha256_file
from factory.devices.device import Answer, Question
from factory.devices.runtimes import RUNTIMES, runtime_of
from factory.devices.setups import SYSTEM, Setup
from factory.devices.ssh import one_line
from factory.devices.transcript import read_answer, read_transcript, require_success

CONNECT_S, RUN_S = 20, 1800
_COUNTERS = ("simpleperf", "perf")
_EVENT = "instructions:u"
_COUNT = re.compile(rf"^\s*([\d,.]+)\s+{_EVENT}", re.MULTILINE)


class Link(Protocol):
    """How commands and files get to a machine."""

    name: str
    """As the command line calls the device."""
    store: str
    """Folder there in which ours is made."""
    prefix: str
    """Of our folder; what else begins so is left from a run that was killed, and removed."""
    remedy: str
    """What to do where something breaks."""

    def open(self) -> None:
        """Connect, and refuse what is not there."""
        ...

    def close(self) -> None:
        """Let go."""
        ...

    def facts(self) -> dict[str, str]:
        """What the machine tells of itself.

        Raises:
            DeviceError: It is no arm64.
        """
        ...

    def shell(self, command: str, what: str, seconds: int) -> tuple[str, int]:
        """What a POSIX shell command printed to either stream, and its exit code."""
        ...

    def push(self, path: Path, there: str, what: str) -> None:
        """Copy a file."""
        ...

    def pull(self, there: str, what: str) -> bytes:
        """A file's content."""
        ...


class PushedDevice:
    """One machine behind a link; see `Device`."""

    emulated = False

    def __init__(self, link: Link, setup: Setup) -> None:
        self.name = link.name
        self.facts: dict[str, str] = {}
        self._link, self._setup = link, setup
        self._folder = f"{link.store}/{link.prefix}{uuid.uuid4().hex[:12]}"
        self._pushed: set[str] = set()
        self._counter = ""

    def __enter__(self) -> Self:
        try:
            self._prepare()
        except BaseException:
            self._clean()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._clean()

    def runs(self, target: str) -> bool:
        """Whether the set-up has a runtime for a target's files."""
        return target in RUNTIMES

    def limits(self, target: str) -> str:
        """The target: it has the host's releases."""
        return target

    def ask(self, question: Question) -> Answer:
        """See `Device.ask`; one count of instructions, where the machine counts."""
        question.require_intact()
        runtime = runtime_of(question.artifact.target)
        version = self._setup.version(runtime)
        self._push_program(runtime.program)
        model, answers = f"model{question.path.suffix}", f"{self._folder}/logits.f32"
        self._push_bytes(runtime.flat(question.windows), "windows.f32")
        self._push(question.path, model)
        said, code = self._run(
            f"{runtime.program} {model} windows.f32 logits.f32 0 {question.timed}",
            f"running {question.path.name}",
            RUN_S,
        )
        require_success(code, said, str(question.path), self.name)
        logits = self._link.pull(answers, "pulling logits.f32")
        found = read_answer(said, logits, len(question.windows), version, self.name)
        times = read_transcript(said, self.name).latency_us
        counts = self._counts(f"{runtime.program} {model}", runtime.flat(question.windows[:1]), question.counted)
        return Answer(logits=found, runtime=version, instructions=counts, latency_us=times)

    def _counts(self, program: str, window: bytes, inferences: int) -> tuple[int, ...]:
        """Instructions of an inference: two runs that differ by `inferences` of them, so that all else cancels."""
        if not (self._counter and inferences):
            return ()
        self._push_bytes(window, "window.f32")
        few, many = (self._counted(f"{program} window.f32 counted.f32 0 {timed}") for timed in (1, 1 + inferences))
        return (round((many - few) / inferences),)

    def _counted(self, program: str) -> int:
        said, _ = self._run(program, "counting instructions", RUN_S, f"{self._counter} stat -e {_EVENT} ")
        if (found := _COUNT.search(said)) is None:
            raise DeviceError(f"{self.name}: {self._counter} counts nothing ({one_line(said, 200)}): run again")
        return int(re.sub(r"\D", "", found.group(1)))

    def _prepare(self) -> None:
        """It is there, is an arm64, computes right, and nothing of an earlier run is left."""
        link = self._link
        link.open()
        self.facts = link.facts()
        self._must(f"rm -rf {link.store}/{link.prefix}* && mkdir -p {self._folder}", "making a folder")
        self._push_program("selftest")
        said, code = self._run("selftest", "its self-test", CONNECT_S)
        if code:
            raise DeviceError(f"{self.name} fails its self-test ({one_line(said, 200)}): {link.remedy}")
        self._find_counter()

    def _find_counter(self) -> None:
        """The first that is there and may count."""
        for name in _COUNTERS:
            said, code = self._link.shell(f"command -v {name}", f"looking for {name}", CONNECT_S)
            if code or not said.strip():
                continue
            said, _ = self._link.shell(f"{name} stat -e {_EVENT} true", f"trying {name}", CONNECT_S)
            if _COUNT.search(said):
                self._counter = self.facts["counter"] = name
                return
            self.facts["counter"] = f"{name}, not allowed to count"

    def _run(self, program: str, what: str, seconds: int, within: str = "") -> tuple[str, int]:
        start = f"cd {self._folder} && {within}./ld-linux-aarch64.so.1 --library-path . ./{program}"
        return self._link.shell(start, what, seconds)

    def _push_program(self, name: str) -> None:
        """A program and the libraries that it needs, once."""
        self._push(self._setup.program(name), name, executable=True)
        own = [file for runtime in RUNTIMES.values() if runtime.program == name for file in runtime.files]
        for library in (*SYSTEM, *own):
            self._push(self._setup.lib / library, library, executable=library.startswith("ld-"))

    def _push_bytes(self, content: bytes, name: str) -> None:
        with tempfile.TemporaryDirectory(prefix="smldist-device-") as folder:
            path = Path(folder, name)
            path.write_bytes(content)
            self._push(path, name, again=True)

    def _push(self, path: Path, name: str, executable: bool = False, again: bool = False) -> None:
        """Copy a file and compare its hash there."""
        digest = sha256_file(path)
        if not again and digest + name in self._pushed:
            return
        there = f"{self._folder}/{name}"
        self._link.push(path, there, f"pushing {name}")
        said = self._must(f"sha256sum {there}" + (f" && chmod 755 {there}" if executable else ""), f"checking {name}")
        if said.split()[:1] != [digest]:
            raise DeviceError(f"{self.name}: {name} arrived damaged: {self._link.remedy}")
        self._pushed.add(digest + name)

    def _must(self, command: str, what: str) -> str:
        said, code = self._link.shell(command, what, CONNECT_S)
        if code:
            raise failure(self._link, what, said)
        return said

    def _clean(self) -> None:
        """Remove our folder; where the machine is gone, the next run does."""
        self._pushed.clear()
        try:
            self._link.shell(f"rm -rf {shlex.quote(self._folder)}", "tidying up", CONNECT_S)
        except FactoryError:
            return
        finally:
            self._link.close()


def failure(link: Link, what: str, said: str) -> FactoryError:
    """What went wrong there, by what it said."""
    reason = one_line(said, 200) or "it said nothing"
    if says_no_space(said):
        return StorageError(f"{link.name}: no space left while {what}: free some in {link.store}")
    return DeviceError(f"{link.name}: {what} failed ({reason}): {link.remedy}")
