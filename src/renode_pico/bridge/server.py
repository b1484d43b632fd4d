"""A board that keeps running, with doors for other programs."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from renode_pico.board import Board
from renode_pico.bridge.exported import ExportedDevice
from renode_pico.bridge.loop import READ, Loop
from renode_pico.bridge.pty import PtyPort
from renode_pico.bridge.rfc2217 import Rfc2217Port
from renode_pico.bridge.serial_link import MakeLine
from renode_pico.bridge.uart_link import UartLink, UartSource
from renode_pico.bridge.usbip import BUSID, UsbipServer
from renode_pico.errors import FirmwareError, UsageError, UsbError
from renode_pico.micropython.complaint import Ear, may_complain, overhear, tracebacks
from renode_pico.usb.cdc import cdc_functions
from renode_pico.usb.device import Device
from renode_pico.usb.enumeration import enumerate_device
from renode_pico.usb.transfer import Host

GONE_AFTER = 5.0
"""Emulated seconds a device may stay away before people are told what may be the matter."""
ATTACH_TIMEOUT = 1.0
"""Emulated seconds in which a device that has begun to attach must have done so."""
UART_PORTS = 10
"""How far above the first RFC 2217 port those of the UARTs begin; a device has seven CDC functions at most."""
SPEED_INTERVAL = 2.0
"""Real seconds over which the board's speed is measured."""
BUSY_BELOW = 0.9
"""The part of the speed asked for below which people are told."""
LOCAL = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True)
class Doors:
    """What to offer. Ports: 0 takes a free one, None offers nothing of the kind.

    `pty_link`: a symbolic link to the first pseudo-terminal, the others get a number behind it. `speed`: emulated
    seconds a real second, 0 for as fast as the engine can. `address`: where to listen. `uarts`: UARTs that get a
    pseudo-terminal and an RFC 2217 port, too; their links are named `LINK.uart0`, their ports begin ten above the
    first.
    """

    usbip: int | None = None
    exclusive: bool = False
    pty: bool = False
    pty_link: Path | None = None
    rfc2217: int | None = None
    address: str = "127.0.0.1"
    speed: float = 1.0
    uarts: tuple[int, ...] = ()


@dataclass(slots=True)
class _Lines:
    """The serial ports that have been opened so far, one of each kind for a CDC function."""

    ptys: list[PtyPort] = field(default_factory=list)
    rfc2217s: list[Rfc2217Port] = field(default_factory=list)
    uarts: list[PtyPort | Rfc2217Port] = field(default_factory=list)


class SpeedReport:
    """Says how fast a board runs whose engine cannot keep its pace: `busy: 4 % of real time`.

    `look()` is to be called once a pass of the loop. It says so when that begins, when the speed has doubled or halved
    since, and when it is over.
    """

    def __init__(self, loop: Loop, speed: float, report: Callable[[str], None]) -> None:
        self._loop = loop
        self._speed = speed
        self._report = report
        self._wall, self._emulated = loop.wall(), loop.engine.now
        self._told: float | None = None

    def look(self) -> None:
        """Measure, if it is time to."""
        wall = self._loop.wall() - self._wall
        if not self._speed or wall < SPEED_INTERVAL:
            return
        reached = (self._loop.engine.now - self._emulated) / wall
        self._wall, self._emulated = self._loop.wall(), self._loop.engine.now
        if reached >= BUSY_BELOW * self._speed:
            if self._told is not None:
                self._report(f"busy: no more, {self._speed:g} × real time again")
            self._told = None
        elif self._told is None or not self._told / 2 < reached < self._told * 2:
            self._report(f"busy: {100 * reached:.2g} % of real time")
            self._told = reached


class BoardServer:
    """Plugs a board in and serves it until `stop()`; use it as a context manager, or call `close()`.

    `report` gets lines for people: what is offered where, and what happens. Raises UsageError when an address or a
    link cannot be had.
    """

    def __init__(self, board: Board, doors: Doors, report: Callable[[str], None] = lambda line: None) -> None:
        self.board = board
        self.doors = doors
        self.report = report
        self.loop = Loop(board.engine, speed=doors.speed)
        self.exported = ExportedDevice(board.host, enumerate_=self._enumerate, report=report)
        self.usbip: UsbipServer | None = None
        self._lines = _Lines()
        self._uarts: list[UartSource] = []
        self._enumerating = False
        self._may_complain = may_complain(board)
        self._absent_since: float | None = board.engine.now
        try:
            if doors.usbip is not None:
                self._open_usbip(doors.usbip)
            for number in doors.uarts:
                self._open_uart(number)
            self.exported.follow(self)
            self.loop.hooks.append(self._look)
            self.loop.hooks.append(SpeedReport(self.loop, doors.speed, report).look)
            if not board.host.plugged:
                board.host.plug()
        except BaseException:
            self.close()
            raise

    @property
    def ptys(self) -> tuple[PtyPort, ...]:
        """The pseudo-terminals, by number of the CDC function."""
        return tuple(self._lines.ptys)

    @property
    def rfc2217s(self) -> tuple[Rfc2217Port, ...]:
        """The RFC 2217 ports, by number of the CDC function."""
        return tuple(self._lines.rfc2217s)

    def run(self) -> None:
        """Serve until `stop()`. Raises FirmwareError when the board's processor has stopped for good."""
        try:
            self.loop.run()
        except FirmwareError:
            for uart in self._uarts:
                uart.look()  # its last words
            for line in self._lines.uarts:
                line.look()
            raise

    def stop(self) -> None:
        """End `run()`."""
        self.loop.stop()

    def close(self) -> None:
        """Close every door; nothing is left behind."""
        with ExitStack() as stack:
            stack.callback(self.loop.close)
            for pty in self._lines.ptys:
                stack.callback(self._close_line, pty)
            for line in self._lines.rfc2217s:
                stack.callback(self._close_line, line)
            for uart in self._lines.uarts:
                stack.callback(uart.close)
            self._lines = _Lines()
            if self.usbip is not None:
                stack.callback(self.usbip.close)
                self.usbip = None

    def __enter__(self) -> BoardServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def ended_by_signals(self) -> Iterator[None]:
        """Let Ctrl-C and SIGTERM end `run()`. One that comes while the device is being enumerated ends that at once."""
        wake, waker = socket.socketpair()
        wake.setblocking(False)
        waker.setblocking(False)

        def ended(number: int, frame: FrameType | None) -> None:
            if self._enumerating or self.loop.stopped:
                raise KeyboardInterrupt
            self.stop()

        kinds = (signal.SIGINT, signal.SIGTERM)
        before = [signal.signal(kind, ended) for kind in kinds]
        descriptor = signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
        self.loop.watch(wake, READ, lambda events: _drain(wake))
        try:
            yield
        finally:
            signal.set_wakeup_fd(descriptor)
            for kind, handler in zip(kinds, before, strict=True):
                signal.signal(kind, handler)
            self.loop.forget(wake)
            wake.close()
            waker.close()

    # The device

    def found(self, device: Device) -> None:
        """Open a line of each kind for each of the device's CDC functions that has none yet."""
        self._absent_since = None
        with suppress(UsageError):
            for index in range(len(cdc_functions(device.configuration))):
                self._open_lines(index)
        if self._may_complain:
            self._may_complain = False
            self._overhear(device)

    def lost(self) -> None:
        """Remember since when there has been no device."""
        self._absent_since = self.board.engine.now
        self.board.forget_device()

    def _enumerate(self, host: Host) -> Device:
        self._enumerating = True
        try:
            return enumerate_device(host, timeout=ATTACH_TIMEOUT, temper=self.board.temper)
        finally:
            self._enumerating = False

    def _overhear(self, device: Device) -> None:
        """Report what boot.py or main.py has ended with. What was read for it is kept for the doors of that port."""
        said = overhear(self.board, device)
        self._tell_complaint(said)
        doors: list[PtyPort | Rfc2217Port] = [*self._lines.ptys[:1], *self._lines.rfc2217s[:1]]
        for door in doors:
            door.serial.keep(said)

    def _tell_complaint(self, said: bytes) -> None:
        for traceback in tracebacks(said):
            for line in traceback.splitlines():
                self.report(f"board    {line}")

    def _look(self) -> None:
        self.exported.check()
        since = self._absent_since
        if since is not None and self.board.engine.now - since > GONE_AFTER:
            self._absent_since = None
            if not self.board.host.attached:
                self.report(
                    f"device   none on the bus for {GONE_AFTER:g} emulated seconds: the firmware does not use USB, "
                    "crashed or hangs"
                )

    # The doors

    def _open_usbip(self, port: int) -> None:
        try:
            self.usbip = UsbipServer(
                self.loop,
                self.exported,
                address=self.doors.address,
                port=port,
                exclusive=self.doors.exclusive,
                report=self.report,
            )
        except OSError as error:
            raise UsageError(f"USB/IP: cannot listen on {self.doors.address} port {port}: {error.strerror}") from error
        self.report(f"usbip    {self.usbip.address} port {self.usbip.port}, busid {BUSID}")

    def _open_lines(self, index: int) -> None:
        if self.doors.pty and index == len(self._lines.ptys):
            pty = self._open_pty(index, self._link(f".{index}" if index else ""))
            self._lines.ptys.append(pty)
            self.exported.follow(pty)
        if self.doors.rfc2217 is not None and index == len(self._lines.rfc2217s):
            line = self._open_rfc2217(index, index)
            self._lines.rfc2217s.append(line)
            self.exported.follow(line)

    def _open_uart(self, number: int) -> None:
        source = UartSource(self.board.engine.uart(number), number)
        self._uarts.append(source)
        if number == 0 and self._may_complain:
            source.links.append(Ear(self._tell_complaint))
        self.loop.hooks.append(source.look)

        def make_line(on_data: Callable[[bytes], None]) -> UartLink:
            return UartLink(self.loop, source, on_data)

        if self.doors.pty:
            self._lines.uarts.append(self._open_pty(number, self._link(f".uart{number}"), make_line, f"UART{number}"))
        if self.doors.rfc2217 is not None:
            self._lines.uarts.append(
                self._open_rfc2217(number, UART_PORTS + number, make_line, f"UART{number}"),
            )

    def _open_pty(self, index: int, link: Path | None, make_line: MakeLine | None = None, name: str = "") -> PtyPort:
        try:
            return PtyPort(self.loop, index, link=link, make_line=make_line, name=name, report=self.report)
        except OSError as error:
            raise UsageError(f"pseudo-terminal: {error.filename2 or error.filename or ''}: {error.strerror}") from error

    def _open_rfc2217(self, index: int, above: int, make_line: MakeLine | None = None, name: str = "") -> Rfc2217Port:
        """Listen `above` the first port, or on any if that was not given."""
        address, port = self.doors.address, self.doors.rfc2217 + above if self.doors.rfc2217 else 0
        try:
            line = Rfc2217Port(
                self.loop, index, address=address, port=port, make_line=make_line, name=name, report=self.report
            )
        except OSError as error:
            raise UsageError(f"RFC 2217: cannot listen on {address} port {port}: {error.strerror}") from error
        self.report(f"rfc2217  {line.url} is {line.name}")
        return line

    def _link(self, suffix: str) -> Path | None:
        link = self.doors.pty_link
        return link.with_name(link.name + suffix) if link is not None else None

    def _close_line(self, port: PtyPort | Rfc2217Port) -> None:
        self.exported.unfollow(port)
        with suppress(UsbError):
            port.close()


def _drain(sock: socket.socket) -> None:
    with suppress(BlockingIOError):
        sock.recv(64)
