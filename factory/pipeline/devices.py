"""A build's files on other processors: an emulated arm64 core, a phone. Compared with this host, judged, counted."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np

from factory.artifacts.store import Stage
from factory.contracts.artifact import Artifact
from factory.contracts.base import Contract
from factory.contracts.code import code_hash
from factory.contracts.dataset import Floats
from factory.contracts.errors import ArtifactError, MissingToolError
from factory.contracts.manifest import Check, DeviceRun, OnDevice, Outcome
from factory.contracts.recipe import Core
from factory.devices.arm64 import COUNTED, typical
from factory.devices.arm64 import SCHEME as ARM64
from factory.devices.arm64_setup import arm64
from factory.devices.catalogue import open_devices, require_name
from factory.devices.device import Answer, Device, Question
from factory.devices.host import cpu_count
from factory.devices.host_device import NAME as HOST
from factory.devices.host_device import HostDevice
from factory.devices.runtimes import RUNTIMES
from factory.devices.setups import find
from factory.pipeline.measure import HeldOut, VerifyRequest, open_runner
from factory.pipeline.request import Run
from factory.pipeline.verification import Verified, verify_request
from factory.verification.accuracy import measure
from factory.verification.checks import stated
from factory.verification.device_tolerances import limits
from factory.verification.gates import output_step
from factory.verification.measure import summary
from factory.verification.on_device import COST_GATE, differ, judge_cost, judge_device
from factory.verification.parity import compare

AUTO, NONE = "auto", "none"
"""For `BuildRequest.verify_on`: the emulated device where it is set up; no device at all."""
RUN_GATE = "device.run"
SETUP_GATE = "device.reached"
GATES = ("device.", "instructions.")
"""How the gates of this module begin."""
MOST_WINDOWS = 2000
"""Of a test split: one of them is 0.05 pp, a quarter of the limit; an emulated core answers some 100 a second."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Windows:
    """What devices are asked: the golden pack, then test windows.

    Attributes:
        x: (N, C, T) float32, SI units.
        golden: How many of them are the golden pack.
        test: The others with labels; None without recordings.
    """

    x: Floats
    golden: int
    test: HeldOut | None


class OnDevices(Contract):
    """What every device answered."""

    runs: tuple[DeviceRun, ...] = ()
    checks: tuple[Check, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Job:
    """One artifact for one device, and what this host answers of it."""

    device: Device
    artifact: Artifact
    host: Floats


def require_device_name(name: str) -> None:
    """Refuse a device that there is not, before anything is built.

    Raises:
        RecipeError: Lists those there are.
    """
    if name not in (AUTO, NONE):
        require_name(name)


def devices_stage(run: Run, artifacts: Sequence[Artifact], verified: Verified) -> OnDevices:
    """Ask the request's device once for each set of files; where 'auto' finds none, say what would set it up.

    Raises:
        MissingToolError: A device that was named is not here or not set up.
    """
    request, own = run.request, runnable(artifacts)
    if request.verify_on == NONE or not own:
        return OnDevices()
    name, cache = request.verify_on, request.cache
    if name == AUTO:
        if find(arm64(), cache) is None:
            return OnDevices(checks=(not_set_up(),))
        name = ARM64
    devices = open_devices(name, cache, open_runner)
    wanted = verify_request(run, verified.conversion[0].accuracy)
    setup = find(arm64(), cache)
    inputs = {
        "artifacts": {artifact.path: artifact.sha256 for artifact in own},
        "golden": run.store.hashes("golden"),
        "windows": run.windows.digest,
        "devices": [device.name for device in devices],
        "setup": setup.record.key if setup is not None else "",
        "tolerances": limits(),
        "code": code_hash(devices_stage, __name__, "factory.devices", "factory.verification.on_device"),
    }
    stage = Stage(name="devices", inputs=inputs, outputs=(), result=OnDevices)
    return run.store.run(stage, lambda: measure_on_devices(wanted, own, devices))


def measure_on_devices(request: VerifyRequest, artifacts: Sequence[Artifact], devices: Sequence[Device]) -> OnDevices:
    """Golden pack and test windows of every artifact on every device, against this host.

    A file that a device refuses is a failed check, a host without the runtime makes it not run; the others are asked
    all the same.

    Raises:
        DeviceError: A device went away, or is not what it says.
        StorageError: A device has no space left.
    """
    windows, own = choose_windows(request.golden.x, request.held_out), runnable(artifacts)
    host, checks = _host_logits(request, own, windows)
    with ExitStack() as stack:
        prepared = [stack.enter_context(device) for device in devices]
        jobs = [
            _Job(device=device, artifact=artifact, host=host[artifact.path])
            for artifact in own
            for device in prepared
            if artifact.path in host and device.runs(artifact.target)
        ]
        answers = _ask_all(request, jobs, windows)
        seen: dict[str, list[OnDevice]] = {device.name: [] for device in prepared}
        for job, answer in zip(jobs, answers, strict=True):
            if isinstance(answer, ArtifactError):
                checks.append(stated(RUN_GATE, job.artifact, Outcome.FAILED, job.device.name, str(answer)))
                continue
            found = _seen(request, job, answer, windows)
            seen[job.device.name].append(found)
            step, place = output_step(job.artifact, request.golden.logits), f"{job.device.name}, {answer.runtime}"
            checks += judge_device(job.artifact, found, step, place, job.device.limits(job.artifact.target))
        runs = [
            DeviceRun(device=d.name, emulated=d.emulated, facts=d.facts, artifacts=tuple(seen[d.name]))
            for d in prepared
        ]
    return OnDevices(runs=tuple(runs), checks=tuple(checks))


def runnable(artifacts: Sequence[Artifact]) -> tuple[Artifact, ...]:
    """Those of targets that a device has a runtime for."""
    return tuple(artifact for artifact in artifacts if artifact.target in RUNTIMES)


def not_set_up() -> Check:
    """The one check of a build that no device saw."""
    return Check(
        gate=SETUP_GATE,
        target=ARM64,
        outcome=Outcome.NOT_RUN,
        where=ARM64,
        note="the emulated arm64 device is not set up: factory devices setup arm64",
    )


def with_cost(found: OnDevices, artifacts: Sequence[Artifact], bounds: Mapping[Core, int]) -> OnDevices:
    """The recipe's bounds judged, too; apart from measuring, so that another bound measures nothing again."""
    return found.model_copy(update={"checks": found.checks + tuple(judge_cost(found.runs, artifacts, bounds))})


def merge_runs(old: Sequence[DeviceRun], new: Sequence[DeviceRun]) -> tuple[DeviceRun, ...]:
    """What was measured before, those devices replaced that were measured again."""
    again = {run.device for run in new}
    return (*(run for run in old if run.device not in again), *new)


def judged_again(check: Check, new: Sequence[DeviceRun]) -> bool:
    """Whether an old check of a device is superseded by what was measured now."""
    if not check.gate.startswith(GATES):
        return False
    again = {run.device for run in new}
    return bool(new) and (check.gate in (COST_GATE, SETUP_GATE) or check.where.partition(",")[0] in again)


def choose_windows(golden: Floats, held_out: HeldOut | None) -> Windows:
    """The golden windows and at most `MOST_WINDOWS` of the test split, evenly taken."""
    if held_out is None:
        return Windows(x=golden, golden=len(golden), test=None)
    count = min(len(held_out.x), MOST_WINDOWS)
    index = np.linspace(0, len(held_out.x) - 1, count).round().astype(np.int64)
    test = HeldOut(x=held_out.x[index], y=held_out.y[index], subject=held_out.subject[index])
    return Windows(x=np.concatenate([golden, test.x]), golden=len(golden), test=test)


def _host_logits(
    request: VerifyRequest, artifacts: Sequence[Artifact], windows: Windows
) -> tuple[dict[str, Floats], list[Check]]:
    """By artifact path: what this host answers; a check for each that it cannot run."""
    host, checks = {}, []
    with HostDevice(open_runner) as device:
        for artifact in artifacts:
            question = Question(artifact=artifact, path=request.build / artifact.path, windows=windows.x)
            try:
                host[artifact.path] = device.ask(question).logits
            except MissingToolError as error:
                note = f"nothing to compare a device with: {error}"
                checks.append(stated(RUN_GATE, artifact, Outcome.NOT_RUN, HOST, note))
            except ArtifactError:
                continue  # the host's own gate `run` has failed
    return host, checks


def _ask_all(request: VerifyRequest, jobs: Sequence[_Job], windows: Windows) -> list[Answer | ArtifactError]:
    """Every answer in the order of the jobs; emulated cores side by side, one a processor of this host."""

    def ask(job: _Job) -> Answer | ArtifactError:
        timed = 0 if job.device.emulated else request.latency_runs
        path = request.build / job.artifact.path
        question = Question(
            artifact=job.artifact,
            path=path,
            windows=windows.x,
            counted=COUNTED,
            timed=timed,
        )
        try:
            return job.device.ask(question)
        except ArtifactError as error:
            return error

    side_by_side = cpu_count() if all(job.device.emulated for job in jobs) else 1
    names = ", ".join(dict.fromkeys(job.device.name for job in jobs))
    pool = ThreadPoolExecutor(max_workers=side_by_side)
    try:
        with request.progress.track(f"verify on {names}", len(jobs), "artifacts") as task:
            futures = [pool.submit(ask, job) for job in jobs]
            for future, job in zip(futures, jobs, strict=True):
                future.result()
                task.advance(note=f"{job.artifact.target} {job.artifact.precision}")
        return [future.result() for future in futures]
    finally:
        pool.shutdown(cancel_futures=True)


def _seen(request: VerifyRequest, job: _Job, answer: Answer, windows: Windows) -> OnDevice:
    split, test = windows.golden, windows.test
    accuracy = host_accuracy = None
    if test is not None:
        accuracy = measure(answer.logits[split:], test.y, test.subject, request.spec.labels)
        host_accuracy = float((job.host[split:].argmax(axis=1) == test.y).mean())
    return OnDevice(
        subject=job.artifact.path,
        runtime=answer.runtime,
        parity=compare(answer.logits[:split], request.golden.logits),
        difference=differ(answer.logits, job.host),
        accuracy=accuracy,
        host_accuracy=host_accuracy,
        instructions=typical(answer.instructions),
        latency=summary(np.asarray(answer.latency_us)) if answer.latency_us else None,
    )
