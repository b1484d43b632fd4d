"""GDB's remote serial protocol, for an engine without a server of its own: cores are threads, halted time stands.

Not read from the wire while the board runs, but between pieces of emulated time: `poll` takes a new connection or GDB's
Ctrl-C; `halted` serves GDB until it lets the board go on. Packets: the GDB manual, appendix E.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Collection
from typing import Protocol

from renode_pico.errors import UsageError

REGISTERS = 17
"""r0 to r15 and xPSR, as `org.gnu.gdb.arm.m-profile` numbers them; behind them those of `m-system`."""
SYSTEM_REGISTERS = ("msp", "psp", "primask", "basepri", "faultmask", "control")
SIGINT, SIGTRAP, SIGSEGV = 2, 5, 11
PACKET_SIZE = 0x4000
CTRL_C = 0x03

TARGET_XML = (
    '<?xml version="1.0"?><!DOCTYPE target SYSTEM "gdb-target.dtd"><target version="1.0">'
    '<architecture>armv6s-m</architecture><feature name="org.gnu.gdb.arm.m-profile">'
    + "".join(f'<reg name="r{number}" bitsize="32"/>' for number in range(13))
    + '<reg name="sp" bitsize="32" type="data_ptr"/><reg name="lr" bitsize="32"/>'
    '<reg name="pc" bitsize="32" type="code_ptr"/><reg name="xpsr" bitsize="32"/></feature>'
    '<feature name="org.gnu.gdb.arm.m-system">'
    + "".join(f'<reg name="{name}" bitsize="32"/>' for name in SYSTEM_REGISTERS)
    + "</feature></target>"
)
MEMORY_MAP = (
    '<?xml version="1.0"?><memory-map>'
    '<memory type="rom" start="0x0" length="0x4000"/>'
    '<memory type="flash" start="0x10000000" length="0x200000"><property name="blocksize">0x1000</property></memory>'
    '<memory type="ram" start="0x15000000" length="0x4000"/>'
    '<memory type="ram" start="0x20000000" length="0x42000"/>'
    '<memory type="ram" start="0x21000000" length="0x40000"/>'
    '<memory type="ram" start="0x40000000" length="0xc0000000"/></memory-map>'
)
"""In flash GDB asks for hardware breakpoints by itself; loading a program goes through flash packets."""


class Target(Protocol):
    """What is debugged. Registers as GDB numbers them; addresses and values unsigned."""

    cores: int

    def register(self, core: int, number: int) -> int:
        """One register."""

    def set_register(self, core: int, number: int, value: int) -> None:
        """Set it, if it can be set."""

    def read(self, address: int, length: int) -> bytes:
        """As far as something answers."""

    def write(self, address: int, data: bytes) -> bool:
        """RAM or registers; False: refused."""

    def program(self, address: int, data: bytes) -> bool:
        """Flash, as an external programmer writes it."""

    def set_breakpoints(self, addresses: set[int]) -> bool:
        """All there are; False: too many."""

    def set_watchpoints(self, watchpoints: set[tuple[int, int, int]]) -> bool:
        """(address, length, 1 write | 2 read)."""

    def attach(self, on: bool) -> None:
        """A debugger has come, so that BKPT stops for it; or it has gone."""

    def resume(self, core: int, *, step: bool, held: Collection[int] = ()) -> None:
        """Before execution goes on: passing what stands at the PC of `core`, or for one step of it.

        held: cores that stand still meanwhile.
        """

    def reset(self) -> None:
        """The RUN pin."""


class GdbStub:
    """A server for one client at a time on 127.0.0.1. Raises UsageError when the port is taken."""

    outside_of_snapshots = True

    def __init__(self, port: int, target: Target) -> None:
        self._target = target
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._listener.bind(("127.0.0.1", port))
        except OSError as error:
            self._listener.close()
            raise UsageError(f"GDB's port {port}: {error.strerror or error}") from error
        self._listener.listen(1)
        self._listener.setblocking(False)
        self.port = int(self._listener.getsockname()[1])
        self._client: socket.socket | None = None
        self._input = bytearray()
        self._acknowledge = True
        self._breakpoints: set[int] = set()
        self._watchpoints: set[tuple[int, int, int]] = set()
        self._core = 0
        self._last = "S05"
        self._flash = bytearray()
        self._flash_at: list[tuple[int, bytes]] = []
        self._answers: dict[str, Callable[[str], str | None]] = {
            "?": lambda _: self._last, "g": self._read_all, "G": self._write_all, "p": self._read_one,
            "P": self._write_one, "m": self._read_memory, "M": self._write_memory, "H": self._select_thread,
            "T": self._thread_alive, "Z": self._set_point, "z": self._clear_point, "q": self._query, "Q": self._set,
            "v": self._long_command,
        }  # fmt: skip

    # Between pieces of emulated time

    @property
    def connected(self) -> bool:
        """Whether GDB is there."""
        return self._client is not None

    def poll(self) -> bool:
        """Take what has arrived; True: GDB wants the board to halt (it has just connected, or sent Ctrl-C)."""
        if self._client is None:
            try:
                self._accept()
            except BlockingIOError:
                return False
            return True
        try:
            data = self._client.recv(4096, socket.MSG_DONTWAIT)
            if not data:
                raise ConnectionResetError
        except BlockingIOError:
            data = b""  # what came behind the last packet may hold a Ctrl-C
        except OSError:
            self._gone()
            return False
        self._input += data
        if CTRL_C in self._input:
            self._input.clear()
            return True
        return False

    def wait_for_client(self) -> None:
        """Stand still until GDB has connected."""
        self._listener.setblocking(True)
        try:
            self._accept()
        finally:
            self._listener.setblocking(False)

    def _accept(self) -> None:
        self._client, _ = self._listener.accept()
        self._client.setblocking(True)
        self._client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._input.clear()
        self._acknowledge = True
        self._last = "S05"
        self._target.attach(True)

    def halted(self, signal: int, core: int = 0, watched: int | None = None) -> None:
        """The board stands: tell GDB, unless it has just connected, and serve it until it lets the board go on."""
        self._core = core
        thread = f"thread:{core + 1};"
        where = f"watch:{watched:x};" if watched is not None else ""
        told = self._last == "running"
        self._last = f"T{signal:02x}{where}{thread}"
        if told:
            self._send(self._last)
        while self._client is not None:
            packet = self._receive()
            if packet is None:
                self._gone()
                return
            if self._serve(packet):
                self._last = "running"
                return

    def close(self) -> None:
        """End it; GDB is told that the program has ended."""
        if self._client is not None:
            self._send("W00")
        self._gone()
        self._listener.close()

    def _gone(self) -> None:
        """Without a debugger the board goes on as if there had never been one."""
        if self._client is not None:
            self._client.close()
            self._client = None
        self._breakpoints.clear()
        self._watchpoints.clear()
        self._target.set_breakpoints(set())
        self._target.set_watchpoints(set())
        self._target.attach(False)
        self._target.resume(self._core, step=False)

    # Packets

    def _receive(self) -> str | None:
        """The next packet's content; None when the connection has ended."""
        assert self._client is not None
        while True:
            begin = self._input.find(b"$")
            end = self._input.find(b"#", begin)
            if begin >= 0 and end >= 0 and len(self._input) >= end + 3:
                content, given = bytes(self._input[begin + 1 : end]), bytes(self._input[end + 1 : end + 3])
                del self._input[: end + 3]
                good = given.lower() == b"%02x" % (sum(content) & 0xFF)
                if self._acknowledge:
                    self._write(b"+" if good else b"-")
                if good:
                    return content.decode("latin-1")
                continue
            try:
                data = self._client.recv(65536)
            except OSError:
                return None
            if not data:
                return None
            self._input += data

    def _send(self, content: str) -> None:
        data = content.encode("latin-1")
        self._write(b"$" + data + b"#%02x" % (sum(data) & 0xFF))

    def _write(self, data: bytes) -> None:
        try:
            if self._client is not None:
                self._client.sendall(data)
        except OSError:
            pass  # noticed when it is read from

    def _serve(self, packet: str) -> bool:
        """Answer one packet; True when the board goes on."""
        head, rest = packet[:1], packet[1:]
        if packet.startswith("X"):
            self._send(self._write_binary(rest))
            return False
        if head in ("c", "s") or packet.startswith("vCont;"):
            return self._go_on(packet)
        if head == "D":
            self._send("OK")
            self._gone()
            return True
        if head == "k":
            self._gone()
            return True
        answer = self._answers.get(head)
        try:
            content = answer(rest) if answer else ""
        except (ValueError, IndexError):
            content = "E01"
        if content is not None:
            self._send(content)
        return self._client is None

    def _go_on(self, packet: str) -> bool:
        step, core, held = packet[:1] == "s", self._core, set[int]()
        if packet.startswith("vCont;"):
            actions = self.actions(packet[6:])
            stepping = [number for number, action in actions.items() if action in "sS"]
            step, core = bool(stepping), next(iter(stepping), core)
            held = set(range(self._target.cores)) - set(actions)
        elif packet[1:]:
            self._target.set_register(core, 15, int(packet[1:], 16))
        self._target.resume(core, step=step, held=held)
        return True

    def actions(self, text: str) -> dict[int, str]:
        """What each core is to do: the leftmost action that is for it; a core without one stands still."""
        actions: dict[int, str] = {}
        for one in text.split(";"):
            action, _, thread = one.partition(":")
            cores = range(self._target.cores) if thread in ("", "-1") else [max(int(thread, 16) - 1, 0)]
            for core in cores:
                actions.setdefault(core, action[:1])
        return actions

    # Registers and memory

    def _value(self, number: int) -> str:
        return self._target.register(self._core, number).to_bytes(4, "little").hex()

    def _read_all(self, _: str) -> str:
        return "".join(map(self._value, range(REGISTERS)))

    def _write_all(self, rest: str) -> str:
        data = bytes.fromhex(rest)
        for number in range(min(REGISTERS, len(data) // 4)):
            self._target.set_register(self._core, number, int.from_bytes(data[4 * number : 4 * number + 4], "little"))
        return "OK"

    def _read_one(self, rest: str) -> str:
        number = int(rest, 16)
        return self._value(number) if number < REGISTERS + len(SYSTEM_REGISTERS) else "E01"

    def _write_one(self, rest: str) -> str:
        number, _, value = rest.partition("=")
        self._target.set_register(self._core, int(number, 16), int.from_bytes(bytes.fromhex(value), "little"))
        return "OK"

    def _read_memory(self, rest: str) -> str:
        address, _, length = rest.partition(",")
        data = self._target.read(int(address, 16), min(int(length, 16), PACKET_SIZE // 2))
        return data.hex() or ("E14" if int(length, 16) else "")

    def _write_memory(self, rest: str) -> str:
        where, _, data = rest.partition(":")
        return "OK" if self._target.write(int(where.partition(",")[0], 16), bytes.fromhex(data)) else "E14"

    def _write_binary(self, rest: str) -> str:
        where, _, data = rest.partition(":")
        return "OK" if self._target.write(int(where.partition(",")[0], 16), _unescaped(data)) else "E14"

    # Threads

    def _select_thread(self, rest: str) -> str:
        thread = int(rest[1:], 16) if rest[1:] not in ("-1", "") else 0
        if thread > self._target.cores:
            return "E01"
        if thread > 0:
            self._core = thread - 1
        return "OK"

    def _thread_alive(self, rest: str) -> str:
        return "OK" if 1 <= int(rest, 16) <= self._target.cores else "E01"

    # Breakpoints and watchpoints

    def _set_point(self, rest: str) -> str:
        return self._change_points(rest, set.add)

    def _clear_point(self, rest: str) -> str:
        return self._change_points(rest, set.discard)

    def _change_points(self, rest: str, change: Callable[[set[object], object], None]) -> str:
        kind, address, length = (rest.partition(";")[0]).split(",")
        if kind in ("0", "1"):
            points: set[int] = set(self._breakpoints)
            change(points, int(address, 16) & ~1)  # type: ignore[arg-type]
            if not self._target.set_breakpoints(points):
                return "E1c"  # ENOSPC
            self._breakpoints = points
        elif kind in ("2", "3", "4"):
            watched: set[tuple[int, int, int]] = set(self._watchpoints)
            change(watched, (int(address, 16), int(length, 16), int(kind) - 1))  # type: ignore[arg-type]
            if not self._target.set_watchpoints(watched):
                return "E1c"
            self._watchpoints = watched
        else:
            return ""
        return "OK"

    # Queries

    def _query(self, rest: str) -> str:
        if rest.startswith("Supported"):
            return (
                f"PacketSize={PACKET_SIZE:x};QStartNoAckMode+;qXfer:features:read+;qXfer:memory-map:read+;"
                "vContSupported+;hwbreak+;swbreak+"
            )
        if rest.startswith("Xfer:features:read:target.xml:"):
            return _piece(TARGET_XML, rest.rpartition(":")[2])
        if rest.startswith("Xfer:memory-map:read::"):
            return _piece(MEMORY_MAP, rest.rpartition(":")[2])
        if rest == "fThreadInfo":
            return "m" + ",".join(str(core + 1) for core in range(self._target.cores))
        if rest == "sThreadInfo":
            return "l"
        if rest.startswith("ThreadExtraInfo,"):
            return f"core {int(rest.partition(',')[2], 16) - 1}".encode().hex()
        if rest == "C":
            return f"QC{self._core + 1:x}"
        if rest.startswith("Attached"):
            return "1"
        if rest.startswith("Rcmd,"):
            return self._monitor(bytes.fromhex(rest[5:]).decode("utf-8", "replace").strip())
        return ""

    def _monitor(self, command: str) -> str:
        if command.split()[:1] == ["reset"]:
            self._target.reset()
            return "OK"
        if command in ("halt", "init", ""):
            return "OK"
        return f"{command}: the board's monitor knows reset and halt\n".encode().hex()

    def _set(self, rest: str) -> str | None:
        if rest == "StartNoAckMode":
            self._send("OK")
            self._acknowledge = False
            return None
        return ""

    def _long_command(self, rest: str) -> str:
        if rest.startswith("Cont?"):
            return "vCont;c;C;s;S"
        if rest.startswith("FlashErase:"):
            first, length = (int(part, 16) for part in rest[11:].split(","))
            self._flash_at.append((first, b"\xff" * length))
            return "OK"
        if rest.startswith("FlashWrite:"):
            address, _, data = rest[11:].partition(":")
            self._flash_at.append((int(address, 16), _unescaped(data)))
            return "OK"
        if rest == "FlashDone":
            done, self._flash_at = self._flash_at, []
            return "OK" if all(self._target.program(address, data) for address, data in done) else "E14"
        return ""


def _piece(text: str, where: str) -> str:
    """A part of a document, as qXfer asks for it: `offset,length` in hexadecimal."""
    offset, length = (int(part, 16) for part in where.split(","))
    part = text[offset : offset + length]
    return ("m" if offset + length < len(text) else "l") + part


def _unescaped(data: str) -> bytes:
    """Binary data of a packet: `}` and the byte after it exclusive or 0x20."""
    out, escaped = bytearray(), False
    for byte in data.encode("latin-1"):
        if escaped:
            out.append(byte ^ 0x20)
            escaped = False
        elif byte == ord("}"):
            escaped = True
        else:
            out.append(byte)
    return bytes(out)
