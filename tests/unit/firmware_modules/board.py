"""MicroPython's modules as far as pyb.py and its helpers use them, so that their logic runs without a board.

`Board` imports fresh copies of the firmware's modules against them and plays TinyUSB and the host.
"""

from __future__ import annotations

import importlib
import io
import struct
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

MODULES = Path(__file__).resolve().parents[3] / "firmware" / "modules"
OWN = ("pyb", "usb_vcp_device", "usb_vcp_pump")
EBUSY = 16
BUILT_IN_DEVICE = bytes.fromhex("12010002ef0201408a2e05000001010203 01".replace(" ", ""))


class RingIO:
    """micropython.RingIO: as much as fits, as much as is there."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.data = bytearray()

    def any(self) -> int:
        return len(self.data)

    def read(self, n: int = -1) -> bytes:
        n = len(self.data) if n < 0 else n
        taken = bytes(self.data[:n])
        del self.data[:n]
        return taken

    def readinto(self, buf: Any, n: int = 1 << 30) -> int:
        view = memoryview(buf)
        taken = self.read(min(n, len(view)))
        view[: len(taken)] = taken
        return len(taken)

    def readline(self, limit: int = -1) -> bytes:
        end = self.data.find(b"\n") + 1 or len(self.data)
        return self.read(end if limit < 0 else min(end, limit))

    def write(self, buf: Any, *where: int) -> int:
        data = bytes(buf)
        if where:
            off = where[0] if len(where) > 1 else 0
            data = data[off : off + where[-1]]
        data = data[: self.size - len(self.data)]
        self.data += data
        return len(data)


class Driver:
    """machine.USBDevice.BUILTIN_DEFAULT."""

    def __init__(self, itf_max: int, ep_max: int, str_max: int, desc_cfg: bytes) -> None:
        self.itf_max, self.ep_max, self.str_max = itf_max, ep_max, str_max
        self.desc_dev, self.desc_cfg = BUILT_IN_DEVICE, desc_cfg


CDC = Driver(2, 3, 5, bytes.fromhex("09024b00020100807d") + bytes(66))
NONE = Driver(0, 0, 1, b"")


class UsbDevice:
    """machine.USBDevice: a singleton, transfers wait in `queued` until the host takes them."""

    def __init__(self, driver: Driver) -> None:
        self.BUILTIN_DEFAULT = driver
        self.builtin_driver: Driver | None = None
        self.is_active = False
        self.queued: dict[int, Any] = {}
        self.desc_dev = self.desc_cfg = b""
        self.strings: dict[int, str] = {}
        self.callbacks: tuple[Callable[..., Any], ...] = ()

    def __call__(self) -> UsbDevice:
        return self

    def active(self, *value: bool) -> bool:
        if value:
            self.is_active = value[0]
        return self.is_active

    def config(self, desc_dev: bytes, desc_cfg: bytes, strings: dict[int, str], *callbacks: Callable[..., Any]) -> None:
        self.desc_dev, self.desc_cfg, self.strings, self.callbacks = (
            bytes(desc_dev),
            bytes(desc_cfg),
            strings,
            callbacks,
        )

    def submit_xfer(self, ep: int, buf: Any) -> bool:
        if ep in self.queued:
            raise OSError(EBUSY)
        self.queued[ep] = buf
        return True


class Timer:
    """machine.Timer: fires at once."""

    ONE_SHOT = 0

    def __init__(self, number: int) -> None:
        pass

    def init(self, *, mode: int, period: int, callback: Callable[[Any], None]) -> None:
        callback(self)

    def deinit(self) -> None:
        pass


class Board:
    """The modules, and the USB device that they configure."""

    def __init__(self, driver: Driver = CDC) -> None:
        self.usb = UsbDevice(driver)
        self.milliseconds = 0
        self.scheduled: list[tuple[Callable[[Any], None], Any]] = []
        self.on_idle: Callable[[], None] = lambda: None
        self.interrupts = 0
        self.pyb = self._import()

    def _import(self) -> Any:
        machine = _module("machine", USBDevice=self.usb, Timer=Timer, idle=self._idle, mem8={}, mem32={})
        machine.disable_irq, machine.enable_irq = int, lambda state: None
        micropython = _module("micropython", RingIO=RingIO, schedule=lambda *call: self.scheduled.append(call))
        time = _module("time", ticks_ms=lambda: self.milliseconds, ticks_us=lambda: self.milliseconds * 1000)
        time.ticks_diff = int.__sub__
        streams = _module("io", IOBase=type("IOBase", (), {}))
        replaced = {"machine": machine, "micropython": micropython, "time": time, "io": streams, "_usb_vcp": None}
        with patch.dict(sys.modules, replaced), patch.object(sys, "path", [str(MODULES), *sys.path]):
            for name in OWN:
                sys.modules.pop(name, None)
            modules = {name: importlib.import_module(name) for name in reversed(OWN)}
        self._lazily = replaced | modules
        modules["usb_vcp_pump"].__dict__["os"] = _module("os", dupterm=lambda _: None, dupterm_notify=self._interrupt)
        return modules["pyb"]

    def usb_mode(self, *arguments: Any, **options: Any) -> Any:
        """pyb.usb_mode, which imports."""
        with patch.dict(sys.modules, self._lazily):
            return self.pyb.usb_mode(*arguments, **options)

    def port(self, number: int = 0) -> Any:
        """pyb.USB_VCP, which may import."""
        with patch.dict(sys.modules, self._lazily):
            return self.pyb.USB_VCP(number)

    def _idle(self) -> None:
        self.milliseconds += 1
        self.on_idle()

    def _interrupt(self, _: Any) -> None:
        self.interrupts += 1

    # The host

    def configure(self) -> None:
        """SET_CONFIGURATION: every function is opened."""
        self.usb.queued.clear()
        open_itf = self.usb.callbacks[0]
        for itf in self.interfaces():
            open_itf(bytes((9, 4, itf)))

    def reset(self) -> None:
        self.usb.queued.clear()
        self.usb.callbacks[1]()

    def interfaces(self) -> list[int]:
        """The communication interfaces of the ports."""
        assert self.usb.builtin_driver is not None
        first = self.usb.builtin_driver.itf_max
        return list(range(first, self.usb.desc_cfg[4], 2))

    def request(self, kind: int, code: int, value: int, index: int, length: int = 0, data: bytes = b"") -> Any:
        """A control request through its stages; False if it is stalled, else the data of an IN request."""
        setup = struct.pack("<BBHHH", kind, code, value, index, length)
        answer = self.usb.callbacks[2](1, setup)
        if answer is False:
            return False
        if kind & 0x80:
            data = bytes(answer[:length])
        elif length:
            answer[: len(data)] = data
        self.usb.callbacks[2](3, setup)
        return data

    def open(self, number: int = 0, dtr: bool = True) -> None:
        assert self.request(0x21, 0x22, int(dtr), self.interfaces()[number]) is not False

    def endpoint(self, number: int = 0) -> int:
        """The number of a port's data endpoints."""
        assert self.usb.builtin_driver is not None
        return max(1, self.usb.builtin_driver.ep_max) + 2 * number + 1

    def send(self, data: bytes, number: int = 0) -> int:
        """Packets to a port until it takes no more; how many bytes it took."""
        sent = 0
        ep = self.endpoint(number)
        while sent < len(data) and ep in self.usb.queued:
            buf = self.usb.queued.pop(ep)
            packet = data[sent : sent + len(buf)]
            buf[: len(packet)] = packet
            self.usb.callbacks[3](ep, 0, len(packet))
            sent += len(packet)
        return sent

    def take(self, number: int = 0) -> bytes | None:
        """One transfer from a port; None if it has none."""
        ep = 0x80 | self.endpoint(number)
        if ep not in self.usb.queued:
            return None
        data = bytes(self.usb.queued.pop(ep))
        self.usb.callbacks[3](ep, 0, len(data))
        return data

    def take_all(self, number: int = 0) -> bytes:
        received = io.BytesIO()
        while (data := self.take(number)) is not None:
            received.write(data)
        return received.getvalue()

    def run_scheduled(self) -> None:
        while self.scheduled:
            function, argument = self.scheduled.pop(0)
            function(argument)


def _module(name: str, **members: Any) -> Any:
    module = types.ModuleType(name)
    module.__dict__.update(members)
    return module
