"""Shared fixtures: where real recordings lie, and each target's files, exported once."""

import functools
import os
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest

if TYPE_CHECKING:
    from factory.contracts.artifact import Artifact
    from factory.contracts.exporter import ExportRequest
    from factory.devices.setups import Kind, Setup

    Exported = tuple[ExportRequest, tuple[Artifact, ...]]


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder of unpacked official data sets; tests that need it are skipped, visibly, without one."""
    named = os.environ.get("FACTORY_DATA")
    if not named:
        pytest.skip("needs real recordings: set FACTORY_DATA to a folder of the official data sets")
    folder = Path(named)
    if not folder.is_dir():
        pytest.fail(f"FACTORY_DATA={named} is not a folder")
    return folder


@pytest.fixture(scope="session")
def arm64() -> "Setup":
    """The emulated arm64 device; tests that need it are skipped, visibly, where it is not set up."""
    from factory.devices.arm64_setup import arm64 as kind

    return _set_up(kind())


@pytest.fixture(scope="session")
def android() -> "Setup":
    """Android's own library on the emulated device, where it is set up."""
    from factory.devices.android_setup import android as kind

    return _set_up(kind())


def _set_up(kind: "Kind") -> "Setup":
    from factory.devices.setups import find
    from factory.pipeline.request import cache_folder

    found = find(kind, cache_folder(None))
    if found is None:
        pytest.skip(f"needs the emulated {kind.name} device: {kind.command}")
    return found


@pytest.fixture
def interruptible() -> Iterator[None]:
    """An interrupt raises KeyboardInterrupt, also where the tests run as a shell's background job, which ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> "Callable[[str], Exported]":
    """Export the small student to a target, once a session: it takes ten seconds. Files are not to be changed."""
    from exporters.registry import find_target, load_exporter
    from tests.unit.exporters.students import export_request

    @functools.cache
    def export(name: str) -> "Exported":
        target = find_target(name)
        if not target.available:
            pytest.skip(f"target {name} needs {', '.join(target.missing)}: {target.install}")
        request = export_request(tmp_path_factory.mktemp(name))
        return request, load_exporter(name).export(request)

    return export


_NO_NETWORK = """
import os, socket, sys
def refuse(*_):
    with open(os.environ["CALLS"], "a") as calls:
        calls.write(" ".join(sys.argv) + "\\n")
    raise OSError("the network was asked for")
socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = refuse
"""


@pytest.fixture
def no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Neither this process nor a worker of it reaches another machine; a file that is there if one tried."""
    hook, calls = tmp_path / "hook", tmp_path / "calls"
    hook.mkdir()
    (hook / "sitecustomize.py").write_text(_NO_NETWORK)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(hook), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setenv("CALLS", str(calls))

    def refuse(*_: object) -> NoReturn:
        pytest.fail("the network was asked for")

    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    return calls
