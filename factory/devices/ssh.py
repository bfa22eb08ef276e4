"""A board over ssh: run, send, fetch. Host keys are strict: a host that is not in known_hosts is refused.

~/.ssh/config is honoured (HostName, User, Port, IdentityFile, ProxyJump, UserKnownHostsFile); no password is asked for.
The gateways of a ProxyJump are held to the same rule as the board: fabric itself would add any unknown key.
"""

import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from factory.contracts.errors import DeviceError, MissingToolError, RecipeError, StorageError
from factory.contracts.files import atomic_write
from factory.contracts.progress import Task

if TYPE_CHECKING:
    from fabric import Connection

_CHUNK = 32768
_CONNECT_S, _KEEPALIVE_S = 15, 15
_MOST_TEXT = 16 << 20
"""Bytes of output that a command may write; the largest report has some tens of kB."""
_FULL = ("No space left on device", "Disk quota exceeded", "File too large", "ENOSPC")
_GLOBAL_KNOWN_HOSTS = Path("/etc/ssh/ssh_known_hosts")


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    """Where a board is; None leaves the choice to ~/.ssh/config."""

    host: str
    user: str | None
    port: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Done:
    """A finished remote command; `text` is all it wrote, to either stream."""

    code: int
    text: str


def one_line(text: str, most: int) -> str:
    """The last `most` characters of what a board wrote, fit for a message: one line, nothing that moves a cursor."""
    printable = "".join(character if character.isprintable() else " " for character in text)
    return " ".join(printable.split())[-most:]


def parse_url(url: str) -> Address:
    """Read ssh://[user@]host[:port].

    Raises:
        RecipeError: Anything else, also one with a password or a path.
    """
    expected = f"device is '{url}', expected ssh://user@host or ssh://user@host:port"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise RecipeError(f"{expected} ({error})") from error
    if parts.scheme != "ssh" or not parts.hostname or parts.password or parts.path.strip("/") or parts.query:
        raise RecipeError(expected)
    return Address(host=parts.hostname, user=parts.username, port=port)


class Shell:
    """One connection; a context manager. Every method names what it was doing when the connection broke."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._connection: Connection = _connection(parse_url(url))

    def __enter__(self) -> Self:
        try:
            self._open()
        except BaseException:
            self._close()
            raise
        self._transport().set_keepalive(_KEEPALIVE_S)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def _open(self) -> None:
        """Open the first gateway, then each further hop through the one before it, so that a refusal names its hop."""
        *gateways, board = _hops(self._connection)
        for gateway in gateways:
            with _refusals(f"gateway {gateway.original_host} of {self.url}"):
                gateway.open()
        with _refusals(self.url):
            board.open()

    def _close(self) -> None:
        """Close every hop, the board first; fabric's own close leaves a hop open whose key was refused."""
        for hop in reversed(_hops(self._connection)):
            # paramiko closes a hop by a message to its gateway, which may be what broke.
            with suppress(EOFError, OSError):
                hop.client.close()

    def run(self, command: str, what: str, silence_s: float = 60) -> Done:
        """Run a POSIX shell command in the login's home.

        Args:
            command: As the remote shell reads it; quote paths with shlex.
            what: For messages: 'building engines'.
            silence_s: After this long without output it counts as hung.

        Raises:
            DeviceError: The connection broke, the command hung, or it writes without end.
            StorageError: It failed because the board's disk is full.
        """
        text = bytearray()

        def take(chunk: bytes) -> None:
            if len(text) > _MOST_TEXT:
                raise DeviceError(f"{self.url}: {what} gave more than {_MOST_TEXT} bytes: look at the board")
            text.extend(chunk)

        code = self._execute(command, what, silence_s, take)
        done = Done(code=code, text=text.decode("utf-8", "replace"))
        if code != 0:
            self._refuse_full(what, done.text)
        return done

    def send(self, local: Path, remote: str, task: Task) -> None:
        """Copy a file; `task` advances by bytes. A failed copy leaves `remote` incomplete: send to a temporary name.

        Raises:
            DeviceError: The connection broke, or the board refused.
            StorageError: The board's disk is full.
        """
        what, text = f"copying {local.name}", bytearray()
        code = self._execute(f"cat > {remote}", what, _CONNECT_S * 4, text.extend, lambda c: _feed(c, local, task))
        if code != 0:
            said = one_line(text.decode("utf-8", "replace"), 300)
            self._refuse_full(what, said)
            raise DeviceError(f"{self.url}: {what} failed ({said}): make the folder writable for this login")

    def fetch(self, remote: str, local: Path) -> None:
        """Copy a file from the board, whole or not at all; `remote` is quoted for its shell.

        Raises:
            DeviceError: The connection broke, or the file is not there.
        """
        what = f"fetching {local.name}"
        with atomic_write(local) as temporary, temporary.open("wb") as file:
            code = self._execute(f"cat {remote}", what, _CONNECT_S * 4, file.write)
            if code != 0:
                raise DeviceError(f"{self.url}: {what} failed: {remote} is not there: run the same command again")

    def _execute(
        self,
        command: str,
        what: str,
        silence_s: float,
        take: Callable[[bytes], Any],
        feed: Callable[[Any], None] | None = None,
    ) -> int:
        """Exit code of a command; its output and errors, in one stream, go to `take` as they come."""
        with self._breaks(what):
            channel = self._transport().open_session(timeout=_CONNECT_S)
            with channel:
                channel.set_combine_stderr(True)
                channel.settimeout(silence_s)
                channel.exec_command(command)
                if feed is not None:
                    feed(channel)
                channel.shutdown_write()
                while chunk := channel.recv(_CHUNK):
                    take(chunk)
                code = int(channel.recv_exit_status())
            if code < 0:
                raise EOFError("the command has no exit code")
            return code

    def _transport(self) -> Any:
        transport = self._connection.transport
        if transport is None or not transport.is_active():
            raise EOFError("connection is closed")
        return transport

    @contextmanager
    def _breaks(self, what: str) -> Iterator[None]:
        from paramiko import SSHException  # type: ignore[import-untyped]

        try:
            yield
        except TimeoutError as error:
            raise DeviceError(f"{self.url}: {what} hung and was given up: look at the board, then run again") from error
        except (EOFError, SSHException, OSError) as error:
            reason = str(error) or type(error).__name__
            raise DeviceError(
                f"{self.url}: the connection broke while {what} ({reason}): check power and cable, then run the same "
                "command again; what finished on the board is kept"
            ) from error

    def _refuse_full(self, what: str, said: str) -> None:
        if any(words in said for words in _FULL):
            raise StorageError(
                f"{self.url}: no space left on the board while {what} ({one_line(said, 120)}): free some there"
            )


@contextmanager
def _refusals(name: str) -> Iterator[None]:
    """Turn what paramiko raises while it connects to the host called `name` into one line with its remedy."""
    from paramiko import (
        AuthenticationException,
        BadHostKeyException,
        ChannelException,
        PasswordRequiredException,
        SSHException,
    )

    try:
        yield
    except BadHostKeyException as error:
        raise DeviceError(
            f"{name} shows another host key than known_hosts has: was it installed anew? If so: "
            f"ssh-keygen -R '{error.hostname}', then connect once with ssh and compare the fingerprint"
        ) from error
    except PasswordRequiredException as error:
        raise DeviceError(f"{name}: the private key has a passphrase: unlock it with ssh-add first") from error
    except AuthenticationException as error:
        raise DeviceError(
            f"{name} refused every key: put yours there with ssh-copy-id, or name it in ~/.ssh/config"
        ) from error
    except ChannelException as error:
        raise DeviceError(
            f"{name} cannot be reached from its gateway ({error}): check host, port, cable and power"
        ) from error
    except SSHException as error:
        raise DeviceError(f"{name} {_ssh_refusal(str(error))}") from error
    except (TimeoutError, socket.gaierror, OSError) as error:
        raise DeviceError(f"{name} cannot be reached ({error}): check host, port, cable and power") from error


def _ssh_refusal(said: str) -> str:
    """What a failure is that paramiko tells from others by its words alone, with its remedy."""
    if "No authentication methods" in said:
        return "needs a key and there is no key to offer: make one with ssh-keygen"
    if "not found in known_hosts" in said:
        return "is not in known_hosts: connect once with ssh and compare the fingerprint"
    return f"does not speak ssh as expected ({said}): is sshd running there?"


def _connection(address: Address) -> "Connection":
    """A fabric connection of which every hop trusts known_hosts alone."""
    try:
        from fabric import Connection
    except ModuleNotFoundError as error:
        raise MissingToolError("fabric is missing: pip install 'smldist-factory[jetson]'") from error
    # Without a handler paramiko's tracebacks would reach standard error; what matters of them is in our messages.
    if not logging.getLogger("paramiko").handlers:
        logging.getLogger("paramiko").addHandler(logging.NullHandler())
    connection = Connection(
        host=address.host,
        user=address.user,
        port=address.port,
        connect_timeout=_CONNECT_S,
        connect_kwargs={"banner_timeout": _CONNECT_S, "auth_timeout": _CONNECT_S},
    )
    _order_jumps(connection)
    for hop in _hops(connection):
        _trust_known_hosts(hop)
    return connection


def _order_jumps(connection: "Connection") -> None:
    """Lead 'ProxyJump a,b' through a to b, as ssh does; fabric goes through the last one first."""
    from fabric import Connection

    names = str(connection.ssh_config.get("proxyjump", "")).split(",")
    if len(names) < 2 or not connection.gateway:
        return
    gateway = Connection(names[0].strip(), config=connection.config.clone())
    _order_jumps(gateway)
    for name in names[1:]:
        gateway = Connection(name.strip(), config=connection.config.clone(), gateway=gateway)
    connection.gateway = gateway


def _hops(connection: "Connection") -> "list[Connection]":
    """The connections that lead to a board, in the order in which they are opened; the board's own is the last.

    A ProxyCommand, which fabric holds as a text, is a program that checks its own host keys.
    """
    hops = [connection]
    while hops[0].gateway and not isinstance(hops[0].gateway, str):
        hops.insert(0, hops[0].gateway)
    return hops


def _trust_known_hosts(hop: "Connection") -> None:
    """Load the files of known hosts that apply to a hop, and refuse every key that is not in them."""
    from paramiko import RejectPolicy

    configured = hop.ssh_config.get("userknownhostsfile", "~/.ssh/known_hosts")
    for file in [_GLOBAL_KNOWN_HOSTS, *(Path(name).expanduser() for name in str(configured).split())]:
        if file.is_file():
            hop.client.load_system_host_keys(str(file))
    # Fabric's own default would add any unknown key.
    hop.client.set_missing_host_key_policy(RejectPolicy())


def _feed(channel: Any, local: Path, task: Task) -> None:
    """Send a file into a command's standard input; a command that ended early is judged by its exit code."""
    with local.open("rb") as file:
        while chunk := file.read(_CHUNK):
            try:
                channel.sendall(chunk)
            except OSError:
                if channel.exit_status_ready():
                    return
                raise
            task.advance(len(chunk))
