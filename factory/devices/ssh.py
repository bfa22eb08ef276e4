"""A board over ssh: run, send, fetch. Host keys are strict: a board that is not in known_hosts is refused.

~/.ssh/config is honoured (HostName, User, Port, IdentityFile, ProxyJump, UserKnownHostsFile); no password is asked for.
"""

import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
        with self._refusals():
            self._connection.open()
        self._transport().set_keepalive(_KEEPALIVE_S)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def run(self, command: str, what: str, silence_s: float = 60) -> Done:
        """Run a POSIX shell command in the login's home.

        Args:
            command: As the remote shell reads it; quote paths with shlex.
            what: For messages: 'building engines'.
            silence_s: After this long without output it counts as hung.

        Raises:
            DeviceError: The connection broke, or the command hung.
            StorageError: It failed because the board's disk is full.
        """
        text = bytearray()
        code = self._execute(command, what, silence_s, text.extend)
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
            said = text.decode("utf-8", "replace").strip()
            self._refuse_full(what, said)
            raise DeviceError(f"{self.url}: {what} failed ({said[-300:]}): make the folder writable for this login")

    def fetch(self, remote: str, local: Path) -> None:
        """Copy a file home, whole or not at all.

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

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        from paramiko import AuthenticationException, BadHostKeyException, PasswordRequiredException, SSHException

        try:
            yield
        except BadHostKeyException as error:
            raise DeviceError(
                f"{self.url} shows another host key than known_hosts has: was the board flashed anew? If so: "
                f"ssh-keygen -R '{error.hostname}', then connect once with ssh and compare the fingerprint"
            ) from error
        except PasswordRequiredException as error:
            raise DeviceError(f"{self.url}: the private key has a passphrase: unlock it with ssh-add first") from error
        except AuthenticationException as error:
            raise DeviceError(
                f"{self.url} refused every key: put yours there with ssh-copy-id, or name it in ~/.ssh/config"
            ) from error
        except SSHException as error:
            if "No authentication methods" in str(error):
                raise DeviceError(f"{self.url}: there is no key to offer: make one with ssh-keygen") from error
            if "not found in known_hosts" in str(error):
                raise DeviceError(
                    f"{self.url} is not in known_hosts: connect once with ssh and compare the fingerprint"
                ) from error
            raise DeviceError(f"{self.url} does not speak ssh as expected ({error}): is sshd running there?") from error
        except (TimeoutError, socket.gaierror, OSError) as error:
            raise DeviceError(f"{self.url} cannot be reached ({error}): check host, port, cable and power") from error

    def _refuse_full(self, what: str, said: str) -> None:
        if any(words in said for words in _FULL):
            raise StorageError(f"{self.url}: no space left on the board while {what} ({said[-120:]}): free some there")


def _connection(address: Address) -> "Connection":
    """A fabric connection that trusts known_hosts alone."""
    try:
        from fabric import Connection
        from paramiko import RejectPolicy
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
    configured = connection.ssh_config.get("userknownhostsfile", "~/.ssh/known_hosts")
    for file in [_GLOBAL_KNOWN_HOSTS, *(Path(name).expanduser() for name in str(configured).split())]:
        if file.is_file():
            connection.client.load_system_host_keys(str(file))
    # Fabric's own default would add any unknown key.
    connection.client.set_missing_host_key_policy(RejectPolicy())
    return connection


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
