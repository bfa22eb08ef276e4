"""A phone for tests: the device's side of adb's protocol on a loopback port, its programs run under the emulator.

The messages are those of platform/packages/modules/adb/protocol.txt, SYNC.TXT and shell_protocol.h: connect, open,
okay, write, close; `sync:` with STAT, SEND and RECV; `shell,v2,raw:`. What a phone may do wrong can be asked for.
"""

import asyncio
import os
import struct
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from factory.devices.setups import Setup

BANNER = b"device::ro.product.name=test;ro.product.model=Test Phone;ro.product.device=test;features=shell_v2,cmd\0"
PROPERTIES = {
    "ro.product.model": "Test Phone",
    "ro.build.version.release": "14",
    "ro.build.version.sdk": "34",
    "ro.product.cpu.abi": "arm64-v8a",
}
HEALTH = {"thermalservice": "Thermal Status: 0", "battery": "  level: 87\n  temperature: 291\n  status: 2"}
_VERSION, _MOST = 0x01000001, 1 << 18
_STDOUT, _EXIT = 1, 3


@dataclass(kw_only=True)
class Faults:
    """What goes wrong; each text is looked for in what the phone is asked.

    Attributes:
        vanish_on: The connection ends when a command or a pushed path holds this.
        full_on: A push to a path that holds this finds no space.
        garbage_on: A command that holds this answers nonsense.
        damage: A pushed file of this name loses its last byte.
        replace: Text in answers, by what stands for it.
        properties: Instead of `PROPERTIES`.
        programs: Shell scripts that the phone has besides, by name.
    """

    vanish_on: str = "\0"
    full_on: str = "\0"
    garbage_on: str = "\0"
    damage: str = "\0"
    replace: dict[str, str] = field(default_factory=dict)
    properties: dict[str, str] = field(default_factory=lambda: dict(PROPERTIES))
    programs: dict[str, str] = field(default_factory=dict)


class VanishedError(Exception):
    """The cable was pulled."""


class Phone:
    """Listens while the with-block lasts; `files` is what stands for the phone's /."""

    def __init__(self, setup: Setup, root: Path, faults: Faults) -> None:
        self.files, self.faults, self.port = root / "phone", faults, 0
        self._setup, self._loop = setup, asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._bin = root / "bin"

    @property
    def left(self) -> list[str]:
        """What lies in /data/local/tmp."""
        return sorted(path.name for path in (self.files / "data/local/tmp").iterdir())

    def __enter__(self) -> Self:
        (self.files / "data/local/tmp").mkdir(parents=True)
        self._bin.mkdir()
        for name, answers in (("getprop", self.faults.properties), ("dumpsys", HEALTH)):
            cases = "".join(f"{key}) printf '%s\\n' '{value}';; " for key, value in answers.items())
            self._install(name, f'case "$1" in {cases} esac')
        for name, script in self.faults.programs.items():
            self._install(name, script)
        self._thread.start()
        start = asyncio.start_server(self._serve, "127.0.0.1", 0)
        self._server = asyncio.run_coroutine_threadsafe(start, self._loop).result(10)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def _install(self, name: str, script: str) -> None:
        (self._bin / name).write_text(f"#!/bin/sh\n{script}\n")
        (self._bin / name).chmod(0o755)

    async def _stop(self) -> None:
        self._server.close()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await Connection(self, reader, writer).serve()
        except (asyncio.IncompleteReadError, ConnectionError, VanishedError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    def local(self, path: str) -> Path:
        """Where a path of the phone lies here."""
        return self.files / path.lstrip("/")

    async def run(self, command: str) -> tuple[bytes, int]:
        """A shell command there; arm64's dynamic linker, which starts every program of ours, goes to the emulator."""
        if self.faults.vanish_on in command:
            raise VanishedError
        if self.faults.garbage_on in command:
            return b"\x1b[2J\xff\xfe{]", 0
        emulator = f"qemu-aarch64 -cpu cortex-a76 -L {self._setup.root('cortex-a76')} ./ld-linux-aarch64.so.1"
        here = command.replace("/data/local/tmp", str(self.local("/data/local/tmp")))
        here = here.replace("./ld-linux-aarch64.so.1", emulator)
        environment = {**os.environ, "PATH": f"{self._bin}:{os.environ['PATH']}"}
        process = await asyncio.create_subprocess_exec(
            "sh", "-c", here, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, env=environment
        )
        said, _ = await process.communicate()
        for old, new in self.faults.replace.items():
            said = said.replace(old.encode(), new.encode())
        return said, process.returncode or 0


class Connection:
    """One client's transport: streams by the client's number."""

    def __init__(self, phone: Phone, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._phone, self._reader, self._writer = phone, reader, writer
        self._streams: dict[int, Stream] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self) -> None:
        """Until the client goes."""
        while True:
            command, first, second, length, _, _ = struct.unpack("<4sIIIII", await self._reader.readexactly(24))
            payload = await self._reader.readexactly(length)
            if command == b"CNXN":
                await self.send(b"CNXN", _VERSION, _MOST, BANNER)
            elif command == b"OPEN":
                self._open(first, payload.rstrip(b"\0").decode())
            elif command == b"WRTE" and second in self._streams:
                self._streams[second].arrived.put_nowait(payload)
                await self.send(b"OKAY", second, first)
            elif command == b"OKAY" and second in self._streams:
                self._streams[second].ready.set()
            elif command == b"CLSE" and second in self._streams:
                self._streams.pop(second).arrived.put_nowait(None)

    async def send(self, command: bytes, first: int, second: int, payload: bytes = b"") -> None:
        """One message."""
        magic = int.from_bytes(command, "little") ^ 0xFFFFFFFF
        header = struct.pack("<4sIIIII", command, first, second, len(payload), sum(payload) & 0xFFFFFFFF, magic)
        self._writer.write(header + payload)
        await self._writer.drain()

    def _open(self, theirs: int, service: str) -> None:
        stream = Stream(connection=self, own=theirs + 1000, theirs=theirs)
        self._streams[stream.own] = stream
        task = asyncio.create_task(self._work(stream, service))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _work(self, stream: "Stream", service: str) -> None:
        await self.send(b"OKAY", stream.own, stream.theirs)
        try:
            if service.startswith("shell,v2"):
                said, code = await self._phone.run(service.partition(":")[2])
                for start in range(0, len(said), _MOST // 2):
                    part = said[start : start + _MOST // 2]
                    await stream.write(struct.pack("<BI", _STDOUT, len(part)) + part)
                await stream.write(struct.pack("<BIB", _EXIT, 1, code & 0xFF))
            elif service == "sync:":
                await Sync(self._phone, stream).serve()
        except VanishedError:
            self._writer.transport.abort()
            return
        await self.send(b"CLSE", stream.own, stream.theirs)


@dataclass(kw_only=True)
class Stream:
    """One service of a connection."""

    connection: Connection
    own: int
    theirs: int
    arrived: "asyncio.Queue[bytes | None]" = field(default_factory=asyncio.Queue)
    ready: asyncio.Event = field(default_factory=asyncio.Event)

    async def write(self, payload: bytes) -> None:
        """Send and wait until it was taken."""
        for start in range(0, len(payload), _MOST // 2):
            self.ready.clear()
            await self.connection.send(b"WRTE", self.own, self.theirs, payload[start : start + _MOST // 2])
            await asyncio.wait_for(self.ready.wait(), 30)


class Sync:
    """The file service of one stream."""

    def __init__(self, phone: Phone, stream: Stream) -> None:
        self._phone, self._stream, self._held = phone, stream, b""

    async def serve(self) -> None:
        """Requests until QUIT or the end."""
        while True:
            try:
                kind, length = struct.unpack("<4sI", await self._read(8))
            except EOFError:
                return
            if kind == b"QUIT":
                return
            path = (await self._read(length)).decode()
            if kind in (b"STAT", b"LSTA"):
                await self._stat(path)
            elif kind == b"SEND":
                await self._take(path.rpartition(",")[0])
            elif kind == b"RECV":
                await self._give(path)

    async def _read(self, count: int) -> bytes:
        while len(self._held) < count:
            part = await self._stream.arrived.get()
            if part is None:
                raise EOFError
            self._held += part
        taken, self._held = self._held[:count], self._held[count:]
        return taken

    async def _stat(self, path: str) -> None:
        local = self._phone.local(path)
        mode, size = (local.stat().st_mode, local.stat().st_size) if local.exists() else (0, 0)
        await self._stream.write(struct.pack("<4sIII", b"STAT", mode, size, 0))

    async def _parts(self) -> AsyncIterator[bytes]:
        while True:
            kind, length = struct.unpack("<4sI", await self._read(8))
            if kind == b"DONE":
                return
            yield await self._read(length)

    async def _take(self, path: str) -> None:
        faults = self._phone.faults
        if faults.vanish_on in path:
            raise VanishedError
        content = bytearray()
        async for part in self._parts():
            content += part
        if faults.full_on in path:
            await self._fail(b"couldn't write: No space left on device")
            return
        if path.endswith(f"/{faults.damage}"):
            del content[-1]
        self._phone.local(path).parent.mkdir(parents=True, exist_ok=True)
        self._phone.local(path).write_bytes(content)
        await self._stream.write(struct.pack("<4sI", b"OKAY", 0))

    async def _give(self, path: str) -> None:
        local = self._phone.local(path)
        if not local.is_file():
            await self._fail(b"No such file or directory")
            return
        content = local.read_bytes()
        for start in range(0, len(content), 65536):
            part = content[start : start + 65536]
            await self._stream.write(struct.pack("<4sI", b"DATA", len(part)) + part)
        await self._stream.write(struct.pack("<4sI", b"DONE", 0))

    async def _fail(self, why: bytes) -> None:
        await self._stream.write(struct.pack("<4sI", b"FAIL", len(why)) + why)
