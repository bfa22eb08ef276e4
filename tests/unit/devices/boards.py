"""A bundle of the small student, and a login of its own on a throw-away sshd at 127.0.0.1."""

import getpass
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from exporters.onnx_runner import OnnxRunner
from factory.contracts.artifact import Artifact, Precision
from factory.contracts.exporter import ExportRequest
from factory.contracts.manifest import Check, Outcome
from factory.devices.bundle import Bundle, BundleRequest, TestSplit, pack_bundle
from factory.verification.accuracy import measure
from factory.verification.golden import GoldenPack, spec_hash, write_golden
from tests.unit.exporters.students import LABELS, some_windows

Exported = tuple[ExportRequest, tuple[Artifact, ...]]
_START_S = 10


def limits(largest: float = 1e-4) -> tuple[Check, ...]:
    """Gates that a faithful graph of the small student keeps."""
    rows = (
        ("parity.max_abs", "<=", largest, "logit"),
        ("parity.top1_agreement", ">=", 0.9, "share"),
        ("accuracy.drop_pp", "<=", 10.0, "pp"),
        ("accuracy.macro_f1_drop_pp", "<=", 10.0, "pp"),
    )
    return tuple(
        Check.model_validate(
            {"gate": gate, "relation": relation, "limit": limit, "unit": unit}
            | {"target": "jetson", "outcome": Outcome.NOT_RUN, "where": "nowhere"}
        )
        for gate, relation, limit, unit in rows
    )


def bundle_request(exported: Exported, build: Path, windows: int = 24) -> BundleRequest:
    """A build folder with the exported graphs, a golden pack and a test split whose labels the student mostly gets."""
    request, artifacts = exported
    shutil.copytree(request.build, build, dirs_exist_ok=True)
    x = some_windows(windows, seed=5)
    with OnnxRunner(request.onnx) as runner:
        logits = runner.run(x)
    y = logits.argmax(axis=1).astype(np.int64)
    pack = GoldenPack(
        x=x,
        y=y,
        kind=np.full(windows, "easy"),
        index=np.arange(windows),
        logits=logits,
        labels=LABELS,
        spec_hash=spec_hash(request.spec),
    )
    write_golden(build / "golden.npz", pack)
    return BundleRequest(
        build=build,
        name="tiny",
        spec=request.spec,
        artifacts=artifacts,
        gates={
            Precision.FP32: limits(),
            Precision.FP16: limits(0.1),
            Precision.INT8_STATIC: limits(5.0),
        },
        steps=dict.fromkeys((Precision.FP32, Precision.FP16, Precision.INT8_STATIC), 0.05),
        test=TestSplit(x=x, y=y),
        reference=measure(logits, y, np.full(windows, "s1"), LABELS),
    )


def packed(exported: Exported, folder: Path) -> Bundle:
    """The bundle as a file."""
    return pack_bundle(bundle_request(exported, folder / "build"), folder / "bundle.tar")


@dataclass(frozen=True, kw_only=True, slots=True)
class Board:
    """A running sshd.

    Attributes:
        url: Of the login.
        home: The login's home, empty at first.
        client: The client's home, with a key that the login knows and the host key in known_hosts.
        pid: Of the listening sshd.
    """

    url: str
    home: Path
    client: Path
    pid: int

    def cut(self) -> None:
        """Kill whatever serves a connection; the listener stays."""
        for child in _children(self.pid):
            for pid in [*_children(child), child]:
                os.kill(pid, signal.SIGKILL)


@contextmanager
def sshd(folder: Path, limit: str = "") -> Iterator[Board]:
    """An sshd with its own host key, configuration and port; skips, visibly, where there is none.

    Args:
        folder: Empty; everything lies in it.
        limit: A shell command before each of the login's own, such as 'ulimit -f 100'.
    """
    program = shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin")
    if program is None or shutil.which("ssh-keygen") is None:
        pytest.skip("needs sshd: apt-get install openssh-server")
    home, client, port = folder / "home", folder / "client", _free_port()
    for made in (home, client / ".ssh"):
        made.mkdir(parents=True)
    host_key, key = folder / "host_key", client / ".ssh" / "id_ed25519"
    for path in (host_key, key):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    public = host_key.with_suffix(".pub").read_text().split()
    (client / ".ssh" / "known_hosts").write_text(f"[127.0.0.1]:{port} {public[0]} {public[1]}\n")
    (folder / "config").write_text(_configuration(folder, port, home, key, limit))
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen([program, "-D", "-e", "-f", folder / "config"], stderr=log, stdout=log)
    try:
        _await(port, server, folder / "log")
        yield Board(url=f"ssh://{getpass.getuser()}@127.0.0.1:{port}", home=home, client=client, pid=server.pid)
    finally:
        server.kill()
        server.wait()


def _configuration(folder: Path, port: int, home: Path, key: Path, limit: str) -> str:
    """The forced command gives the login a home of its own, so that nothing touches the real one."""
    enter = f"cd {shlex.quote(str(home))} && export HOME=$PWD OMP_NUM_THREADS=1; {limit or ':'}"
    return f"""
ListenAddress 127.0.0.1
Port {port}
HostKey {folder / "host_key"}
PidFile none
StrictModes no
UsePAM no
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
AuthorizedKeysFile {key.with_suffix(".pub")}
ForceCommand {enter}; eval "$SSH_ORIGINAL_COMMAND"
"""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _await(port: int, server: "subprocess.Popen[bytes]", log: Path) -> None:
    end = time.monotonic() + _START_S
    while time.monotonic() < end and server.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    pytest.fail(f"sshd did not start: {log.read_text()}")


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


PYTHON = sys.executable
ExportedOf = Callable[[str], Exported]
