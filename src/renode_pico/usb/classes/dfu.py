"""DFU: the runtime's detach, download and upload in DFU mode (USB DFU 1.1)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

from renode_pico.errors import UsageError, UsbError
from renode_pico.usb.classes.common import ask, interfaces, none_of, settings, tell
from renode_pico.usb.configured import ConfiguredDevice
from renode_pico.usb.descriptors import Interface

APPLICATION_CLASS, DFU_SUBCLASS = 0xFE, 0x01
RUNTIME, DFU_MODE = 0x01, 0x02
DFU_DESCRIPTOR = 0x21
DETACH, DNLOAD, UPLOAD, GETSTATUS, CLRSTATUS, GETSTATE, ABORT = range(7)
"""Requests (table 3.2)."""


class State(IntEnum):
    """bState (6.1.2)."""

    APP_IDLE = 0
    APP_DETACH = 1
    IDLE = 2
    DNLOAD_SYNC = 3
    DNBUSY = 4
    DNLOAD_IDLE = 5
    MANIFEST_SYNC = 6
    MANIFEST = 7
    MANIFEST_WAIT_RESET = 8
    UPLOAD_IDLE = 9
    ERROR = 10


@dataclass(frozen=True, slots=True)
class Status:
    """What GETSTATUS answers (6.1.2). status: 0 for OK; poll_timeout: milliseconds until it may be asked again."""

    status: int
    poll_timeout: int
    state: State


class DfuError(UsbError):
    """The device is in its error state; `status` is its bStatus (6.1.2)."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class Dfu:
    """A DFU interface, of an application (`runtime`) or in DFU mode.

    `attributes`: bit 0 can download, 1 can upload, 2 manifestation tolerant, 3 will detach by itself (4.1.3).
    `transfer_size`: bytes of a block at most. `alternates`: the names of its memories by alternate setting.
    """

    def __init__(self, device: ConfiguredDevice, interface: Interface) -> None:
        self.device = device
        self.interface = interface
        self.number = interface.bInterfaceNumber
        self.runtime = interface.bInterfaceProtocol == RUNTIME
        described = [extra for each in settings(device, self.number) for extra in each.extra]
        functional = next((each for each in described if len(each) >= 7 and each[1] == DFU_DESCRIPTOR), None)
        if functional is None:
            raise UsageError(f"interface {self.number} has no DFU functional descriptor")
        self.attributes = functional[2]
        self.detach_timeout = functional[3] | functional[4] << 8
        self.transfer_size = functional[5] | functional[6] << 8

    @property
    def alternates(self) -> dict[int, str]:
        """The names of its memories by alternate setting."""
        strings = self.device.strings
        return {each.bAlternateSetting: strings.get(each.iInterface, "") for each in settings(self.device, self.number)}

    def select(self, alternate: int) -> None:
        """Choose a memory."""
        self.device.set_interface(self.number, alternate)

    def detach(self, milliseconds: int | None = None) -> None:
        """DFU_DETACH (5.1): the application is to become its loader, by itself or after the next bus reset."""
        tell(self.device, self.number, DETACH, self.detach_timeout if milliseconds is None else milliseconds)

    def status(self) -> Status:
        """DFU_GETSTATUS (6.1.2)."""
        data = ask(self.device, self.number, GETSTATUS, 0, 6)
        if len(data) != 6:
            raise UsbError(f"DFU_GETSTATUS: the device sent {len(data)} bytes instead of 6")
        return Status(data[0], int.from_bytes(data[1:4], "little"), State(data[4]))

    def state(self) -> State:
        """DFU_GETSTATE (6.1.5)."""
        return State(ask(self.device, self.number, GETSTATE, 0, 1)[0])

    def clear_status(self) -> None:
        """DFU_CLRSTATUS (6.1.3): out of the error state."""
        tell(self.device, self.number, CLRSTATUS)

    def abort(self) -> None:
        """DFU_ABORT (6.1.4): back to idle."""
        tell(self.device, self.number, ABORT)

    def download(self, data: bytes, *, timeout: float = 10.0, block_size: int | None = None) -> None:
        """Write to the memory chosen, block by block, as long as the device asks for; then let it manifest (6.1).

        timeout: emulated seconds that a block may take. Raises DfuError, Stall, Timeout, and UsbError when the device
        stays busy.
        """
        size = block_size or self.transfer_size
        for number, at in enumerate(range(0, len(data), size)):
            tell(self.device, self.number, DNLOAD, number & 0xFFFF, data[at : at + size])
            self._wait("a block", timeout, lambda state: state is State.DNLOAD_IDLE)
        tell(self.device, self.number, DNLOAD, -(-len(data) // size) & 0xFFFF)
        self._wait("manifestation", timeout, lambda state: state in (State.IDLE, State.MANIFEST_WAIT_RESET))

    def upload(self, limit: int = 1 << 24) -> bytes:
        """Read the memory chosen, to its end or `limit` bytes (6.2)."""
        data = b""
        number = 0
        while len(data) < limit:
            block = ask(self.device, self.number, UPLOAD, number & 0xFFFF, self.transfer_size)
            data += block
            number += 1
            if len(block) < self.transfer_size:
                return data
        self.abort()
        return data[:limit]

    def _wait(self, what: str, timeout: float, done: Callable[[State], bool]) -> None:
        host = self.device.host
        deadline = host.now + timeout
        while True:
            status = self.status()
            if status.state is State.ERROR:
                raise DfuError(f"DFU: {what} failed with status {status.status:#04x}", status.status)
            if done(status.state):
                return
            if host.now >= deadline:
                raise UsbError(f"DFU: {what} is not done after {timeout:g} emulated seconds, it is {status.state.name}")
            host.run(max(status.poll_timeout, 1) / 1000)


def dfus(device: ConfiguredDevice) -> list[Dfu]:
    """Return all DFU interfaces of a device, of applications and of loaders. Raises UsageError when there is none."""
    found = [Dfu(device, each) for each in interfaces(device, APPLICATION_CLASS, DFU_SUBCLASS)]
    if not found:
        raise none_of("DFU interface")
    return found
