"""ssh servers in this process: gateways that forward to one another, and a client's home with a ~/.ssh/config."""

import base64
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import paramiko  # type: ignore[import-untyped]
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

HOST = "127.0.0.1"


@dataclass(kw_only=True, slots=True)
class Host:
    """A host of the chain; `reached` is set once a client has logged in there."""

    name: str
    key: paramiko.PKey
    reached: threading.Event = field(default_factory=threading.Event)


def hosts(names: Sequence[str]) -> list[Host]:
    """A host with a key of its own for each name."""
    return [Host(name=name, key=paramiko.ECDSAKey.generate()) for name in names]


def write_client(home: Path, chain: Sequence[Host], known: Sequence[Host], port: int, jumps: str) -> None:
    """A home with a private key, `known` hosts and a configuration in which `chain` leads to its last host.

    Args:
        home: Of the client; made if need be.
        chain: First the gateway that listens at `port`, last the board.
        known: Those whose key is in known_hosts.
        port: The one that the first host listens at; the others are reached through it, at a port of their own.
        jumps: 'nested' names for each host the one before it, 'listed' names all in one ProxyJump of the board.
    """
    folder = home / ".ssh"
    folder.mkdir(parents=True)
    private = ed25519.Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    (folder / "id_ed25519").write_bytes(private)
    ports = {host.name: port + index for index, host in enumerate(chain)}
    lines = [
        f"[{HOST}]:{ports[host.name]} {host.key.get_name()} {base64.b64encode(host.key.asbytes()).decode()}\n"
        for host in known
    ]
    (folder / "known_hosts").write_text("".join(lines))
    blocks = []
    for index, host in enumerate(chain):
        block = [f"Host {host.name}", f"HostName {HOST}", f"Port {ports[host.name]}", "User me"]
        before = [other.name for other in chain[:index]]
        if before and (jumps == "nested" or host is chain[-1]):
            block.append(f"ProxyJump {before[-1] if jumps == 'nested' else ','.join(before)}")
        blocks.append("\n  ".join(block))
    (folder / "config").write_text("\n".join(blocks) + "\n")


@contextmanager
def listening(chain: Sequence[Host]) -> Iterator[int]:
    """The port at which the first host of a chain listens; each hands what it forwards to the next one."""
    with socket.create_server((HOST, 0)) as server:
        thread = threading.Thread(target=_accept, args=(server, chain), daemon=True)
        thread.start()
        yield int(server.getsockname()[1])
        server.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def _accept(server: socket.socket, chain: Sequence[Host]) -> None:
    try:
        caller, _ = server.accept()
    except OSError:
        return
    _serve(caller, chain)


def _serve(stream: "socket.socket | _Forwarded", chain: Sequence[Host]) -> None:
    """Be the first host of a chain to what speaks through `stream`, until it hangs up."""
    transport = paramiko.Transport(stream)
    transport.add_server_key(chain[0].key)
    try:
        transport.start_server(server=_Server(chain[0]))
        while transport.is_active():
            channel = transport.accept(0.02)
            if channel is not None:
                _serve(_Forwarded(channel), chain[1:])
    except (paramiko.SSHException, EOFError, OSError):
        return
    finally:
        transport.close()


class _Forwarded:
    """A forwarded channel as a socket that may be closed after its connection is gone; paramiko's own may not."""

    def __init__(self, channel: paramiko.Channel) -> None:
        self.send, self.recv, self.settimeout = channel.send, channel.recv, channel.settimeout
        self._channel = channel

    def close(self) -> None:
        with suppress(EOFError, OSError):
            self._channel.close()


class _Server(paramiko.ServerInterface):  # type: ignore[misc]
    """Takes any key, and forwards wherever it is asked to."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def get_allowed_auths(self, username: str) -> str:
        return "publickey"

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        self._host.reached.set()
        return int(paramiko.AUTH_SUCCESSFUL)

    def check_channel_direct_tcpip_request(
        self, chanid: int, origin: tuple[str, int], destination: tuple[str, int]
    ) -> int:
        return int(paramiko.OPEN_SUCCEEDED)
