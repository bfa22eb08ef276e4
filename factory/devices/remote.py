"""A bundle on a board: copied, built, verified, timed and its power measured there; its reports copied back.

All lies in ~/.cache/smldist-factory/<bundle's hash> there, so that a second run finds what the first finished:

    bundle/          the unpacked tar, checked against SHA256SUMS before each run
    engines/         one file a graph, L4T, TensorRT and power mode, and their timing caches; stays
    reports-<key>/   of steps that finished with the same options; removed when all are copied back
    *.part           unfinished; removed on failure and before each run
"""

import hashlib
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from factory.contracts.device import (
    BenchmarkReport,
    BuildReport,
    DeviceReport,
    PowerReport,
    ScriptReport,
    VerifyReport,
)
from factory.contracts.errors import DeviceError, FactoryError
from factory.contracts.progress import Progress
from factory.contracts.stored import write_json
from factory.devices.bundle import SUMS, Bundle
from factory.devices.options import DeviceOptions
from factory.devices.probe import Probe, ask, require
from factory.devices.ssh import Shell, one_line

STORE = ".cache/smldist-factory"
REPORT = "report.json"
_STEP_S = 3600
_WAIT_S, _BUSY = 600, 75
ReportT = TypeVar("ReportT", bound=ScriptReport)


def run_on_device(
    url: str, bundle: Bundle, out: Path, progress: Progress, options: DeviceOptions | None = None
) -> DeviceReport:
    """Run a bundle on a board.

    Args:
        url: ssh://[user@]host[:port].
        bundle: From `pack_bundle`.
        out: Folder for report.json and logits/<engine>.npz (golden, and test where it was packed: (N, K) float32).
        progress: Told of bytes and steps.
        options: None takes the defaults.

    Returns:
        What was measured. A broken gate is a failed check in it, not an error.

    Raises:
        RecipeError: The URL cannot be read.
        DeviceError: Unreachable, refused, unknown host key, not fit, gone in the middle, or its report cannot be used.
        StorageError: A disk is full, the board's or this one's.
    """
    chosen = options or DeviceOptions()
    with Shell(url) as shell:
        probe = ask(shell, chosen.python)
        require(url, probe, chosen, bundle)
        job = _Job(shell=shell, bundle=bundle, options=chosen, progress=progress, key=_key(probe, chosen))
        try:
            job.deliver()
            report = job.measure()
            job.bring_logits(out / "logits", [engine.name for engine in report.benchmark.engines])
        except FactoryError:
            job.tidy()
            raise
        write_json(report, out / REPORT)
        job.finish()
        return report


@dataclass(frozen=True, kw_only=True, slots=True)
class _Job:
    """One bundle on one connected board; `key` tells reports of other options or another state of the board apart."""

    shell: Shell
    bundle: Bundle
    options: DeviceOptions
    progress: Progress
    key: str

    @property
    def root(self) -> str:
        return f"{STORE}/{self.bundle.sha256[:16]}"

    @property
    def reports(self) -> str:
        return f"{self.root}/reports-{self.key}"

    def deliver(self) -> None:
        """Put the bundle there, unless it lies there intact."""
        self._must(f"mkdir -p {self.reports} && rm -rf {self.root}/*.part", "making its folder")
        if self._intact(f"{self.root}/bundle"):
            self.progress.say(f"bundle: up to date on {self.shell.url}")
            return
        archive, unpacked = f"{self.root}/bundle.tar.part", f"{self.root}/bundle.part"
        size = self.bundle.path.stat().st_size
        with self.progress.track(f"copy to {self.shell.url}", size, "B") as task:
            self.shell.send(self.bundle.path, archive, task)
        self._must(f"mkdir {unpacked} && tar -xf {archive} -C {unpacked}", "unpacking the bundle")
        if not self._intact(unpacked):
            raise DeviceError(
                f"{self.shell.url}: the bundle arrived damaged: check the board's storage, then run again"
            )
        self._must(f"rm -rf {self.root}/bundle {archive} && mv {unpacked} {self.root}/bundle", "storing the bundle")

    def measure(self) -> DeviceReport:
        """Run the four scripts, or take the reports of those that an interrupted run has finished."""
        options = self.options
        with self.progress.track(f"on {self.shell.url}", 4, "steps") as task:
            build = self._step("build_engine", BuildReport, "")
            task.advance(note="engines built")
            verify = self._step("verify", VerifyReport, f"--logits {self.reports}/logits")
            task.advance(note="verified")
            times = f"--builds {options.benchmark_builds} --runs {options.benchmark_runs}"
            benchmark = self._step("benchmark", BenchmarkReport, times)
            task.advance(note="timed")
            power = self._step("power", PowerReport, f"--seconds {options.power_s}")
            task.advance(note="power measured")
        return DeviceReport(
            where=_where(build),
            bundle_sha256=self.bundle.sha256,
            remote_folder=self.root,
            build=build,
            verify=verify,
            benchmark=benchmark,
            power=power,
        )

    def bring_logits(self, folder: Path, engines: list[str]) -> None:
        """What each engine that ran answered."""
        listed = self._must(f"ls {self.reports}/logits 2>/dev/null || true", "listing answers").split()
        for name in (f"{engine}.npz" for engine in engines):
            if name in listed:
                self.shell.fetch(shlex.quote(f"{self.reports}/logits/{name}"), folder / name)

    def tidy(self) -> None:
        """Remove what is unfinished; where the connection is gone, the next run does."""
        try:
            self.shell.run(f"rm -rf {self.root}/*.part", "tidying up")
        except FactoryError:
            return

    def finish(self) -> None:
        """All is copied back: reports are removed, bundle and engines stay."""
        self._must(f"rm -rf {self.root}/reports-* {self.root}/*.part", "tidying up")

    def _step(self, script: str, kind: type[ReportT], arguments: str) -> ReportT:
        """Run a script under the bundle's lock; its finished report, if there is one, stands for it."""
        report = f"{self.reports}/{script}.json"
        command = (
            f"{shlex.quote(self.options.python)} {self.root}/bundle/scripts/{script}.py --bundle {self.root}/bundle "
            f"--runtime {self.options.runtime} --report {report} {arguments}"
        )
        locked = f"test -f {report} || {command}"
        done = self.shell.run(
            f"flock -w {_WAIT_S} -E {_BUSY} {self.root}/lock sh -c {shlex.quote(locked)}",
            f"running {script}.py",
            _STEP_S,
        )
        if done.code == _BUSY:
            raise DeviceError(f"{self.shell.url}: another run holds {self.root}/lock: wait until it has ended")
        read = self.shell.run(f"cat {report}", f"reading the report of {script}.py")
        if done.code not in (0, 1) or read.code != 0:
            said = one_line(done.text, 400)
            raise DeviceError(
                f"{self.shell.url}: {script}.py ended with {done.code} ({said}): mend that, then run again"
            )
        return read_report(f"{self.shell.url}: the report of {script}.py", kind, read.text)

    def _intact(self, folder: str) -> bool:
        sums = f"echo '{self.bundle.sums_sha256}  {SUMS}' | sha256sum --status -c -"
        done = self.shell.run(f"cd {folder} && {sums} && sha256sum --status -c {SUMS}", "checking the bundle", 300)
        return done.code == 0

    def _must(self, command: str, what: str) -> str:
        done = self.shell.run(command, what, 300)
        if done.code != 0:
            said = one_line(done.text, 300)
            raise DeviceError(f"{self.shell.url}: {what} failed ({said}): make ~/{STORE} writable for this login")
        return done.text


def read_report(name: str, kind: type[ReportT], text: str) -> ReportT:
    """A report that a board wrote; nothing of it is used unless all of it is as expected."""
    try:
        return kind.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        place = one_line(".".join(str(key) for key in first["loc"]), 80)
        raise DeviceError(
            f"{name} cannot be used ({place or 'JSON'}: {one_line(first['msg'], 200)}): run again; if that does not "
            f"help, remove ~/{STORE} on the board"
        ) from error


def _key(probe: Probe, options: DeviceOptions) -> str:
    state = probe.model_dump(exclude={"free_bytes"})
    return hashlib.sha256(repr((sorted(state.items()), options)).encode()).hexdigest()[:12]


def _where(report: ScriptReport) -> str:
    release = f"L4T {report.board.l4t}" if report.board.l4t else ""
    return ", ".join(part for part in (report.board.model, release, report.runtime) if part)
