import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from factory.contracts.errors import DeviceError, RecipeError
from factory.devices.ssh import Address, Shell, parse_url
from tests.unit.devices.gateways import Host, hosts, listening, write_client


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("ssh://nvidia@xavier", Address(host="xavier", user="nvidia", port=None)),
        ("ssh://xavier:2222", Address(host="xavier", user=None, port=2222)),
        ("ssh://nvidia@[fe80::1]:22/", Address(host="fe80::1", user="nvidia", port=22)),
    ],
)
def test_an_address_is_read(url: str, address: Address) -> None:
    assert parse_url(url) == address


@pytest.mark.parametrize(
    "url", ["xavier", "http://xavier", "ssh://", "ssh://me:secret@xavier", "ssh://x:port", "ssh://x/home"]
)
def test_anything_else_is_refused_with_an_example(url: str) -> None:
    with pytest.raises(RecipeError, match=r"expected ssh://user@host"):
        parse_url(url)


def test_a_board_that_does_not_answer_is_a_device_error() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"ssh://me@127.0.0.1:{closed.getsockname()[1]}"
        with pytest.raises(DeviceError, match="cannot be reached"), Shell(url):
            pass


def test_a_port_that_speaks_something_else_is_a_device_error_without_a_traceback(
    capfd: pytest.CaptureFixture[str],
) -> None:
    def answer(listening: socket.socket) -> None:
        caller, _ = listening.accept()
        caller.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        caller.close()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=answer, args=(listening,))
        thread.start()
        with (
            pytest.raises(DeviceError, match="does not speak ssh"),
            Shell(f"ssh://me@127.0.0.1:{listening.getsockname()[1]}"),
        ):
            pass
        thread.join()
    assert capfd.readouterr().err == ""


ROUTES = [("board",), ("gateway", "board"), ("outer", "inner", "board")]


@pytest.mark.parametrize("jumps", ["nested", "listed"])
@pytest.mark.parametrize("names", ROUTES, ids=len)
def test_hosts_that_are_all_known_are_connected_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names: tuple[str, ...], jumps: str
) -> None:
    chain = hosts(names)
    with _client(tmp_path, monkeypatch, chain, known=chain, jumps=jumps), Shell("ssh://board"):
        pass
    assert all(host.reached.is_set() for host in chain)


@pytest.mark.parametrize("jumps", ["nested", "listed"])
@pytest.mark.parametrize(
    ("names", "unknown"), [(names, index) for names in ROUTES for index in range(len(names))], ids=str
)
def test_an_unknown_key_on_any_hop_is_refused_before_the_login_and_names_its_host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names: tuple[str, ...], unknown: int, jumps: str
) -> None:
    chain = hosts(names)
    known = [host for host in chain if host is not chain[unknown]]
    who = "ssh://board" if unknown == len(names) - 1 else f"gateway {names[unknown]} of ssh://board"
    with (
        _client(tmp_path, monkeypatch, chain, known=known, jumps=jumps),
        pytest.raises(DeviceError, match=f"^{who} is not in known_hosts: connect once with ssh and compare"),
        Shell("ssh://board"),
    ):
        pass
    assert [host.name for host in chain if host.reached.is_set()] == list(names[:unknown])
    assert len((tmp_path / ".ssh" / "known_hosts").read_text().splitlines()) == len(known)


def test_a_gateway_that_shows_another_key_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chain = hosts(("gateway", "board"))
    former = Host(name="gateway", key=chain[1].key)
    with (
        _client(tmp_path, monkeypatch, chain, known=[former, chain[1]]),
        pytest.raises(
            DeviceError, match=r"^gateway gateway of ssh://board shows another host key than known_hosts has"
        ),
        Shell("ssh://board"),
    ):
        pass


@contextmanager
def _client(
    home: Path, monkeypatch: pytest.MonkeyPatch, chain: list[Host], known: list[Host], jumps: str = "nested"
) -> Iterator[None]:
    """This process as the client of a chain of hosts."""
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    with listening(chain) as port:
        write_client(home, chain, known, port, jumps)
        yield


def test_a_gateway_that_is_gone_does_not_hide_what_broke(monkeypatch: pytest.MonkeyPatch) -> None:
    shell = Shell("ssh://me@127.0.0.1:9")

    def close() -> None:
        raise EOFError  # as paramiko does when the message that closes a hop cannot be sent

    monkeypatch.setattr(shell._connection.client, "close", close)
    shell.__exit__(None, None, None)
